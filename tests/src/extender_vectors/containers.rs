//! Several containers on one large node, by pod and by container.

use serde_json::Value;

use super::{
    asked::Extender,
    objects::{node, pod, topology},
};

fn cluster() -> Vec<Value> {
    let zones = &[
        ("node-0", "cpu=30 mem=60Gi hp=384Mi nic=16"),
        ("node-1", "cpu=32 mem=64Gi hp=512Mi nic=32"),
    ];
    let allocatable = "cpu=62 mem=124Gi hp=896Mi nic=48";
    ["pod", "container"]
        .into_iter()
        .flat_map(|scope| {
            [
                topology(scope, "single-numa-node", scope, zones),
                node(scope, allocatable),
            ]
        })
        .collect()
}

/// Whether it fits, by pod.
const BY_POD: &[(&[&str], bool)] = &[
    (
        &[
            "cpu=2 mem=2Gi",
            "cpu=4 mem=8Gi",
            "cpu=26 mem=32Gi hp=512Mi nic=26",
        ],
        true,
    ),
    (
        &[
            "cpu=2 mem=2Gi",
            "cpu=8 mem=8Gi",
            "cpu=26 mem=32Gi hp=512Mi nic=26",
        ],
        false,
    ),
    (
        &[
            "cpu=2 mem=4Gi",
            "cpu=4 mem=16Gi",
            "cpu=26 mem=52Gi hp=512Mi nic=26",
        ],
        false,
    ),
    (
        &[
            "cpu=2 mem=2Gi",
            "cpu=4 mem=8Gi",
            "cpu=26 mem=32Gi hp=3328Mi nic=26",
        ],
        false,
    ),
    (
        &[
            "cpu=2 mem=2Gi",
            "cpu=4 mem=8Gi",
            "cpu=26 mem=32Gi hp=512Mi nic=52",
        ],
        false,
    ),
];

/// Whether it fits, by container.
const BY_CONTAINER: &[(&[&str], bool)] = &[
    (&["cpu=2 mem=4Gi"], true),
    (&["cpu=40 mem=4Gi"], false),
    (&["cpu=2 mem=100Gi"], false),
    (&["cpu=40 mem=100Gi"], false),
    (&["cpu=20 mem=40Gi"; 2], true),
    (
        &[
            "cpu=2 mem=4Gi hp=500Mi nic=16",
            "cpu=2 mem=4Gi hp=50Mi nic=8",
        ],
        true,
    ),
    (&["cpu=2 mem=4Gi hp=400Mi"; 2], false),
    (&["cpu=2 mem=4Gi nic=20"; 2], false),
    (&["init cpu=40 mem=4Gi", "cpu=2 mem=4Gi"], false),
    (&["init cpu=4 mem=70Gi", "cpu=2 mem=4Gi"], false),
    (
        &["init cpu=4 mem=10Gi", "cpu=20 mem=40Gi", "cpu=20 mem=40Gi"],
        true,
    ),
    (
        &[
            "init cpu=4 mem=10Gi",
            "init cpu=4 mem=10Gi",
            "init cpu=4 mem=10Gi",
            "cpu=20 mem=40Gi",
            "cpu=20 mem=40Gi",
            "cpu=6 mem=10Gi",
        ],
        true,
    ),
    (
        &[
            "init cpu=4 mem=10Gi",
            "init cpu=4 mem=10Gi",
            "init cpu=4 mem=10Gi",
            "cpu=20 mem=40Gi",
            "cpu=20 mem=40Gi",
            "cpu=20 mem=6Gi",
        ],
        false,
    ),
    (
        &[
            "init cpu=4 mem=10Gi",
            "init cpu=4 mem=10Gi",
            "init cpu=4 mem=10Gi",
            "cpu=20 mem=40Gi",
            "cpu=20 mem=40Gi",
            "cpu=35 mem=40Gi",
        ],
        false,
    ),
    (
        &[
            "init cpu=4 mem=50Gi",
            "init cpu=4 mem=50Gi",
            "init cpu=4 mem=50Gi",
            "cpu=20 mem=40Gi",
            "cpu=20 mem=40Gi",
            "cpu=2 mem=6Gi",
        ],
        true,
    ),
    // The peer lets it pass. The kubelet refuses it: what the first container leaves of the init containers' 30 CPUs binds
    // the second one to the same zone, where it has not enough.
    (
        &[
            "init cpu=30 mem=10Gi",
            "init cpu=30 mem=10Gi",
            "init cpu=30 mem=10Gi",
            "cpu=20 mem=40Gi",
            "cpu=20 mem=40Gi",
            "cpu=2 mem=6Gi",
        ],
        false,
    ),
    // The peer never counts what a sidecar keeps: it lets the second of these pass.
    (
        &["sidecar cpu=2 mem=4Gi nic=16", "cpu=2 mem=4Gi nic=32"],
        true,
    ),
    (
        &["sidecar cpu=2 mem=4Gi nic=17", "cpu=2 mem=4Gi nic=32"],
        false,
    ),
];

pub(super) fn pods_of_several_containers() {
    let extender = Extender::knowing(&cluster());
    for (node, rows) in [("pod", BY_POD), ("container", BY_CONTAINER)] {
        for (containers, fits) in rows {
            let (left, refused) = extender.filter(&pod("u1", containers), &[node]);
            assert_eq!(
                !left.is_empty(),
                *fits,
                "{containers:?} by {node}: {refused:?}"
            );
        }
    }
}
