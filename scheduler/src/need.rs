//! What a pod needs of a node, with resources numbered: what is compared with nodes.

use crate::resource::ResourceId;

/// What a pod needs. Made once per question from a [`crate::demand::PodDemand`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Need {
    /// Its containers in the kubelet's order: init containers and sidecars as they are written, then app containers.
    pub containers: Vec<ContainerNeed>,
    /// The whole pod as the kubelet sums it for the pod scope, aligned resources alone. Sorted by resource.
    pub aligned: Vec<(ResourceId, i64)>,
    /// The whole pod, every resource that is counted by node (devices without zones among them). Sorted by resource.
    pub total: Vec<(ResourceId, i64)>,
    /// Extended resources of which no node has ever reported any.
    pub unknown: Vec<Box<str>>,
}

impl Need {
    /// What a pod needs, in numbered resources.
    #[must_use]
    pub fn of(demand: &crate::demand::PodDemand, resources: &crate::resource::Resources) -> Self {
        let _ = (demand, resources);
        todo!("H1")
    }
}

/// What a container needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerNeed {
    /// Its part in the pod.
    pub role: Role,
    /// What the kubelet aligns for it; quantities above zero. Sorted by resource.
    pub aligned: Vec<(ResourceId, i64)>,
}

/// The part a container plays, which decides for how long it holds what it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Ends before the next one starts; what it held is used again by those after it.
    Init,
    /// An init container that keeps running.
    Sidecar,
    /// An app container.
    App,
}
