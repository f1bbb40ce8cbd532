//! NodeResourceTopology v1alpha2 of topology.node.k8s.io: what other schedulers and dashboards read of a node's NUMA zones.
//!
//! Like NodeInventory it has no spec. One object for each node, of the node's name.

use k8s_openapi::{
    ClusterResourceScope, Metadata, Resource,
    apimachinery::pkg::{api::resource::Quantity, apis::meta::v1::ObjectMeta},
};
use serde::{Deserialize, Serialize};

/// A node's zones.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeResourceTopology {
    /// `apiVersion`.
    #[serde(default)]
    pub api_version: String,
    /// `kind`.
    #[serde(default)]
    pub kind: String,
    /// The node's name, and the node as its owner.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// The kubelet's policy and scope in one word, as older writers have it; `attributes` hold where both are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub topology_policies: Vec<String>,
    /// The zones.
    pub zones: Vec<Zone>,
    /// The kubelet's policy and scope, and which pods are accounted for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<Attribute>,
}

/// A zone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Zone {
    /// `node-<N>`; schedulers pass over other names.
    pub name: String,
    /// `Node` for a NUMA zone.
    #[serde(rename = "type")]
    pub kind: String,
    /// How far memory of other zones is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub costs: Vec<Cost>,
    /// What the zone has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ZoneResource>,
}

/// The way to another zone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// The zone.
    pub name: String,
    /// Its distance.
    pub value: i64,
}

/// How much of a resource a zone has.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ZoneResource {
    /// The resource.
    pub name: String,
    /// All of it.
    pub capacity: Quantity,
    /// What pods may get.
    pub allocatable: Quantity,
    /// What nobody holds.
    pub available: Quantity,
}

/// A named value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
}

impl Resource for NodeResourceTopology {
    const API_VERSION: &'static str = "topology.node.k8s.io/v1alpha2";
    const GROUP: &'static str = "topology.node.k8s.io";
    const KIND: &'static str = "NodeResourceTopology";
    const VERSION: &'static str = "v1alpha2";
    const URL_PATH_SEGMENT: &'static str = "noderesourcetopologies";
    type Scope = ClusterResourceScope;
}

impl Metadata for NodeResourceTopology {
    type Ty = ObjectMeta;

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn metadata_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
