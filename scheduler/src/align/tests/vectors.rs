//! The tests of the NodeResourceTopologyMatch plugin (kubernetes-sigs/scheduler-plugins) that concern fitting, as vectors:
//! what is available in the zones, and what a pod asks for.

use api::topology_manager::{Policy, Scope};
use serde_json::{Value, json};

use super::fixture::{
    CPU, Described, MEMORY, NIC, PAGES, guaranteed, limited, place, pod, sidecar, zoned,
};
use crate::placement::Refusal;

fn node(name: &str) -> Described {
    match name {
        "n1" => zoned(Scope::Container, &[(4, 8, 0, 10), (8, 8, 0, 10)]),
        "n2" => {
            zoned(Scope::Container, &[(2, 4, 128, 5), (4, 4, 128, 2)]).beside("vendor/old-nic", 4)
        }
        "n3" => zoned(Scope::Pod, &[(2, 4, 0, 5), (4, 4, 0, 2)]),
        "n4" => zoned(Scope::Pod, &[(2, 4, 0, 5)]),
        "n5" => zoned(Scope::Container, &[(4, 8, 0, 10), (8, 8, 0, 10)]).beside("vendor/ext", 1),
        _ => unreachable!(),
    }
}

/// A container that requests so much; its limits are more, so that it is not guaranteed.
fn burstable(requests: &[(&str, &str)]) -> Value {
    let mut container = limited(requests);
    container["resources"]["requests"] = container["resources"]["limits"].clone();
    for native in [CPU, MEMORY] {
        if container["resources"]["limits"][native].is_string() {
            container["resources"]["limits"][native] = json!("200Gi");
        }
    }
    container
}

fn is_refused_for_alignment(refusal: Refusal, scope: Scope) -> bool {
    match scope {
        Scope::Container => matches!(refusal, Refusal::Container { .. }),
        Scope::Pod => matches!(refusal, Refusal::Pod { .. }),
    }
}

#[test]
fn pods_that_fit() {
    let nic = |count: &'static str| (NIC, count);
    for (on, containers) in [
        ("n1", vec![json!({})]),
        ("n1", vec![guaranteed("2", "2Gi", &[])]),
        ("n1", vec![guaranteed("8", "2Gi", &[])]),
        (
            "n1",
            vec![guaranteed("2", "2Gi", &[(PAGES, "0"), nic("3")])],
        ),
        ("n2", vec![guaranteed("2", "2Gi", &[nic("3")])]),
        (
            "n2",
            vec![guaranteed("2", "2Gi", &[(PAGES, "64Mi"), nic("3")])],
        ),
        (
            "n2",
            vec![guaranteed(
                "2",
                "2Gi",
                &[(PAGES, "64Mi"), nic("3"), ("vendor/old-nic", "3")],
            )],
        ),
        (
            "n2",
            vec![guaranteed(
                "2",
                "2Gi",
                &[nic("3"), ("ephemeral-storage", "100Mi")],
            )],
        ),
        ("n5", vec![guaranteed("2", "2Gi", &[("vendor/ext", "1")])]),
        (
            "n5",
            vec![guaranteed("2", "2Gi", &[("vendor/ext", "1"), nic("3")])],
        ),
        ("n3", vec![limited(&[nic("5")])]),
        ("n2", vec![limited(&[nic("5")])]),
        ("n5", vec![limited(&[("vendor/ext", "1"), nic("10")])]),
        (
            "n3",
            vec![burstable(&[(CPU, "19"), (MEMORY, "5Gi"), nic("5")])],
        ),
        (
            "n2",
            vec![burstable(&[(CPU, "3"), (MEMORY, "3Gi"), nic("5")])],
        ),
        (
            "n2",
            vec![burstable(&[(CPU, "5"), (MEMORY, "5Gi"), nic("5")])],
        ),
        ("n2", vec![burstable(&[(CPU, "4"), nic("3")])]),
        ("n3", vec![burstable(&[(CPU, "2"), nic("5")])]),
        ("n3", vec![burstable(&[(CPU, "20"), nic("5")])]),
        ("n2", vec![burstable(&[(MEMORY, "4Gi"), nic("5")])]),
        (
            "n5",
            vec![burstable(&[("vendor/ext", "1"), (CPU, "4"), nic("3")])],
        ),
        (
            "n1",
            vec![guaranteed("2", "1Gi", &[("vendor/missing-nic", "0")])],
        ),
        ("n3", vec![guaranteed("1", "1Gi", &[])]),
        ("n3", vec![guaranteed("1", "1Gi", &[]); 3]),
        ("n4", vec![guaranteed("2", "4Gi", &[])]),
    ] {
        let placed = place(&node(on), &pod(Vec::new(), containers.clone()));
        assert!(placed.is_ok(), "{on} {containers:?}: {placed:?}");
    }
}

