use api::{
    node_inventory::NodeInventory,
    topology_manager::{Policy, Scope},
};
use proptest::prelude::*;

use super::*;
use crate::{
    fake_sysfs::{Card, FakeSysfs},
    kubelet::checkpoint::Checkpoint,
    proto::{
        ClaimResource, ContainerDevices, ContainerMemory, ContainerResources, DynamicResource,
        NumaNode, PodResources, TopologyInfo,
    },
    topology::{
        owner::{KnownPod, complete},
        printed::{metadata, node_resource_topology},
    },
};

const MANAGER: TopologyManager = TopologyManager {
    policy: Policy::SingleNumaNode,
    scope: Scope::Container,
    max_numa_nodes: None,
    memory_manager: None,
};

fn in_zones(zones: &[i64]) -> Option<TopologyInfo> {
    (!zones.is_empty()).then(|| TopologyInfo {
        nodes: zones.iter().map(|id| NumaNode { id: *id }).collect(),
    })
}

/// As the kubelet tells a device: an entry for each of its zones.
fn entries(resource: &str, id: &str, zones: &[i64]) -> Vec<ContainerDevices> {
    let each: Vec<&[i64]> = if zones.is_empty() {
        vec![&[]]
    } else {
        zones.chunks(1).collect()
    };
    each.into_iter()
        .map(|zones| ContainerDevices {
            resource_name: resource.to_owned(),
            device_ids: vec![id.to_owned()],
            topology: in_zones(zones),
        })
        .collect()
}

fn container(name: &str, devices: Vec<Vec<ContainerDevices>>) -> ContainerResources {
    ContainerResources {
        name: name.to_owned(),
        devices: devices.concat(),
        ..ContainerResources::default()
    }
}

fn pod(name: &str, containers: Vec<ContainerResources>) -> PodResources {
    PodResources {
        name: name.to_owned(),
        namespace: "default".to_owned(),
        containers,
    }
}

fn block(kind: &str, size: u64, zones: &[i64]) -> ContainerMemory {
    ContainerMemory {
        memory_type: kind.to_owned(),
        size,
        topology: in_zones(zones),
    }
}

/// Two zones, a card in each, a GPU, and a subfunction.
fn hardware() -> Hardware {
    let folder = tempfile::tempdir().unwrap();
    let tree = FakeSysfs::new(folder.path());
    tree.zones(&[(0, "0-3", 65536, 16), (1, "4-7", 65536, 0)]);
    let card = Card {
        at: "pci0000:00/0000:00:02.0/0000:03:00.0",
        zone: 0,
        total: 8,
        functions: &["0000:03:00.2", "0000:03:00.3"],
        interface: "ens1f0",
        driver: "mlx5_core",
    };
    tree.card(card);
    tree.subfunction(card.at, "mlx5_core.sf.2", 88);
    tree.card(Card {
        at: "pci0000:80/0000:80:01.0/0000:81:00.0",
        zone: 1,
        functions: &["0000:81:00.2"],
        interface: "ens2f0",
        ..card
    });
    tree.function(
        "pci0000:80/0000:82:00.0",
        &[
            ("class", "0x030200"),
            ("vendor", "0x10de"),
            ("device", "0x2330"),
            ("numa_node", "1"),
        ],
    );
    Hardware::read(tree.root())
}

/// A node with everything: exclusive CPUs and memory, a device of two zones, one of none, one that is not healthy any
/// more, and one of a claim.
fn everything() -> (AllocatableResourcesResponse, Vec<PodResources>) {
    let allocatable = AllocatableResourcesResponse {
        devices: [
            entries("intel.com/sriov", "0000:03:00.2", &[0]),
            entries("intel.com/sriov", "0000:81:00.2", &[1]),
            entries("example.com/sf", "mlx5_core.sf.2", &[0]),
            entries("example.com/wide", "w1", &[0, 1]),
            entries("example.com/wide", "w2", &[1, 0]),
            entries("example.com/anywhere", "a1", &[]),
            entries("example.com/userspace", "memif-1", &[0]),
        ]
        .concat(),
        cpu_ids: vec![7, 3, 2, 1, 6, 5],
        memory: vec![
            block("memory", 30 << 20, &[0]),
            block("memory", 60 << 20, &[1]),
            block("hugepages-2Mi", 32 << 20, &[0]),
        ],
    };
    let mut app = container(
        "app",
        vec![
            entries("intel.com/sriov", "0000:03:00.3", &[0]),
            entries("intel.com/sriov", "0000:03:00.2", &[0]),
            entries("example.com/wide", "w2", &[0, 1]),
        ],
    );
    app.cpu_ids = vec![3, 2];
    app.memory = vec![block("memory", 40 << 20, &[0, 1])];
    let mut claims = container("claims", vec![]);
    claims.dynamic_resources = vec![DynamicResource {
        claim_name: "c".to_owned(),
        claim_namespace: "default".to_owned(),
        claim_resources: vec![ClaimResource {
            driver_name: "sriovnetwork.k8snetworkplumbingwg.io".to_owned(),
            pool_name: "node-1".to_owned(),
            device_name: "0000-81-00-3".to_owned(),
            share_id: Some("s1".to_owned()),
            ..ClaimResource::default()
        }],
    }];
    let pods = vec![
        pod("z-known", vec![container("idle", vec![]), app]),
        pod("nothing", vec![container("app", vec![])]),
        pod(
            "a-unknown",
            vec![
                claims,
                container("app", vec![entries("example.com/anywhere", "a1", &[])]),
            ],
        ),
    ];
    (allocatable, pods)
}

