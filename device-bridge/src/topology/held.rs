//! What pods hold, as the kubelet's list tells it: flattened, each device once, in an order that is always the same.

use std::collections::BTreeSet;

use api::{
    cpu_list::Cpus,
    node_inventory::{ClaimedDevice, MemoryBlock},
};

use super::{
    devices::{Devices, Place},
    fingerprint::{Fingerprint, Fingerprinter, Method},
};
use crate::proto::{ContainerDevices, ContainerResources, PodResources, TopologyInfo};

/// Zones by the kernel's number.
pub(super) type ZoneIds = BTreeSet<u32>;

/// What a pod holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct HeldByPod {
    pub(super) namespace: String,
    pub(super) name: String,
    /// Its UID, once it is known.
    pub(super) uid: Option<String>,
    /// In the kubelet's order, which is that of the pod's spec.
    pub(super) containers: Vec<HeldByContainer>,
}

/// What a container holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct HeldByContainer {
    pub(super) name: String,
    /// Each once, by place.
    pub(super) devices: Vec<Place>,
    pub(super) cpus: Cpus,
    pub(super) memory: Vec<MemoryBlock>,
    pub(super) claimed: BTreeSet<ClaimedDevice>,
}

impl HeldByContainer {
    fn of(container: &ContainerResources, all: &mut Devices) -> Self {
        let mut memory: Vec<MemoryBlock> = container
            .memory
            .iter()
            .map(|block| MemoryBlock {
                resource: block.memory_type.clone(),
                size: block.size,
                zones: zones(block.topology.as_ref()).into_iter().collect(),
            })
            .collect();
        memory
            .sort_by(|a, b| (&a.resource, &a.zones, a.size).cmp(&(&b.resource, &b.zones, b.size)));
        let mut devices: Vec<Place> = each(&container.devices)
            .map(|(resource, id, zones)| {
                let place = all.place(resource, id);
                all.held(place, zones);
                place
            })
            .collect();
        devices.sort_unstable();
        devices.dedup();
        devices.shrink_to_fit();
        let claims = container.dynamic_resources.iter();
        Self {
            name: container.name.clone(),
            devices,
            cpus: cpus(&container.cpu_ids),
            memory,
            // A kubelet before 1.32 tells CDI names alone, which name no device of a pool.
            claimed: claims
                .flat_map(|claim| &claim.claim_resources)
                .filter(|device| !device.driver_name.is_empty())
                .map(|device| ClaimedDevice {
                    driver: device.driver_name.clone(),
                    pool: device.pool_name.clone(),
                    device: device.device_name.clone(),
                    share_id: device.share_id.clone(),
                })
                .collect(),
        }
    }

    fn is_nothing(&self) -> bool {
        self.devices.is_empty()
            && self.cpus.is_empty()
            && self.memory.is_empty()
            && self.claimed.is_empty()
    }
}

/// The node's pods and what they hold. They are given one after another, because the kubelet's list of a full
/// node has megabytes and this does not.
#[derive(Clone, Debug, Default)]
pub struct Pods {
    held: Vec<HeldByPod>,
    devices: Devices,
    fingerprint: Fingerprinter,
}

impl Pods {
    /// None yet.
    #[must_use]
    pub fn new(method: Method) -> Self {
        Self {
            held: Vec::new(),
            devices: Devices::default(),
            fingerprint: Fingerprinter::new(method),
        }
    }

    /// Adds a pod of the kubelet's list.
    pub fn add(&mut self, pod: &PodResources) {
        self.fingerprint.add(pod);
        let devices = &mut self.devices;
        let containers: Vec<HeldByContainer> = pod
            .containers
            .iter()
            .map(|container| HeldByContainer::of(container, devices))
            .collect();
        let pod = HeldByPod {
            namespace: pod.namespace.clone(),
            name: pod.name.clone(),
            uid: None,
            containers,
        };
        // A pod and its successor of the same name may be there at once.
        let at = self.held.partition_point(|known| known.key() <= pod.key());
        self.held.insert(at, pod);
    }

    /// Adds devices that the kubelet may hand out, held or not.
    pub fn add_healthy(&mut self, entries: &[ContainerDevices]) {
        for (resource, id, zones) in each(entries) {
            let place = self.devices.place(resource, id);
            self.devices.healthy(place, zones);
        }
    }

