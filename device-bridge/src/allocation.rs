//! The devices the kubelet allocated to a pod, in an order that is always the same.
//!
//! The kubelet lists resources and devices in the order of a Go map, that is in none, and a device once for each of its
//! NUMA nodes. The containers' order it keeps. So ids are sorted within a container and nowhere else: sorted over the
//! whole pod, a container's network would get another container's device.

use std::collections::{BTreeMap, BTreeSet};

use crate::proto::PodResources;

/// The kubelet's allocation for a pod. Names are kept as the kubelet writes them: what no network needs may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allocation {
    pod_known: bool,
    devices: BTreeMap<String, Vec<AllocatedDevice>>,
}

/// One device, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllocatedDevice {
    /// The container it was allocated to.
    pub container: String,
    /// The device's id.
    pub id: String,
}

impl Allocation {
    /// Of a pod as the kubelet reports it.
    #[must_use]
    pub fn of(pod: &PodResources) -> Self {
        let mut devices: BTreeMap<String, Vec<AllocatedDevice>> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for container in &pod.containers {
            let of_container: BTreeSet<(&str, &str)> = container
                .devices
                .iter()
                .flat_map(|entry| {
                    let ids = entry.device_ids.iter();
                    ids.map(|id| (entry.resource_name.as_str(), id.as_str()))
                })
                .collect();
            for (resource, id) in of_container {
                // The kubelet gives no device to two containers; if it ever says so, the second cannot have it.
                if seen.insert((resource, id)) {
                    let of_resource = devices.entry(resource.to_owned()).or_default();
                    of_resource.push(AllocatedDevice {
                        container: container.name.clone(),
                        id: id.to_owned(),
                    });
                }
            }
        }
        Self {
            pod_known: true,
            devices,
        }
    }

    /// Of a pod the kubelet does not know.
    #[must_use]
    pub fn of_unknown_pod() -> Self {
        Self::default()
    }

    /// Whether the kubelet knows the pod.
    #[must_use]
    pub const fn pod_is_known(&self) -> bool {
        self.pod_known
    }

    /// The devices of `resource`: containers in their order, ids sorted within each.
    #[must_use]
    pub fn devices(&self, resource: &str) -> &[AllocatedDevice] {
        self.devices.get(resource).map_or(&[], Vec::as_slice)
    }

    /// The resources with devices, sorted.
    pub fn resources(&self) -> impl Iterator<Item = &str> {
        self.devices.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{allocated, pod_resources};

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
}