fn collected(allocatable: &AllocatableResourcesResponse, pods: &[PodResources]) -> Pods {
    let mut collected = Pods::default();
    collected.add_healthy(&allocatable.devices);
    for pod in pods {
        collected.add(pod);
    }
    complete(&mut collected, &Checkpoint::default(), |namespace, name| {
        (name != "a-unknown").then(|| KnownPod {
            uid: format!("uid-of-{namespace}-{name}"),
            is_static: false,
        })
    });
    collected
}

fn taken(allocatable: &AllocatableResourcesResponse, pods: &[PodResources]) -> Inventory {
    let told = [(
        ("example.com/userspace".to_owned(), "memif-1".to_owned()),
        "0000:81:00.0".parse().unwrap(),
    )];
    let observed = Observed {
        allocatable,
        hardware: &hardware(),
        told: &told.into(),
        topology_manager: MANAGER,
        reserved: &[0, 4].into(),
    };
    printed(&snapshot(observed, collected(allocatable, pods)))
}

/// As whoever reads the object has it.
fn printed(snapshot: &Snapshot) -> Inventory {
    let text = serde_json::to_string(snapshot).unwrap();
    let inventory: Inventory = serde_json::from_str(&text).unwrap();
    assert_eq!(text, serde_json::to_string(&inventory).unwrap());
    inventory
}

#[test]
fn everything_is_in_its_place() {
    let (allocatable, pods) = everything();
    let inventory = taken(&allocatable, &pods);
    insta::assert_json_snapshot!("node_inventory", inventory);
    let fingerprint = collected(&allocatable, &pods).fingerprint();
    let object = node_resource_topology(metadata("node-1", Some("u-n1")), &inventory, &fingerprint);
    insta::assert_json_snapshot!("node_resource_topology", object);
    let printed = serde_json::to_value(NodeInventory {
        inventory: inventory.clone(),
        ..NodeInventory::default()
    });
    let read: NodeInventory = serde_json::from_value(printed.unwrap()).unwrap();
    assert_eq!(read.inventory, inventory);
}

/// The kubelet tells everything in the order of a Go map, which is none.
#[test]
fn the_order_of_the_kubelet_does_not_matter() {
    let (mut allocatable, mut pods) = everything();
    let inventory = taken(&allocatable, &pods);
    allocatable.devices.reverse();
    allocatable.cpu_ids.reverse();
    pods.reverse();
    for container in pods.iter_mut().flat_map(|pod| &mut pod.containers) {
        container.devices.reverse();
        container.cpu_ids.reverse();
    }
    assert_eq!(taken(&allocatable, &pods), inventory);
}

/// A pod that is going and its successor have one name, and the kubelet tells no UID.
#[test]
fn of_two_pods_of_one_name_neither_is_taken_for_the_other() {
    let (allocatable, mut pods) = everything();
    let going = pod(
        "z-known",
        vec![container(
            "app",
            vec![entries("intel.com/sriov", "0000:81:00.2", &[1])],
        )],
    );
    pods.insert(0, going);
    let inventory = taken(&allocatable, &pods);
    let of_name: Vec<_> = inventory
        .allocations
        .iter()
        .filter(|allocation| allocation.name == "z-known")
        .collect();
    assert_eq!(of_name.len(), 2);
    assert!(
        of_name
            .iter()
            .all(|allocation| allocation.pod_uid.is_none())
    );
    let sriov = inventory.resources.last().unwrap();
    assert_eq!(
        (sriov.name.as_str(), sriov.available),
        ("intel.com/sriov", 0)
    );
}

#[test]
fn without_managers_what_is_not_reserved_can_be_had() {
    let (mut allocatable, _) = everything();
    allocatable.cpu_ids.clear();
    allocatable.memory.clear();
    let inventory = taken(&allocatable, &[]);
    let amount = |zone: usize, name: &str| {
        let resources = &inventory.zones[zone].resources;
        let amount = resources.iter().find(|amount| amount.name == name);
        amount.map(|amount| (amount.capacity, amount.allocatable, amount.available))
    };
    assert_eq!(amount(0, "cpu"), Some((4, 3, 3)));
    assert_eq!(amount(1, "memory"), Some((64 << 20, 64 << 20, 64 << 20)));
    assert_eq!(amount(0, "memory"), Some((64 << 20, 32 << 20, 32 << 20)));
    assert_eq!(inventory.zones[0].exclusive_cpus, "");
}

