//! One container, or the same three times, on nodes of two zones.

use serde_json::Value;

use super::{
    asked::Extender,
    objects::{node, pod, topology},
};

const SINGLE: &str = "single-numa-node";

/// n1 to n5 of the tables.
fn cluster() -> Vec<Value> {
    let n1: &[(&str, &str)] = &[
        ("node-0", "cpu=4 mem=8Gi nic=10"),
        ("node-1", "cpu=8 mem=8Gi nic=10"),
    ];
    let n2 = &[
        ("node-0", "cpu=2 mem=4Gi hp=128Mi nic=5"),
        ("node-1", "cpu=4 mem=4Gi hp=128Mi nic=2"),
    ];
    let n3 = &[
        ("node-0", "cpu=2 mem=4Gi nic=5"),
        ("node-1", "cpu=4 mem=4Gi nic=2"),
    ];
    // Of the second zone nobody knows which it is. (The peer's is node-75: it passes over ids from 64 on, ours does not.)
    let n4 = &[
        ("node-0", "cpu=2 mem=4Gi nic=5"),
        ("node-75", "cpu=4 mem=4Gi nic=2"),
    ];
    let storage = "ephemeral=20Gi";
    vec![
        topology("n1", SINGLE, "container", n1),
        node("n1", &format!("cpu=12 mem=16Gi nic=20 {storage}")),
        topology("n2", SINGLE, "container", n2),
        node(
            "n2",
            &format!("cpu=6 mem=8Gi hp=256Mi nic=7 old-nic=4 {storage}"),
        ),
        topology("n3", SINGLE, "pod", n3),
        node("n3", &format!("cpu=6 mem=8Gi nic=7 {storage}")),
        topology("n4", SINGLE, "pod", n4),
        node("n4", &format!("cpu=2 mem=4Gi nic=5 {storage}")),
        topology("n5", SINGLE, "container", n1),
        node("n5", &format!("cpu=12 mem=16Gi nic=20 ext=1 {storage}")),
    ]
}

type Row = (&'static [&'static str], &'static str);

const FITTING: &[Row] = &[
    (&[""], "n1"),
    (&["cpu=2 mem=2Gi"], "n1"),
    (&["cpu=8 mem=8Gi"], "n1"),
    (&["cpu=2 mem=2Gi hp=0 nic=3"], "n1"),
    (&["cpu=2 mem=2Gi hp=0 nic=3"], "n2"),
    (&["cpu=2 mem=2Gi hp=64Mi nic=3"], "n2"),
    (&["cpu=2 mem=2Gi hp=64Mi nic=3 old-nic=3"], "n2"),
    (&["cpu=2 mem=2Gi hp=64Mi nic=3 ephemeral=100Mi"], "n2"),
    (&["cpu=2 mem=2Gi ext=1"], "n5"),
    (&["cpu=2 mem=2Gi ext=1 nic=3"], "n5"),
    (&["nic=5"], "n3"),
    (&["nic=5"], "n2"),
    (&["ext=1 nic=10"], "n5"),
    (&["cpu=19/ mem=5Gi/ nic=5"], "n3"),
    (&["cpu=3/5 mem=3Gi/5Gi nic=5"], "n2"),
    (&["cpu=4/ nic=3"], "n2"),
    (&["cpu=2/20 nic=5"], "n3"),
    (&["mem=4Gi/5Gi nic=5"], "n2"),
    (&["ext=1 cpu=4/ nic=3"], "n5"),
    (&["cpu=2 mem=1Gi missing-nic=0"], "n1"),
    (&["cpu=1 mem=1Gi"], "n3"),
    (&["cpu=1 mem=1Gi"; 3], "n3"),
    (&["cpu=2 mem=4Gi"], "n4"),
];

const REFUSED: &[Row] = &[
    (&["nic=20"], "n1"),
    (&["cpu=3/ mem=3Gi/ nic=11"], "n2"),
    (&["cpu=4/ nic=11"], "n2"),
    (&["mem=2Gi/ nic=11"], "n2"),
    (&["cpu=2 mem=2Gi hp=256Mi"], "n2"),
    (&["cpu=9 mem=1Gi nic=3"], "n1"),
    (&["nic=20"], "n3"),
    (&["cpu=1/ mem=1Gi/ nic=6"], "n3"),
    (&["cpu=2/ nic=6"], "n3"),
    (&["mem=2Gi/ nic=6"], "n3"),
    (&["cpu=3 mem=1Gi"; 3], "n3"),
    (&["cpu=1 mem=1Gi"; 3], "n4"),
];

pub(super) fn pods_that_fit_and_pods_that_cannot_be_aligned() {
    let extender = Extender::knowing(&cluster());
    for (containers, node) in FITTING {
        let (left, refused) = extender.filter(&pod("u1", containers), &[node]);
        assert_eq!(left, [*node], "{containers:?} {refused:?}");
    }
    for (containers, node) in REFUSED {
        let (left, refused) = extender.filter(&pod("u1", containers), &[node]);
        assert!(left.is_empty(), "{containers:?} on {node}");
        // A person is told which resource, or which container, is the matter.
        let words = ["nic", "cpu", "hugepages-2Mi", "container", "pod"];
        let has_word = words.iter().any(|word| refused[0].contains(word));
        assert!(has_word, "{containers:?}: {refused:?}");
    }
    // A node that is asked about and that nobody knows is refused, not an error.
    let (left, _) = extender.filter(&pod("u1", &["nic=1"]), &["n1", "n99"]);
    assert_eq!(left, ["n1"]);
}
