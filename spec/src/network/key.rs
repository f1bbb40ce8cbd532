//! The annotation keys.

/// On a pod: the networks it wants beside the cluster's (NPWG specification, 4.1).
pub const NETWORKS: &str = "k8s.v1.cni.cncf.io/networks";

/// On a pod: the network that takes the place of the cluster's default network. Multus's own key.
pub const DEFAULT_NETWORK: &str = "v1.multus-cni.io/default-network";

/// On a pod: what it got (NPWG specification, 5).
pub const NETWORK_STATUS: &str = "k8s.v1.cni.cncf.io/network-status";

/// On a NetworkAttachmentDefinition: the resource whose device an attachment needs.
pub const RESOURCE_NAME: &str = "k8s.v1.cni.cncf.io/resourceName";

/// On a NetworkAttachmentDefinition: `"true"` where its attachments may be made together with others.
pub const PARALLEL: &str = "polypod.dev/parallel";
