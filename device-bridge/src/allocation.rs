//! The devices the kubelet allocated to a pod, in an order that is always the same.
//!
//! The kubelet lists resources and devices in the order of a Go map, that is in none, and a device once for each of its
//! NUMA nodes. The containers' order it keeps. So ids are sorted within a container and nowhere else: sorted over the
//! whole pod, a container's network would get another container's device.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    kubelet::holdings::ClaimedId,
    proto::{PodResources, TopologyInfo},
};

/// The kubelet's allocation for a pod. Names are kept as the kubelet writes them: what no network needs may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allocation {
    pod_known: bool,
    /// The containers in the order of the pod's spec, sidecars first.
    containers: Vec<String>,
    devices: BTreeMap<String, Vec<AllocatedDevice>>,
    claimed: Vec<ClaimedDevice>,
}

/// One device, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllocatedDevice {
    /// The container it was allocated to.
    pub container: String,
    /// The device's id.
    pub id: String,
    /// The NUMA nodes it is near to; none where its plugin does not say.
    pub numa: BTreeSet<i64>,
    /// What it is called in a ResourceClaim, if it was allocated by one.
    pub claimed: Option<ClaimedId>,
}

/// A device that a ResourceClaim allocated. Which resource it belongs to, and its id, is told by its ResourceSlice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClaimedDevice {
    /// The first container that uses the claim.
    pub container: String,
    /// The claim's name. It is in the pod's namespace.
    pub claim: String,
    /// The device.
    pub id: ClaimedId,
}

/// One entry of the kubelet's, whichever way it was told.
#[derive(Clone, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) container: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) id: &'a str,
    pub(crate) numa: Vec<i64>,
}

impl Allocation {
    /// Of a pod as the kubelet reports it.
    #[must_use]
    pub fn of(pod: &PodResources) -> Self {
        let entries = pod.containers.iter().flat_map(|container| {
            container.devices.iter().flat_map(|entry| {
                entry.device_ids.iter().map(|id| Entry {
                    container: &container.name,
                    resource: &entry.resource_name,
                    id,
                    numa: nodes(entry.topology.as_ref()),
                })
            })
        });
        let containers = pod.containers.iter();
        let containers = containers.map(|container| container.name.clone()).collect();
        let mut allocation = Self::of_entries(containers, entries);
        for container in &pod.containers {
            for resource in &container.dynamic_resources {
                // A kubelet before Kubernetes 1.34 tells the CDI names alone.
                let known = resource.claim_resources.iter();
                for device in known.filter(|device| !device.driver_name.is_empty()) {
                    allocation.claim(ClaimedDevice {
                        container: container.name.clone(),
                        claim: resource.claim_name.clone(),
                        id: ClaimedId {
                            driver: device.driver_name.clone(),
                            pool: device.pool_name.clone(),
                            device: device.device_name.clone(),
                        },
                    });
                }
            }
        }
        allocation
    }

    /// Of a pod with these containers, in their order, and what they were allocated, in any order.
    pub(crate) fn of_entries<'a>(
        containers: Vec<String>,
        entries: impl IntoIterator<Item = Entry<'a>>,
    ) -> Self {
        let mut flat: BTreeMap<(usize, &str, &str), BTreeSet<i64>> = BTreeMap::new();
        for entry in entries {
            let at = containers.iter().position(|name| name == entry.container);
            if let Some(at) = at {
                let numa = flat.entry((at, entry.resource, entry.id)).or_default();
                numa.extend(entry.numa);
            }
        }
        let mut allocation = Self {
            pod_known: true,
            ..Self::default()
        };
        for ((at, resource, id), numa) in flat {
            // The kubelet gives no device to two containers; if it ever says so, the second cannot have it.
            let of_resource = allocation.devices.entry(resource.to_owned()).or_default();
            if of_resource.iter().all(|device| device.id != id) {
                of_resource.push(AllocatedDevice {
                    container: containers[at].clone(),
                    id: id.to_owned(),
                    numa,
                    claimed: None,
                });
            }
        }
        allocation.containers = containers;
        allocation
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

    /// All devices with their resources.
    pub fn all(&self) -> impl Iterator<Item = (&str, &AllocatedDevice)> {
        self.devices.iter().flat_map(|(resource, devices)| {
            devices
                .iter()
                .map(move |device| (resource.as_str(), device))
        })
    }

    /// The devices of claims.
    #[must_use]
    pub fn claimed(&self) -> &[ClaimedDevice] {
        &self.claimed
    }

    /// Adds a device of a claim. One that several containers use is the first one's.
    pub(crate) fn claim(&mut self, device: ClaimedDevice) {
        if self.claimed.iter().all(|known| known.id != device.id) {
            self.claimed.push(device);
        }
    }

    /// Says of which resource a device of a claim is, and what its id is.
    pub(crate) fn name(&mut self, claimed: &ClaimedDevice, resource: &str, id: &str) {
        let of_resource = self.devices.entry(resource.to_owned()).or_default();
        if of_resource.iter().any(|device| device.id == id) {
            return;
        }
        of_resource.push(AllocatedDevice {
            container: claimed.container.clone(),
            id: id.to_owned(),
            numa: BTreeSet::new(),
            claimed: Some(claimed.id.clone()),
        });
        let at = |container: &str| self.containers.iter().position(|name| name == container);
        of_resource.sort_by(|a, b| (at(&a.container), &a.id).cmp(&(at(&b.container), &b.id)));
    }
}

fn nodes(topology: Option<&TopologyInfo>) -> Vec<i64> {
    let nodes = topology.into_iter().flat_map(|topology| &topology.nodes);
    nodes.map(|node| node.id).collect()
}

#[cfg(test)]
#[path = "allocation_tests.rs"]
mod tests;