#[test]
fn pods_that_cannot_be_aligned() {
    let nic = |count: &'static str| (NIC, count);
    for (on, containers, is_short) in [
        ("n1", vec![limited(&[nic("20")])], false),
        (
            "n2",
            vec![burstable(&[(CPU, "3"), (MEMORY, "3Gi"), nic("11")])],
            true,
        ),
        ("n2", vec![burstable(&[(CPU, "4"), nic("11")])], true),
        ("n2", vec![burstable(&[(MEMORY, "2Gi"), nic("11")])], true),
        (
            "n2",
            vec![guaranteed("1", "1Gi", &[(PAGES, "256Mi")])],
            false,
        ),
        ("n1", vec![guaranteed("9", "1Gi", &[nic("3")])], false),
        ("n3", vec![limited(&[nic("20")])], true),
        (
            "n3",
            vec![burstable(&[(CPU, "1"), (MEMORY, "1Gi"), nic("6")])],
            false,
        ),
        ("n3", vec![burstable(&[(CPU, "2"), nic("6")])], false),
        ("n3", vec![burstable(&[(MEMORY, "2Gi"), nic("6")])], false),
        ("n3", vec![guaranteed("3", "1Gi", &[]); 3], false),
        ("n4", vec![guaranteed("1", "1Gi", &[]); 3], false),
    ] {
        let on_node = node(on);
        let refusal = place(&on_node, &pod(Vec::new(), containers.clone())).unwrap_err();
        match is_short {
            // The node as a whole has fewer: that is said first.
            true => assert!(matches!(refusal, Refusal::Short { .. }), "{refusal:?}"),
            false => assert!(
                is_refused_for_alignment(refusal, on_node.scope),
                "{on} {containers:?}: {refusal:?}"
            ),
        }
    }
}

fn host(scope: Scope) -> Described {
    zoned(scope, &[(30, 60, 384, 16), (32, 64, 512, 32)])
}

#[test]
fn several_containers_as_a_pod() {
    let pod_of = |cpu: &str, memory: [&str; 3], pages: &str, nics: &str| {
        let containers = vec![
            guaranteed("2", memory[0], &[]),
            guaranteed(cpu, memory[1], &[]),
            guaranteed("26", memory[2], &[(PAGES, pages), (NIC, nics)]),
        ];
        place(&host(Scope::Pod), &pod(Vec::new(), containers))
    };
    let small = ["2Gi", "8Gi", "32Gi"];
    assert_eq!(pod_of("4", small, "512Mi", "26"), Ok(vec![2, 2, 2]));
    for (refused, resource) in [
        (pod_of("8", small, "512Mi", "26"), "cpu"),
        (
            pod_of("4", ["4Gi", "16Gi", "52Gi"], "512Mi", "26"),
            "memory",
        ),
        (pod_of("4", small, "3328Mi", "26"), "pages"),
    ] {
        let refusal = refused.unwrap_err();
        assert!(
            matches!(refusal, Refusal::Pod { resource: Some(_) }),
            "{resource}: {refusal:?}"
        );
    }
    let refusal = pod_of("4", small, "512Mi", "52").unwrap_err();
    assert!(matches!(
        refusal,
        Refusal::Short {
            free: 48,
            needed: 52,
            ..
        }
    ));
}

