use proptest::prelude::*;

use super::*;
use crate::{
    fixture::{known, node, pod},
    need::{ContainerNeed, Role},
};

/// A node of two zones with so many free CPUs and devices of eight each.
fn two_zones(policy: Policy, scope: Scope, free: [(i64, i64); 2]) -> Node {
    let known = known();
    let node = node(2)
        .with(ResourceId::CPU, &free.map(|(cpus, _)| (8_000, cpus * 1000)))
        .with(known.sriov, &free.map(|(_, devices)| (8, devices)));
    Node {
        policy,
        scope,
        ..node
    }
}

fn wants(cpus: i64, devices: i64) -> Need {
    pod(&[(ResourceId::CPU, cpus * 1000), (known().sriov, devices)])
}

#[test]
fn the_least_that_would_do() {
    let (single, container) = (Policy::SingleNumaNode, Scope::Container);
    let (zone0, zone1, either) = (
        vec![ZoneMask::of(0)],
        vec![ZoneMask::of(1)],
        vec![ZoneMask::of(0), ZoneMask::of(1)],
    );
    let sriov = known().sriov;
    let cpu = ResourceId::CPU;
    for (free, (cpus, devices), wanted) in [
        (
            [(8, 1), (8, 1)],
            (1, 2),
            vec![(either.clone(), vec![(sriov, 1)], true)],
        ),
        (
            [(8, 1), (0, 8)],
            (4, 2),
            vec![
                (zone0, vec![(sriov, 1)], true),
                (zone1, vec![(cpu, 4000)], true),
            ],
        ),
        (
            [(8, 8), (8, 8)],
            (4, 9),
            vec![(either, vec![(sriov, 1)], false)],
        ),
        ([(8, 8), (8, 8)], (4, 8), vec![]),
        (
            [(8, -2), (8, 0)],
            (1, 1),
            vec![(
                vec![ZoneMask::of(0), ZoneMask::of(1)],
                vec![(sriov, 3)],
                true,
            )],
        ),
    ] {
        let found = missing(&two_zones(single, container, free), &wants(cpus, devices));
        assert!(found.iter().all(|one| one.is_enough), "{found:?}");
        let found = found
            .into_iter()
            .map(|one| (one.zones, one.more, one.can_be_freed));
        assert_eq!(found.collect::<Vec<_>>(), wanted, "{free:?}");
    }
}

#[test]
fn containers_come_one_after_the_other() {
    let mut two = wants(6, 1);
    two.containers.push(ContainerNeed {
        role: Role::App,
        aligned: vec![(ResourceId::CPU, 4_000)],
    });
    let free = [(8, 8), (2, 8)];
    let node = two_zones(Policy::SingleNumaNode, Scope::Container, free);
    let found = missing(&node, &two);
    assert_eq!(found.len(), 1, "both zones lack the same: {found:?}");
    assert_eq!(found[0].more, [(ResourceId::CPU, 2_000)]);
    assert!(found[0].is_enough && found[0].zones.len() == 2);
    // A third one that finds no place either.
    let third = two.containers[0].clone();
    two.containers.push(third);
    assert!(missing(&node, &two).iter().all(|one| !one.is_enough));
}

#[test]
fn the_node_as_a_whole() {
    let sriov = known().sriov;
    for policy in [Policy::None, Policy::BestEffort] {
        let node = two_zones(policy, Scope::Pod, [(1, 1), (0, 1)]);
        let found = missing(&node, &wants(4, 5));
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].zones.len(), &found[0].more),
            (0, &vec![(ResourceId::CPU, 3_000), (sriov, 3)])
        );
        assert!(found[0].can_be_freed && found[0].is_enough);
    }
    let without = Node {
        policy: Policy::SingleNumaNode,
        ..node(2)
    };
    let found = missing(&without, &wants(0, 1));
    assert_eq!((found.len(), found[0].can_be_freed), (1, false));
}

#[test]
fn restricted_takes_no_more_zones_than_it_must() {
    let node = two_zones(Policy::Restricted, Scope::Container, [(8, 8), (6, 8)]);
    let found = missing(&node, &wants(16, 9));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].zones, [ZoneMask::first(2)]);
    assert_eq!(found[0].more, [(ResourceId::CPU, 2_000)]);
    assert!(found[0].is_enough);
    assert_eq!(
        missing(&node, &wants(16, 1)),
        [],
        "one zone for the device, two for the CPUs"
    );
    assert!(fits_unaligned(
        &two_zones(Policy::Restricted, Scope::Pod, [(8, 8), (8, 8)]),
        &wants(16, 1)
    ));
}

proptest! {
    #[test]
    fn less_would_not_do(
        free in [(0_i64..9, 0_i64..9), (0_i64..9, 0_i64..9)],
        (cpus, devices) in (1_i64..9, 1_i64..9),
        is_pod in any::<bool>(),
    ) {
        let scope = if is_pod { Scope::Pod } else { Scope::Container };
        let node = two_zones(Policy::SingleNumaNode, scope, free);
        let need = wants(cpus, devices);
        let fits = align(&node, &need, &mut Scratch::default()).is_ok();
        let found = missing(&node, &need);
        prop_assert_eq!(found.is_empty(), fits);
        for one in found {
            prop_assert!(one.is_enough && one.can_be_freed, "{:?}", one);
            for zones in &one.zones {
                for at in 0..one.more.len() {
                    let mut less = Missing { zones: vec![*zones], ..one.clone() };
                    prop_assert!(align(&grown(&node, &less), &need, &mut Scratch::default()).is_ok());
                    less.more[at].1 -= 1;
                    prop_assert!(align(&grown(&node, &less), &need, &mut Scratch::default()).is_err());
                }
            }
        }
    }
}
