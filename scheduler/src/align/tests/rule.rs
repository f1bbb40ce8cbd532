//! One sentence of the rule each.

use api::topology_manager::{Policy, Scope};
use serde_json::Value;

use super::fixture::{
    CPU, Described, MEMORY, NIC, PAGES, guaranteed, limited, place, pod, sidecar, zoned,
};
use crate::{
    align::{Scratch, align, take},
    demand::PodDemand,
    need::Need,
    node::Node,
    placement::{Placement, Refusal},
    resource::{ResourceId, Resources},
    zones::ZoneMask,
};

const GPU: &str = "vendor/gpu";

fn nics(count: i64) -> Value {
    limited(&[(NIC, &count.to_string())])
}

fn app(container: Value) -> PodDemand {
    pod(Vec::new(), vec![container])
}

/// A node of so many zones with devices in sets of zones.
fn with_devices(policy: Policy, zones: u32, devices: &[(&'static str, u64, i64)]) -> Described {
    Described {
        policy,
        scope: Scope::Container,
        zones: (0..zones).collect(),
        cells: devices.to_vec(),
        beside: Vec::new(),
        is_summed: true,
    }
}

#[test]
fn restricted_takes_no_more_zones_than_there_have_to_be() {
    let node =
        |first, second| with_devices(Policy::Restricted, 2, &[(NIC, 1, first), (NIC, 2, second)]);
    assert_eq!(place(&node(2, 2), &app(nics(3))), Ok(vec![3]));
    assert_eq!(place(&node(2, 4), &app(nics(3))), Ok(vec![2]));
    // A zone could have three, and has only two left.
    let mut held = node(2, 4).build(&mut Resources::default());
    held.cells[1].free = 2;
    held.stocks[0].free = 4;
    let mut resources = Resources::default();
    resources.intern(NIC);
    let need = Need::of(&app(nics(3)), &resources);
    let refusal = align(&held, &need, &mut Scratch::default()).unwrap_err();
    let nic = resources.get(NIC);
    assert_eq!(
        refusal,
        Refusal::Container {
            index: 0,
            resource: nic
        }
    );
}

#[test]
fn restricted_wants_the_same_zones_for_everything() {
    let node = with_devices(
        Policy::Restricted,
        2,
        &[(NIC, 1, 2), (NIC, 2, 2), (GPU, 1, 1), (GPU, 2, 1)],
    );
    let both = |nics: &str, gpus: &str| app(limited(&[(NIC, nics), (GPU, gpus)]));
    assert_eq!(place(&node, &both("2", "1")), Ok(vec![1]));
    assert_eq!(place(&node, &both("3", "2")), Ok(vec![3]));
    assert_eq!(
        place(&node, &both("3", "1")),
        Err(Refusal::Container {
            index: 0,
            resource: None
        })
    );
}

#[test]
fn what_is_reserved_counts_for_how_many_zones_there_have_to_be() {
    let described = with_devices(Policy::Restricted, 2, &[(NIC, 1, 3), (NIC, 2, 3)]);
    let mut resources = Resources::default();
    let mut node = described.build(&mut resources);
    let need = Need::of(&app(nics(4)), &resources);
    let mut scratch = Scratch::default();
    assert_eq!(align(&node, &need, &mut scratch), Ok(()));
    assert_eq!(scratch.placement.zones, [ZoneMask(3)]);
    node.capacities = [4, 4].into();
    assert!(align(&node, &need, &mut scratch).is_err());
}

#[test]
fn best_effort_takes_the_best_there_is() {
    let node = |first, second| {
        with_devices(
            Policy::BestEffort,
            2,
            &[(NIC, 1, first), (NIC, 2, second), (GPU, 2, 1)],
        )
    };
    let both = app(limited(&[(NIC, "2"), (GPU, "1")]));
    assert_eq!(place(&node(2, 2), &both), Ok(vec![2]));
    assert_eq!(place(&node(3, 1), &both), Ok(vec![2]));
    let refused = place(&node(3, 1), &app(nics(5)));
    assert!(matches!(
        refused,
        Err(Refusal::Short {
            free: 4,
            needed: 5,
            ..
        })
    ));
}

#[test]
fn none_aligns_nothing_and_counts_all_the_same() {
    let node = zoned(Scope::Pod, &[(4, 8, 0, 2), (4, 8, 0, 2)])
        .under(Policy::None)
        .in_full();
    let whole = guaranteed("6", "12Gi", &[(NIC, "4")]);
    assert_eq!(place(&node, &app(whole)), Ok(vec![0]));
    let more = place(&node, &app(nics(5)));
    assert!(matches!(more, Err(Refusal::Short { .. })));
    let more = place(&node, &app(guaranteed("9", "1Gi", &[])));
    assert_eq!(
        more,
        Err(Refusal::Short {
            resource: ResourceId::CPU,
            free: 8_000,
            needed: 9_000
        })
    );
}

#[test]
fn a_device_of_several_zones_is_in_each() {
    let node = with_devices(
        Policy::SingleNumaNode,
        2,
        &[(NIC, 1, 1), (NIC, 3, 1), (GPU, 2, 1)],
    );
    assert_eq!(place(&node, &app(nics(2))), Ok(vec![1]));
    let with_gpu = |nics| app(limited(&[(NIC, nics), (GPU, "1")]));
    assert_eq!(place(&node, &with_gpu("1")), Ok(vec![2]));
    assert!(place(&node, &with_gpu("2")).is_err());
}

#[test]
fn devices_in_no_zone_are_counted_and_not_aligned() {
    let node = with_devices(Policy::SingleNumaNode, 2, &[(NIC, 1, 1)]).beside(GPU, 2);
    assert_eq!(place(&node, &app(limited(&[(GPU, "2")]))), Ok(vec![0]));
    assert_eq!(
        place(&node, &app(limited(&[(GPU, "2"), (NIC, "1")]))),
        Ok(vec![1])
    );
    // Where some are in zones, the kubelet looks for all in zones.
    let node = with_devices(Policy::SingleNumaNode, 2, &[(NIC, 1, 1)]).beside(NIC, 2);
    assert_eq!(place(&node, &app(nics(1))), Ok(vec![1]));
    assert!(matches!(
        place(&node, &app(nics(2))),
        Err(Refusal::Container { .. })
    ));
}

#[test]
fn cpus_are_aligned_whole_and_of_guaranteed_pods_alone() {
    let node = zoned(Scope::Container, &[(1, 8, 0, 1), (4, 8, 0, 1)]);
    assert_eq!(place(&node, &app(guaranteed("2", "1Gi", &[]))), Ok(vec![2]));
    assert_eq!(
        place(&node, &app(guaranteed("1500m", "1Gi", &[]))),
        Ok(vec![1])
    );
    let mut burstable = guaranteed("2", "1Gi", &[(NIC, "1")]);
    burstable["resources"]["requests"] = serde_json::json!({"cpu": "1"});
    assert_eq!(place(&node, &app(burstable)), Ok(vec![1]));
}

#[test]
fn memory_is_not_pinned_alone_where_it_is_pinned_together() {
    let mut resources = Resources::default();
    let described = zoned(Scope::Container, &[(4, 8, 0, 0), (4, 8, 0, 0)]);
    let mut node = described.under(Policy::Restricted).build(&mut resources);
    let need = |cpus: &str, memory: &str| Need::of(&app(guaranteed(cpus, memory, &[])), &resources);
    let mut scratch = Scratch::default();
    let together = need("6", "12Gi");
    assert_eq!(align(&node, &together, &mut scratch), Ok(()));
    assert_eq!(scratch.placement.zones, [ZoneMask(3)]);
    let placement = scratch.placement.clone();
    take(&mut node, &together, &placement, &mut scratch);
    assert_eq!(node.memory_groups, [ZoneMask(3)]);
    assert_eq!(free_of(&node, ResourceId::MEMORY), [0, 4 << 30]);
    node.is_fuzzy = false;
    assert!(align(&node, &need("500m", "1Gi"), &mut scratch).is_err());
    assert!(align(&node, &need("500m", "9Gi"), &mut scratch).is_err());
    // And not together where it is pinned alone.
    node.memory_groups.clear();
    assert_eq!(align(&node, &need("500m", "1Gi"), &mut scratch), Ok(()));
    assert_eq!(scratch.placement.zones, [ZoneMask(2)]);
}

fn free_of(node: &Node, resource: ResourceId) -> Vec<i64> {
    let stock = node.stock(resource).unwrap();
    node.cells(stock).iter().map(|cell| cell.free).collect()
}

/// What is left of a node when a pod is taken from it that was placed, and whether that is exact.
fn taken(described: &Described, demand: &PodDemand) -> (Node, Resources) {
    let mut resources = Resources::default();
    let mut node = described.build(&mut resources);
    let need = Need::of(demand, &resources);
    let mut scratch = Scratch::default();
    align(&node, &need, &mut scratch).unwrap();
    let free = scratch.free.clone();
    let placement = scratch.placement.clone();
    take(&mut node, &need, &placement, &mut scratch);
    let left: Vec<i64> = node.cells.iter().map(|cell| cell.free).collect();
    assert_eq!(left, free);
    assert_eq!(node.is_fuzzy, !placement.is_certain);
    (node, resources)
}

#[test]
fn subtract_from_a_zone() {
    let node = zoned(Scope::Container, &[(8, 16, 0, 4)]);
    let (left, resources) = taken(
        &node,
        &app(guaranteed("2", "4Gi", &[("ephemeral-storage", "1Gi")])),
    );
    assert_eq!(free_of(&left, ResourceId::CPU), [6_000]);
    assert_eq!(free_of(&left, ResourceId::MEMORY), [12 << 30]);
    assert_eq!(free_of(&left, resources.get(NIC).unwrap()), [4]);
    assert!(!left.is_fuzzy);

    let mut burstable = guaranteed("2", "4Gi", &[(NIC, "2")]);
    burstable["resources"]["requests"] = serde_json::json!({"cpu": "1"});
    let (left, resources) = taken(&node, &app(burstable));
    assert_eq!(free_of(&left, ResourceId::CPU), [8_000]);
    assert_eq!(free_of(&left, ResourceId::MEMORY), [16 << 30]);
    assert_eq!(free_of(&left, resources.get(NIC).unwrap()), [2]);
    assert_eq!(left.stock(ResourceId::CPU).unwrap().free, 7_000);
}

/// The plugin leaves zones as they are that have too little, or that it does not know. A pod that is bound holds what it
/// holds: it is taken from wherever it could be.
#[test]
fn subtract_what_does_not_fit() {
    let mut resources = Resources::default();
    let mut node = zoned(Scope::Container, &[(8, 16, 0, 0), (8, 16, 0, 0)]).build(&mut resources);
    let need = Need::of(&app(guaranteed("10", "20Gi", &[])), &resources);
    let placement = Placement {
        zones: vec![ZoneMask(1 << 40)],
        is_certain: true,
    };
    take(&mut node, &need, &placement, &mut Scratch::default());
    assert_eq!(free_of(&node, ResourceId::CPU), [0, 0]);
    assert_eq!(node.stock(ResourceId::CPU).unwrap().free, 6_000);
    assert!(node.is_fuzzy);
}

#[test]
fn subtract_over_two_zones() {
    let node = zoned(Scope::Container, &[(8, 10, 0, 0), (8, 10, 0, 0)]).under(Policy::BestEffort);
    let (left, _) = taken(&node, &app(guaranteed("12", "2Gi", &[])));
    // Of the CPUs at least four are left, in one zone or the other.
    assert_eq!(free_of(&left, ResourceId::CPU), [0, 0]);
    assert_eq!(left.stock(ResourceId::CPU).unwrap().free, 4_000);
    assert_eq!(free_of(&left, ResourceId::MEMORY), [8 << 30, 10 << 30]);
    assert!(left.is_fuzzy);
}

#[test]
fn what_init_containers_held_is_used_again() {
    let node = zoned(Scope::Container, &[(8, 16, 0, 4), (8, 16, 0, 4)]);
    let (left, resources) = taken(
        &node,
        &pod(vec![nics(3), sidecar(nics(2))], vec![nics(1), nics(1)]),
    );
    assert_eq!(free_of(&left, resources.get(NIC).unwrap()), [0, 4]);
}

#[test]
fn numa_nodes_required() {
    let node = |zones: usize| {
        zoned(Scope::Container, &vec![(8, 10, 0, 0); zones])
            .under(Policy::BestEffort)
            .in_full()
    };
    let cpus = |count: &str| app(guaranteed(count, "2Gi", &[]));
    assert_eq!(place(&node(1), &cpus("2")), Ok(vec![1]));
    assert_eq!(place(&node(2), &cpus("2")), Ok(vec![1]));
    assert_eq!(place(&node(2), &cpus("12")), Ok(vec![3]));
    assert!(place(&node(2), &cpus("22")).is_err());
    let gpus = |count: &str| app(limited(&[(GPU, count)]));
    let on = |zones: &[u64]| {
        let devices: Vec<_> = zones.iter().map(|zone| (GPU, 1_u64 << zone, 1)).collect();
        with_devices(Policy::Restricted, 8, &devices)
    };
    assert_eq!(place(&on(&[0, 1, 2, 3]), &gpus("2")), Ok(vec![0b11]));
    assert_eq!(place(&on(&[0, 2]), &gpus("2")), Ok(vec![0b101]));
    assert_eq!(place(&on(&[5, 0, 1, 7]), &gpus("3")), Ok(vec![0b10_0011]));
    assert_eq!(place(&on(&[2, 4, 6]), &gpus("3")), Ok(vec![0b101_0100]));
}

#[test]
fn pages_that_no_node_has_are_nowhere() {
    let node = |scope| zoned(scope, &[(8, 16, 0, 0)]);
    let wants = app(guaranteed("1", "1Gi", &[(PAGES, "2Mi")]));
    assert_eq!(
        place(&node(Scope::Container), &wants),
        Err(Refusal::NoSuchResource)
    );
    // A node that does not pin memory has nothing to say about it.
    let mut resources = Resources::default();
    let mut unpinned =
        with_devices(Policy::SingleNumaNode, 1, &[(CPU, 1, 8_000)]).build(&mut resources);
    unpinned.has_only_zoned_natives = false;
    resources.intern(MEMORY);
    let need = Need::of(&wants, &resources);
    assert_eq!(align(&unpinned, &need, &mut Scratch::default()), Ok(()));
    unpinned.has_only_zoned_natives = true;
    assert!(align(&unpinned, &need, &mut Scratch::default()).is_err());
}

#[test]
fn resources_that_are_not_there() {
    let node = zoned(Scope::Container, &[(8, 16, 0, 0)]);
    let mut resources = Resources::default();
    let built = node.build(&mut resources);
    let need = Need::of(&app(nics(1)), &resources);
    assert_eq!(*need.unknown, ["vendor/nic1".into()]);
    let mut scratch = Scratch::default();
    assert_eq!(
        align(&built, &need, &mut scratch),
        Err(Refusal::NoSuchResource)
    );
    let nic = resources.intern(NIC).unwrap();
    let need = Need::of(&app(nics(1)), &resources);
    assert_eq!(
        align(&built, &need, &mut scratch),
        Err(Refusal::Short {
            resource: nic,
            free: 0,
            needed: 1
        })
    );
}
