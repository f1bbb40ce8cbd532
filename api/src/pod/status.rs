//! What became of a pod.

use serde::Deserialize;

use super::null_is_default;

/// `status` of a pod.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodStatus {
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`; empty in manifests.
    #[serde(default, deserialize_with = "null_is_default")]
    pub phase: String,
    /// A word for why it is in this phase, such as `TopologyAffinityError` or `Evicted`.
    #[serde(default, deserialize_with = "null_is_default")]
    pub reason: String,
    /// The same for people.
    #[serde(default, deserialize_with = "null_is_default")]
    pub message: String,
    /// When the kubelet first saw it, whether it took it or not.
    #[serde(default)]
    pub start_time: Option<String>,
    /// What was found of it.
    #[serde(default, deserialize_with = "null_is_default")]
    pub conditions: Vec<PodCondition>,
    /// Its app containers, as the kubelet has them.
    #[serde(default, deserialize_with = "null_is_default")]
    pub container_statuses: Vec<ContainerStatus>,
    /// Its init containers, as the kubelet has them.
    #[serde(default, deserialize_with = "null_is_default")]
    pub init_container_statuses: Vec<ContainerStatus>,
    /// The claims that were made for it from templates.
    #[serde(default, deserialize_with = "null_is_default")]
    pub resource_claim_statuses: Vec<PodResourceClaimStatus>,
    /// The claim that the scheduler made for its extended resources which a DRA driver provides.
    #[serde(default)]
    pub extended_resource_claim_status: Option<ExtendedResourceClaimStatus>,
}

/// An entry of `status.resourceClaimStatuses` (Kubernetes `PodResourceClaimStatus`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodResourceClaimStatus {
    /// Its name within the pod.
    #[serde(default, deserialize_with = "null_is_default")]
    pub name: String,
    /// The ResourceClaim; none where none was needed.
    #[serde(default)]
    pub resource_claim_name: Option<String>,
}

/// `status.extendedResourceClaimStatus` (Kubernetes `PodExtendedResourceClaimStatus`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExtendedResourceClaimStatus {
    /// The ResourceClaim.
    #[serde(default, deserialize_with = "null_is_default")]
    pub resource_claim_name: String,
}

/// An entry of `status.conditions` (Kubernetes `PodCondition`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodCondition {
    /// What it is about, such as `PodScheduled`.
    #[serde(default, deserialize_with = "null_is_default", rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    #[serde(default, deserialize_with = "null_is_default")]
    pub status: String,
    /// A word for why, such as `Unschedulable`.
    #[serde(default, deserialize_with = "null_is_default")]
    pub reason: String,
    /// The same for people.
    #[serde(default, deserialize_with = "null_is_default")]
    pub message: String,
    /// Since when (RFC 3339).
    #[serde(default)]
    pub last_transition_time: Option<String>,
}

/// An entry of `status.containerStatuses` (Kubernetes `ContainerStatus`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerStatus {
    /// The container's name.
    #[serde(default, deserialize_with = "null_is_default")]
    pub name: String,
    /// The runtime's name of it; empty until it was made.
    #[serde(default, rename = "containerID", deserialize_with = "null_is_default")]
    pub container_id: String,
}
