//! The NodeInventory: what devices a node has, per NUMA zone and physical function, and which pod holds what.
//!
//! Written by the device-bridge of the node, read by the scheduler. One object for each node, of the node's name. It has
//! no spec: like NodeResourceTopology it is all report. Unlike that one it names pods by UID and reports by epoch and
//! sequence number, so that "does this report know of that pod" has an exact answer. Its status is apart from the report: how
//! the device-bridge itself is.

mod status;

use k8s_openapi::{
    ClusterResourceScope, Metadata, Resource,
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
};
use serde::{Deserialize, Serialize};

pub use self::status::{
    CONFIGURATION_INSTALLED, KUBELET_ANSWERS, NodeInventoryStatus, READY, SERVING,
};
use crate::topology_manager::{Policy, Scope};

/// A report about a node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeInventory {
    /// `apiVersion`.
    #[serde(default)]
    pub api_version: String,
    /// `kind`.
    #[serde(default)]
    pub kind: String,
    /// The node's name, and the node as its owner.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// Grows with every start of the node's device-bridge: nanoseconds since 1970, or one more than the epoch before.
    #[serde(default)]
    pub epoch: u64,
    /// Grows with every report within an epoch.
    #[serde(default)]
    pub sequence: u64,
    /// When the kubelet was asked. For people and for finding out that nobody reports any more; reports are compared by
    /// epoch and sequence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_at: Option<MicroTime>,
    /// What was found.
    #[serde(flatten)]
    pub inventory: Inventory,
    /// How the device-bridge is. It is written apart from the rest, by the subresource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<NodeInventoryStatus>,
}

/// What a node has and who holds it. Lists are sorted, so that equal inventories are equal texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Inventory {
    /// How the kubelet aligns.
    pub topology_manager: TopologyManager,
    /// The NUMA zones, by id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<Zone>,
    /// The devices of the whole node by resource. A device of several zones counts once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<Amount>,
    /// The physical functions that have devices or could have, by address.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub physical_functions: Vec<PhysicalFunction>,
    /// Graphics and other processors on PCI, by address, for their distance to network devices.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accelerators: Vec<Accelerator>,
    /// The healthy devices, held or not. Those that are alike stand together.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<DeviceGroup>,
    /// The pods that hold something exclusively.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allocations: Vec<PodAllocation>,
}

/// The kubelet's topology manager.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TopologyManager {
    /// Its policy.
    pub policy: Policy,
    /// Its scope.
    pub scope: Scope,
    /// The most zones it takes into account, where the kubelet was told (`max-allowable-numa-nodes`).
    #[serde(rename = "maxNUMANodes", skip_serializing_if = "Option::is_none")]
    pub max_numa_nodes: Option<u32>,
    /// Whether memory is pinned to zones, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_manager: Option<MemoryManager>,
}

/// What the kubelet's memory manager does (KubeletConfiguration `memoryManagerPolicy`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MemoryManager {
    /// Nothing: memory is aligned with no zone.
    None,
    /// It gives memory and huge pages of zones to Guaranteed pods.
    Static,
}

/// A NUMA zone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Zone {
    /// The kernel's number.
    pub id: u32,
    /// Its CPUs, as a list such as `0-3,8`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cpus: String,
    /// The CPUs that the kubelet hands out exclusively. Empty unless its CPU manager is static.
    #[serde(rename = "exclusiveCPUs", skip_serializing_if = "String::is_empty")]
    pub exclusive_cpus: String,
    /// How far memory of other zones is (ACPI SLIT; 10 is the zone itself).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub distances: Vec<Distance>,
    /// CPUs in whole CPUs, `memory` and `hugepages-*` in bytes, devices in devices. A device of several zones is in each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<Amount>,
}

/// The way to a zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Distance {
    /// The zone.
    pub zone: u32,
    /// The distance.
    pub value: u32,
}

/// How much of a resource there is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// The resource.
    pub name: String,
    /// With what is reserved or unhealthy.
    pub capacity: u64,
    /// What pods may get: of devices the healthy ones.
    pub allocatable: u64,
    /// What nobody holds.
    pub available: u64,
}