    /// The devices that they hold or could hold.
    pub(super) const fn devices(&self) -> &Devices {
        &self.devices
    }

    /// All of them, by namespace and name.
    pub(super) fn held(&self) -> &[HeldByPod] {
        &self.held
    }

    /// The same, to be completed.
    pub(super) const fn held_mut(&mut self) -> (&mut Vec<HeldByPod>, &mut Devices) {
        (&mut self.held, &mut self.devices)
    }

    /// Leaves out containers and pods that hold nothing.
    pub(super) fn tidy(&mut self) {
        for pod in &mut self.held {
            pod.containers.retain(|container| !container.is_nothing());
        }
        self.held.retain(|pod| !pod.containers.is_empty());
    }

    /// The fingerprint of them all.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint.fingerprint()
    }
}

impl HeldByPod {
    /// Its namespace and name.
    pub(super) fn key(&self) -> (&str, &str) {
        (&self.namespace, &self.name)
    }
}

/// Devices with their zones. The kubelet tells a device once for each of its zones, older ones several devices at once.
fn each(
    entries: &[ContainerDevices],
) -> impl Iterator<Item = (&str, &str, impl Iterator<Item = u32>)> {
    entries.iter().flat_map(|entry| {
        let resource = entry.resource_name.as_str();
        let ids = entry.device_ids.iter();
        ids.map(move |id| (resource, id.as_str(), zone_ids(entry.topology.as_ref())))
    })
}

/// CPUs; the kubelet tells them in no order.
pub(super) fn cpus(ids: &[i64]) -> Cpus {
    ids.iter()
        .filter_map(|id| u32::try_from(*id).ok())
        .collect()
}

/// The zones of an entry; none where the device plugin gave none.
pub(super) fn zones(topology: Option<&TopologyInfo>) -> ZoneIds {
    zone_ids(topology).collect()
}

fn zone_ids(topology: Option<&TopologyInfo>) -> impl Iterator<Item = u32> {
    let nodes = topology.map_or(&[][..], |topology| &topology.nodes);
    nodes.iter().filter_map(|node| u32::try_from(node.id).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fixture::pod_resources,
        proto::{ClaimResource, DynamicResource, NumaNode},
    };

    #[test]
    fn every_device_once_with_all_its_zones() {
        let mut pod = pod_resources(&[
            ("idle", &[]),
            ("app", &[("r", &["2"]), ("r", &["1", "2"]), ("s", &["1"])]),
        ]);
        for (entry, id) in pod.containers[1].devices.iter_mut().zip([1, 0, -1]) {
            entry.topology = Some(TopologyInfo {
                nodes: vec![NumaNode { id }],
            });
        }
        pod.containers[1].cpu_ids = vec![7, 2, 3, -1];
        let mut pods = Pods::default();
        pods.add(&pod);
        pods.tidy();
        let mut devices: Vec<(&str, &str, Vec<u32>)> = pods.held()[0].containers[0]
            .devices
            .iter()
            .map(|place| {
                let device = pods.devices().facts(*place);
                let zones = device.zones.iter().copied().collect();
                (device.resource, device.id, zones)
            })
            .collect();
        devices.sort_unstable();
        let [pod] = pods.held() else {
            panic!("one pod");
        };
        let [container] = &pod.containers[..] else {
            panic!("one container that holds something");
        };
        assert_eq!(
            devices,
            [
                ("r", "1", vec![0]),
                ("r", "2", vec![0, 1]),
                ("s", "1", vec![]),
            ]
        );
        assert_eq!(container.cpus, [2, 3, 7].into());
    }

    #[test]
    fn claims_of_old_kubelets_name_no_device() {
        let device = |driver: &str| ClaimResource {
            driver_name: driver.to_owned(),
            pool_name: "node-1".to_owned(),
            device_name: "0000-03-02-1".to_owned(),
            ..ClaimResource::default()
        };
        let mut pod = pod_resources(&[("app", &[])]);
        pod.containers[0].dynamic_resources = vec![DynamicResource {
            claim_resources: vec![device("sriov"), device("")],
            ..DynamicResource::default()
        }];
        let mut pods = Pods::default();
        pods.add(&pod);
        let claimed: Vec<&str> = pods.held()[0].containers[0]
            .claimed
            .iter()
            .map(|claimed| claimed.driver.as_str())
            .collect();
        assert_eq!(claimed, ["sriov"]);
    }
}