#[test]
fn without_sysfs_the_kubelets_word_is_kept() {
    let (allocatable, pods) = everything();
    let observed = Observed {
        allocatable: &allocatable,
        hardware: &Hardware::default(),
        told: &BTreeMap::new(),
        topology_manager: MANAGER,
        reserved: &Cpus::new(),
    };
    let inventory = printed(&snapshot(observed, collected(&allocatable, &pods)));
    let ids: Vec<u32> = inventory.zones.iter().map(|zone| zone.id).collect();
    assert_eq!(ids, [0, 1]);
    let with_sysfs = taken(&allocatable, &pods);
    assert_eq!(inventory.resources, with_sysfs.resources);
    assert!(inventory.physical_functions.is_empty());
}

/// A device by its resource and id.
type DeviceKey = (String, String);

fn keys(entries: &[ContainerDevices]) -> BTreeSet<DeviceKey> {
    let keys = entries.iter().flat_map(|entry| {
        let ids = entry.device_ids.iter();
        ids.map(|id| (entry.resource_name.clone(), id.clone()))
    });
    keys.collect()
}

const RESOURCES: [&str; 3] = ["a.com/r", "b.com/s", "c.com/t"];

prop_compose! {
    /// A device: its resource, its number, its zones as a mask, whether it is healthy, and which pod holds it.
    fn a_device()(resource in 0..RESOURCES.len(), number in 0_u8..6, mask in 0_u8..4, healthy: bool, holder in prop::option::of(0_usize..4))
        -> (usize, u8, u8, bool, Option<usize>) {
        (resource, number, mask, healthy, holder)
    }
}

proptest! {
    /// Whatever the kubelet says: nothing is available that is not allocatable, what is held is not available, no device
    /// is counted twice in a total, and every device that is held has its pod.
    #[test]
    fn amounts_add_up(devices in prop::collection::vec(a_device(), 0..24), cpus in prop::collection::vec(-1_i64..10, 0..10)) {
        let mut allocatable = AllocatableResourcesResponse::default();
        let mut pods: Vec<PodResources> = (0..4).map(|at| pod(&format!("p{at}"), vec![container("app", vec![])])).collect();
        for (resource, number, mask, healthy, holder) in &devices {
            let zones: Vec<i64> = [0, 1].into_iter().filter(|zone| mask & (1 << zone) != 0).collect();
            let entries = entries(RESOURCES[*resource], &format!("d{number}"), &zones);
            if *healthy {
                allocatable.devices.extend(entries.clone());
            }
            if let Some(holder) = holder {
                pods[*holder].containers[0].devices.extend(entries);
            }
        }
        pods[0].containers[0].cpu_ids.clone_from(&cpus);
        allocatable.cpu_ids = vec![1, 2, 5, 6];
        let inventory = taken(&allocatable, &pods);

        let healthy: BTreeSet<DeviceKey> = keys(&allocatable.devices);
        let held: BTreeSet<DeviceKey> = pods.iter().flat_map(|pod| &pod.containers)
            .flat_map(|container| keys(&container.devices)).collect();
        let of = |keys: &BTreeSet<DeviceKey>, resource: &str| {
            u64::try_from(keys.iter().filter(|key| key.0 == resource).count()).unwrap()
        };
        for amount in &inventory.resources {
            prop_assert_eq!(amount.allocatable, of(&healthy, &amount.name));
            prop_assert_eq!(amount.available, of(&(&healthy - &held), &amount.name));
            prop_assert_eq!(amount.capacity, of(&(&healthy | &held), &amount.name));
        }
        for amount in inventory.zones.iter().flat_map(|zone| &zone.resources) {
            prop_assert!(amount.available <= amount.allocatable && amount.allocatable <= amount.capacity, "{:?}", amount);
        }
        for total in &inventory.resources {
            // A device is in each of its zones; those of one zone alone, those of both and those of none make up the total.
            let in_zones: u64 = inventory.zones.iter().flat_map(|zone| &zone.resources)
                .filter(|amount| amount.name == total.name).map(|amount| amount.allocatable).sum();
            let groups = inventory.devices.iter().filter(|group| group.resource == total.name);
            let (mut twice, mut nowhere, mut all) = (0, 0, 0);
            for group in groups {
                let count = u64::try_from(group.ids.len()).unwrap();
                all += count;
                twice += if group.zones.len() == 2 { count } else { 0 };
                nowhere += if group.zones.is_empty() { count } else { 0 };
            }
            prop_assert_eq!(total.allocatable, in_zones - twice + nowhere);
            prop_assert_eq!(total.allocatable, all);
        }
        let mut told: BTreeSet<DeviceKey> = BTreeSet::new();
        for allocation in &inventory.allocations {
            let has_uid = allocation.pod_uid.as_ref().is_some_and(|uid| uid.ends_with(&allocation.name));
            prop_assert!(has_uid);
            for group in allocation.containers.iter().flat_map(|container| &container.devices) {
                told.extend(group.ids.iter().map(|id| (group.resource.clone(), id.clone())));
            }
        }
        prop_assert_eq!(told, held);
    }
}