/// A physical function.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PhysicalFunction {
    /// Its PCI address.
    pub address: String,
    /// Its network interface; in switchdev the uplink.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// Its NUMA zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<u32>,
    /// The PCIe root complex, such as `pci0000:00`.
    #[serde(rename = "pcieRoot", skip_serializing_if = "Option::is_none")]
    pub pcie_root: Option<String>,
    /// Its driver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// PCI vendor and device, such as `15b3:1017`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The switch it is a port of: functions of one switch share what is behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub switch_id: Option<String>,
    /// The physical port, such as `p0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<String>,
    /// `switchdev` where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eswitch: Option<String>,
    /// Whether there is a carrier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_up: Option<bool>,
    /// Megabits per second, while the link is up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed_mbps: Option<u32>,
    /// Its RDMA devices.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rdma: Vec<String>,
    /// How many virtual functions it can have.
    #[serde(rename = "totalVFs")]
    pub total_vfs: u32,
    /// How many it has.
    #[serde(rename = "configuredVFs")]
    pub configured_vfs: u32,
    /// Its devices by resource.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<Amount>,
}

/// A graphics or other processor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Accelerator {
    /// Its PCI address.
    pub address: String,
    /// Its NUMA zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<u32>,
    /// The PCIe root complex.
    #[serde(rename = "pcieRoot", skip_serializing_if = "Option::is_none")]
    pub pcie_root: Option<String>,
    /// PCI vendor and device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

/// Healthy devices that differ by their ids alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DeviceGroup {
    /// The resource they are handed out for.
    pub resource: String,
    /// The zones the kubelet aligns them with; none where it does not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<u32>,
    /// The physical function behind them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub physical_function: Option<String>,
    /// Their ids, as the device plugin has them.
    pub ids: Vec<String>,
}

/// What a pod holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodAllocation {
    /// Its UID. Missing while the device-bridge has not heard of the pod, of which the kubelet tells the name alone.
    #[serde(rename = "podUID", skip_serializing_if = "Option::is_none")]
    pub pod_uid: Option<String>,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its containers that hold something, in the kubelet's order.
    pub containers: Vec<ContainerAllocation>,
}

/// What a container holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerAllocation {
    /// Its name.
    pub name: String,
    /// Devices, healthy or not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<DeviceGroup>,
    /// CPUs of its own, as a list.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cpus: String,
    /// Memory that is pinned to zones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub memory: Vec<MemoryBlock>,
    /// Devices of resource claims.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub claimed: Vec<ClaimedDevice>,
}

/// Memory of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryBlock {
    /// `memory` or `hugepages-*`.
    pub resource: String,
    /// Bytes, over all zones together.
    pub size: u64,
    /// The zones.
    pub zones: Vec<u32>,
}

/// A device of a resource claim.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimedDevice {
    /// The driver.
    pub driver: String,
    /// The pool.
    pub pool: String,
    /// The device's name in the pool.
    pub device: String,
    /// The share of it, where several may have one.
    #[serde(rename = "shareID", default, skip_serializing_if = "Option::is_none")]
    pub share_id: Option<String>,
}

impl Resource for NodeInventory {
    const API_VERSION: &'static str = "polypod.dev/v1alpha1";
    const GROUP: &'static str = "polypod.dev";
    const KIND: &'static str = "NodeInventory";
    const VERSION: &'static str = "v1alpha1";
    const URL_PATH_SEGMENT: &'static str = "nodeinventories";
    type Scope = ClusterResourceScope;
}

impl Metadata for NodeInventory {
    type Ty = ObjectMeta;

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn metadata_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_there_is_not_printed_and_need_not_be_read() {
        let text = r#"{"metadata":{"name":"n1"},"epoch":18446744073709551615,"sequence":7}"#;
        let object: NodeInventory = serde_json::from_str(text).unwrap();
        assert_eq!((object.epoch, object.sequence), (u64::MAX, 7));
        assert_eq!(
            json!(object.inventory),
            json!({"topologyManager": {"policy": "none", "scope": "container"}})
        );
    }
}
