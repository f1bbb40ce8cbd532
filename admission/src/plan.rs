//! What admission does to a pod, and why.

use std::collections::BTreeMap;

use spec::{device::ResourceName, network::NetworkRef, scheduler_name::SchedulerName};

use crate::{ContainerRef, Finding, Need, NodeLabel, PodNetInfo, Warning};

/// What a pod gets, and why. The plan of a pod without networks is empty but for the scheduling gate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The quantities to be written, by resource name and then by container.
    pub additions: Vec<Addition>,
    /// The labels that its node must have, by key.
    pub node_labels: Vec<NodeLabel>,
    /// The annotations to be written, by key.
    pub annotations: BTreeMap<String, String>,
    /// The scheduler it is given, where it demands devices.
    pub scheduler_name: Option<SchedulerName>,
    /// What its containers see of it as files.
    pub pod_net_info: PodNetInfo,
    /// Whether it waits at [`spec::network::SCHEDULING_GATE`] until nodes were chosen for it.
    pub scheduling_gate: bool,
    /// What the networks need, by resource name.
    pub needs: Vec<Need>,
    /// The networks, in the order of the attachments, as they were when the plan was made.
    pub networks: Vec<NetworkVersion>,
    /// What the pod's author should know.
    pub warnings: Vec<Warning>,
    /// What is wrong and let pass by the administrator's word.
    pub findings: Vec<Finding>,
}

/// A quantity to be written into a container's requests and limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition {
    /// The container.
    pub container: ContainerRef,
    /// The resource.
    pub resource: ResourceName,
    /// How many devices the container gets beside those it has; 0 where only its missing limit is written.
    pub add: u64,
    /// What requests and limits say afterwards.
    pub total: u64,
}

/// A network as a plan saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkVersion {
    /// Which network.
    pub network: NetworkRef,
    /// The `resourceVersion` of its object; empty where it came from a file.
    pub resource_version: String,
}

impl Plan {
    /// The same plan for a pod that nothing is to be added to.
    pub(crate) fn withdraw(&mut self) {
        self.additions.clear();
        self.node_labels.clear();
        self.annotations.clear();
        self.pod_net_info = PodNetInfo::default();
        self.scheduling_gate = false;
    }
}
