//! What the map shows, as one document: the page and the pictures are drawn from it and from nothing else.
//!
//! It is made for many nodes: what pods hold is told by places in lists, and everything of a node stands within the node, so
//! that a change of one node is that node once more.

use std::collections::BTreeSet;

use serde::Serialize;

/// A cluster's nodes with their devices, pods and networks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document {
    /// What could not be seen, and why: for people.
    pub(super) unseen: Vec<String>,
    /// The NetworkAttachmentDefinitions, by namespace and name.
    pub(super) networks: Vec<Network>,
    /// The nodes, by name.
    pub(super) nodes: Vec<Node>,
    /// Pods that ask for networks and are bound to no node.
    pub(super) waiting: Vec<Pod>,
}

/// A NetworkAttachmentDefinition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Network {
    /// `namespace/name`, as network-status has it.
    pub(super) name: String,
    /// The types of its plugins.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) plugins: Vec<String>,
    /// The resource whose device an attachment gets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resource: Option<String>,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fault: Option<String>,
}

/// How a node is, the best first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum State {
    /// Nothing is known to be wrong.
    #[default]
    Ready,
    /// Nobody reports its devices.
    Unreported,
    /// Something is wrong with its report, its agent, a link or a device.
    Degraded,
    /// The Node is not ready.
    Down,
}

/// A node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Node {
    /// Its name.
    pub(super) name: String,
    /// How it is.
    pub(super) state: State,
    /// Why it is not simply ready.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) reasons: Vec<Reason>,
    /// Whether nothing new is scheduled to it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) cordoned: bool,
    /// The kubelet's topology manager: policy and scope.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) policy: String,
    /// When its NodeInventory was found out (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) observed_at: Option<String>,
    /// The version of its device-bridge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) agent_version: Option<String>,
    /// Its devices by resource; those of claims by driver.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) amounts: Vec<Amount>,
    /// Its NUMA zones by number; what is in none comes last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) zones: Vec<Zone>,
    /// The pods that have networks of their own or hold devices, by namespace and name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) pods: Vec<Pod>,
    /// How many other pods run there.
    pub(super) other_pods: usize,
}

/// Why a node is as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Reason {
    /// What is wrong, for people.
    pub(super) text: String,
    /// Since when (RFC 3339), where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) since: Option<String>,
}

/// How many devices of a resource there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Amount {
    /// The resource.
    pub(super) resource: String,
    /// All of them.
    pub(super) total: u64,
    /// Those that pods hold.
    pub(super) held: u64,
    /// Those that are unhealthy.
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) unhealthy: u64,
}

/// A NUMA zone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Zone {
    /// The kernel's number; none for what belongs to no zone.
    pub(super) id: Option<u32>,
    /// Its CPUs, as a list.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) cpus: String,
    /// What stands in it, where no ids are known (NodeResourceTopology).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) amounts: Vec<Amount>,
    /// The physical functions by address, then the accelerators; devices of neither come last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) functions: Vec<Function>,
}

/// A physical function or an accelerator with the devices behind it, or the devices behind none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Function {
    /// Its PCI address; none for devices without a physical function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) address: Option<String>,
    /// Whether it is a graphics or other processor.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) accelerator: bool,
    /// Its network interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) interface: Option<String>,
    /// Its driver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) driver: Option<String>,
    /// PCI vendor and device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) model: Option<String>,
    /// Whether there is a carrier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) link_up: Option<bool>,
    /// Megabits per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) speed_mbps: Option<u32>,
    /// How many virtual functions it has that are offered for no resource.
    #[serde(rename = "notOffered", skip_serializing_if = "is_zero")]
    pub(super) not_offered: u64,
    /// Its devices by resource.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) groups: Vec<Group>,
}

/// Devices of one resource behind one physical function or accelerator.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Group {
    /// The resource; for devices of claims (DRA) the driver and the pool.
    pub(super) resource: String,
    /// The driver of devices of claims, by which they are counted: pools are often nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) driver: Option<String>,
    /// Their ids, as the device plugin has them: for virtual functions their PCI addresses. For devices of claims what their
    /// driver says (`k8s.cni.cncf.io/deviceID`, else the PCI address), else their names.
    pub(super) ids: Vec<String>,
    /// What claims call devices, for people: places in `ids`. Where the group is not their driver's, with driver and pool.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) claimed_as: Vec<(usize, String)>,
    /// Who holds what: places in `ids`, and in the node's `pods`. Pods may share a device by a claim.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) held: Vec<(usize, usize)>,
    /// Places in `ids` of those that are held and not healthy any more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) unhealthy: Vec<usize>,
}

impl Node {
    /// Its devices that stand in no zone, not as a sum either: what the Node says where nobody reports.
    pub(super) fn sums_alone(&self) -> impl Iterator<Item = &Amount> {
        let is_drawn = |amount: &&Amount| {
            let is_it = |name: &str| name == amount.resource;
            self.zones.iter().any(|zone| {
                let mut groups = zone.functions.iter().flat_map(|one| &one.groups);
                let mut sums = zone.amounts.iter();
                groups.any(|group| is_it(group.counted_as()))
                    || sums.any(|one| is_it(&one.resource))
            })
        };
        self.amounts.iter().filter(move |amount| !is_drawn(amount))
    }
}

impl Group {
    /// How many of them are held.
    pub(super) fn held_count(&self) -> usize {
        let held: BTreeSet<usize> = self.held.iter().map(|(at, _)| *at).collect();
        held.len()
    }

    /// By what they are counted.
    pub(super) fn counted_as(&self) -> &str {
        self.driver.as_ref().unwrap_or(&self.resource)
    }
}

/// A pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pod {
    /// Its namespace.
    pub(super) namespace: String,
    /// Its name.
    pub(super) name: String,
    /// Its phase; empty where only the inventory tells of it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) phase: String,
    /// Its networks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) attachments: Vec<Attachment>,
    /// What is wrong with its annotations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fault: Option<String>,
}

/// An attachment of a pod to a network, made or asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Attachment {
    /// `namespace/name` of the network, or the CNI name of the cluster network.
    pub(super) network: String,
    /// The interface in the pod; empty where the pod leaves that open and it is not made yet.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) interface: String,
    /// Its addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) ips: Vec<String>,
    /// Its hardware address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) mac: String,
    /// Whether it is the cluster network.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) default: bool,
    /// Whether it is asked for and not made yet.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) wanted: bool,
    /// The id of the device behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) device: Option<String>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands references over"
)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
