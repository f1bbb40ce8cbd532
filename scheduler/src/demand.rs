//! What a pod demands of a node, as the kubelet counts it.

use std::collections::BTreeMap;

use api::pod::Pod;

use crate::need::Role;

/// What a pod demands. Made once of a pod, kept while the pod is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodDemand {
    /// The pod's identity.
    pub uid: Box<str>,
    /// Its namespace.
    pub namespace: Box<str>,
    /// Its name.
    pub name: Box<str>,
    /// The UID of the controller that made it and will make the next one like it, if any.
    pub owner: Option<Box<str>>,
    /// Its quality of service, which decides what the kubelet aligns.
    pub qos: Qos,
    /// Its containers, init containers and sidecars in their order first.
    pub containers: Vec<ContainerDemand>,
    /// Over what its devices of one resource are to be spread, where it says so.
    pub spread: Option<Spread>,
}

/// What a container demands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerDemand {
    /// Its name.
    pub name: Box<str>,
    /// Its part in the pod.
    pub role: Role,
    /// Its requests (limits where there is no request), in units of [`crate::resource::Kind`]; none is nought or less.
    pub amounts: BTreeMap<Box<str>, i64>,
}

/// A pod's quality of service (Kubernetes `PodQOSClass`), from requests and limits and never from the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Qos {
    /// Every container's limits of CPU and memory are its requests.
    Guaranteed,
    /// Some container asks for CPU or memory.
    Burstable,
    /// None does.
    BestEffort,
}

/// What devices are to be spread over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// Different physical functions.
    PhysicalFunction,
    /// Different switches (`phys_switch_id`), so that no two share what is behind a port.
    Switch,
}

/// Why a pod cannot be counted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DemandError {
    /// It cannot be told from others of its name.
    #[error("the pod {namespace}/{name} has no UID; send it as the API server has it")]
    NoUid {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// A quantity that is none, is negative, or is more than any machine has.
    #[error(
        "container {container} of the pod {namespace}/{name} asks for {found} of {resource}, which is no quantity that a node could have"
    )]
    Quantity {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// The container.
        container: String,
        /// The resource.
        resource: String,
        /// What stands there.
        found: String,
    },
}

impl PodDemand {
    /// The demand of a pod.
    ///
    /// # Errors
    /// See [`DemandError`].
    pub fn of(pod: &Pod) -> Result<Self, DemandError> {
        let _ = pod;
        todo!("H1")
    }
}
