//! Order, duplicates, NUMA nodes.

use prost::Message as _;

use super::*;
use crate::{
    fixture::{allocated, pod_resources},
    proto::{ContainerDevices, NumaNode},
};

fn ids<'a>(allocation: &'a Allocation, resource: &str) -> Vec<(&'a str, &'a str)> {
    let devices = allocation.devices(resource).iter();
    devices
        .map(|device| (device.container.as_str(), device.id.as_str()))
        .collect()
}

#[test]
fn containers_keep_their_order_and_ids_are_sorted_within() {
    let pod = pod_resources(&[
        ("z", &[("r", &["4", "3"]), ("s", &["9"]), ("r", &["1"])]),
        ("a", &[("r", &["2", "0"])]),
    ]);
    let allocation = Allocation::of(&pod);
    assert_eq!(
        ids(&allocation, "r"),
        [("z", "1"), ("z", "3"), ("z", "4"), ("a", "0"), ("a", "2")]
    );
    assert_eq!(allocation.resources().collect::<Vec<_>>(), ["r", "s"]);
    assert!(allocation.devices("unknown").is_empty());
}

#[test]
fn a_device_on_two_numa_nodes_is_one_device() {
    let allocation = allocated(&[("app", &[("r", &["1"]), ("r", &["1"]), ("r", &["2", "2"])])]);
    assert_eq!(ids(&allocation, "r"), [("app", "1"), ("app", "2")]);
}

#[test]
fn a_device_of_two_containers_is_one_device() {
    let allocation = allocated(&[("a", &[("r", &["1"])]), ("b", &[("r", &["1", "0"])])]);
    assert_eq!(ids(&allocation, "r"), [("a", "1"), ("b", "0")]);
}

#[test]
fn known_without_devices_is_not_unknown() {
    assert!(allocated(&[("app", &[])]).pod_is_known());
    assert!(!Allocation::of_unknown_pod().pod_is_known());
}

/// An entry as the kubelet writes it: one id, near these NUMA nodes.
fn near(id: &str, nodes: &[i64]) -> ContainerDevices {
    ContainerDevices {
        resource_name: "r".to_owned(),
        device_ids: vec![id.to_owned()],
        topology: Some(TopologyInfo {
            nodes: nodes.iter().map(|id| NumaNode { id: *id }).collect(),
        }),
    }
}

#[test]
fn numa_nodes_are_united() {
    let mut pod = pod_resources(&[("app", &[("r", &["3"])])]);
    let devices = [near("1", &[1]), near("2", &[0]), near("1", &[0])];
    pod.containers[0].devices.extend(devices);
    // Node 0 is an empty message on the wire.
    let pod = PodResources::decode(pod.encode_to_vec().as_slice()).unwrap();
    let allocation = Allocation::of(&pod);
    let numa = allocation.devices("r").iter().map(|device| &device.numa);
    let numa: Vec<Vec<i64>> = numa.map(|nodes| nodes.iter().copied().collect()).collect();
    assert_eq!(numa, [vec![0, 1], vec![0], vec![]]);
}

fn claim(container: &str, device: &str) -> ClaimedDevice {
    ClaimedDevice {
        container: container.to_owned(),
        claim: "c".to_owned(),
        id: ClaimedId {
            driver: "d".to_owned(),
            pool: "n1".to_owned(),
            device: device.to_owned(),
        },
    }
}

#[test]
fn claimed_devices_take_their_containers_place() {
    let mut allocation = allocated(&[("a", &[("r", &["5"])]), ("b", &[("r", &["1"])])]);
    allocation.name(&claim("b", "x"), "r", "0");
    allocation.name(&claim("a", "y"), "r", "9");
    allocation.name(&claim("a", "z"), "r", "9");
    assert_eq!(
        ids(&allocation, "r"),
        [("a", "5"), ("a", "9"), ("b", "0"), ("b", "1")]
    );
}

#[test]
fn a_claim_of_two_containers_is_the_firsts() {
    let mut allocation = Allocation::default();
    allocation.claim(claim("a", "x"));
    allocation.claim(claim("b", "x"));
    assert_eq!(allocation.claimed(), [claim("a", "x")]);
}
