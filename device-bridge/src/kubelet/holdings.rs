//! What all pods of the node hold: the devices' names and nothing else, because a node has many pods.

use spec::bridge::PodRef;

use crate::proto::PodResources;

/// What the pods of the node hold, in the order of the kubelet's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holdings(pub Vec<Holding>);

/// What one pod holds. The kubelet does not tell its UID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// Devices of device plugins: the resource and the device's id.
    pub devices: Vec<(String, String)>,
    /// Devices of claims.
    pub claimed: Vec<ClaimedId>,
}

/// A device of a claim, as resource.k8s.io names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimedId {
    /// The driver.
    pub driver: String,
    /// The pool.
    pub pool: String,
    /// The device.
    pub device: String,
}

impl Holding {
    /// Of a pod as the kubelet reports it.
    #[must_use]
    pub fn of(pod: PodResources) -> Self {
        let mut holding = Self {
            namespace: pod.namespace,
            name: pod.name,
            devices: Vec::new(),
            claimed: Vec::new(),
        };
        for container in pod.containers {
            for entry in container.devices {
                let ids = entry.device_ids.into_iter();
                let devices = ids.map(|id| (entry.resource_name.clone(), id));
                holding.devices.extend(devices);
            }
            let resources = container.dynamic_resources.into_iter();
            let claimed = resources
                .flat_map(|resource| resource.claim_resources)
                .filter(|claimed| !claimed.device_name.is_empty())
                .map(|claimed| ClaimedId {
                    driver: claimed.driver_name,
                    pool: claimed.pool_name,
                    device: claimed.device_name,
                });
            holding.claimed.extend(claimed);
        }
        holding.devices.sort_unstable();
        holding.devices.dedup();
        holding.claimed.sort_unstable();
        holding.claimed.dedup();
        holding
    }

    /// Whether it is of a pod with this namespace and name.
    #[must_use]
    pub fn is_of(&self, pod: &PodRef) -> bool {
        self.name == pod.name.as_str() && self.namespace == pod.namespace.as_str()
    }
}