#[test]
fn several_containers_each_for_itself() {
    let app = |cpu: &str, memory: &str| guaranteed(cpu, memory, &[]);
    let with = |more: &[(&str, &str)]| guaranteed("2", "2Gi", more);
    let fits = |init: Vec<Value>, containers: Vec<Value>| {
        place(&host(Scope::Container), &pod(init, containers))
    };
    let refused = |index: u16, init: Vec<Value>, containers: Vec<Value>| {
        let refusal = fits(init, containers).unwrap_err();
        assert!(
            matches!(refusal, Refusal::Container { index: at, .. } if at == index),
            "{refusal:?}"
        );
    };
    let none = Vec::new;
    assert_eq!(fits(none(), vec![app("2", "4Gi")]), Ok(vec![1]));
    refused(0, none(), vec![app("40", "4Gi")]);
    refused(0, none(), vec![app("2", "100Gi")]);
    refused(0, none(), vec![app("40", "100Gi")]);
    let two = vec![app("20", "40Gi"), app("20", "40Gi")];
    assert_eq!(fits(none(), two.clone()), Ok(vec![1, 2]));
    let pages = |first: &str, second: &str, nics: [&str; 2]| {
        vec![
            with(&[(PAGES, first), (NIC, nics[0])]),
            with(&[(PAGES, second), (NIC, nics[1])]),
        ]
    };
    assert_eq!(
        fits(none(), pages("500Mi", "50Mi", ["16", "8"])),
        Ok(vec![2, 1])
    );
    refused(1, none(), pages("400Mi", "400Mi", ["0", "0"]));
    refused(1, none(), pages("2Mi", "2Mi", ["20", "20"]));
    refused(0, vec![app("40", "4Gi")], two.clone());
    refused(0, vec![app("4", "70Gi")], two.clone());
    assert_eq!(fits(vec![app("4", "10Gi")], two.clone()), Ok(vec![1, 1, 2]));
    let three = |cpu: &str, memory: &str| {
        let mut containers = two.clone();
        containers.push(app(cpu, memory));
        containers
    };
    let inits = vec![app("4", "10Gi"); 3];
    assert_eq!(
        fits(inits.clone(), three("6", "10Gi")),
        Ok(vec![1, 1, 1, 1, 2, 1])
    );
    refused(5, inits.clone(), three("20", "6Gi"));
    refused(5, inits, three("35", "40Gi"));
    let hungry = vec![app("4", "50Gi"); 3];
    assert!(fits(hungry, three("2", "6Gi")).is_ok());
}

/// The plugin lets a pod pass whose init containers hold more CPUs than the first app container takes over, and whose
/// second app container does not fit into their zone. The kubelet does not: as long as CPUs of an init container are left
/// to be used again, it considers no zones without them.
#[test]
fn what_init_containers_leave_binds_the_next_containers() {
    let app = |cpu: &str, memory: &str| guaranteed(cpu, memory, &[]);
    let apps = vec![app("20", "40Gi"), app("20", "40Gi"), app("2", "6Gi")];
    let placed = place(
        &host(Scope::Container),
        &pod(vec![app("30", "10Gi"); 3], apps),
    );
    assert!(
        matches!(placed, Err(Refusal::Container { index: 4, .. })),
        "{placed:?}"
    );
}

/// The plugin does not subtract sidecars. They keep what they have.
#[test]
fn sidecars_are_subtracted() {
    let node = zoned(Scope::Container, &[(4, 8, 0, 2)]);
    let nics = |count: &str| limited(&[(NIC, count)]);
    assert!(place(&node, &pod(vec![sidecar(nics("1"))], vec![nics("1")])).is_ok());
    assert!(place(&node, &pod(vec![sidecar(nics("1"))], vec![nics("2")])).is_err());
    assert!(place(&node, &pod(vec![nics("2")], vec![nics("2")])).is_ok());
    let node = zoned(Scope::Container, &[(4, 8, 0, 2), (4, 8, 0, 2)]);
    assert_eq!(
        place(&node, &pod(vec![sidecar(nics("1"))], vec![nics("2")])),
        Ok(vec![1, 2])
    );
    assert_eq!(
        place(&node, &pod(vec![nics("1")], vec![nics("2")])),
        Ok(vec![1, 1])
    );
}

/// What resource-topology-exporter and the topology updater publish of a kubelet that hands out neither CPUs nor memory by
/// zone: no memory, and no free CPUs.
#[test]
fn sums_of_zones_refuse_nobody_where_nothing_is_aligned() {
    let described = |policy| {
        Described {
            cells: vec![(CPU, 1, 0), (NIC, 1, 2)],
            ..zoned(Scope::Container, &[(0, 0, 0, 0)])
        }
        .under(policy)
    };
    for (policy, fits) in [
        (Policy::None, true),
        (Policy::BestEffort, true),
        (Policy::Restricted, false),
        (Policy::SingleNumaNode, false),
    ] {
        for scope in [Scope::Container, Scope::Pod] {
            for container in [
                guaranteed("2", "1Gi", &[]),
                guaranteed("500m", "1Gi", &[(NIC, "1")]),
            ] {
                let node = Described {
                    scope,
                    ..described(policy)
                };
                let placed = place(&node, &pod(vec![], vec![container]));
                assert_eq!(placed.is_ok(), fits, "{policy} {scope}: {placed:?}");
            }
        }
    }
}
