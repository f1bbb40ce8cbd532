//! The annotation keys.

/// On a pod: the networks it wants beside the cluster's (NPWG specification, 4.1).
pub const NETWORKS: &str = "k8s.v1.cni.cncf.io/networks";

/// On a pod: the network that takes the place of the cluster's default network. Multus's own key.
pub const DEFAULT_NETWORK: &str = "v1.multus-cni.io/default-network";

/// On a pod: what it got (NPWG specification, 5).
pub const NETWORK_STATUS: &str = "k8s.v1.cni.cncf.io/network-status";

/// On a pod: when its attachments were made, and how long each delegate and each stage took (`api::attachment_times`).
pub const ATTACHMENTS: &str = "polypod.dev/attachments";

/// On a NetworkAttachmentDefinition: the resource whose device an attachment needs.
pub const RESOURCE_NAME: &str = "k8s.v1.cni.cncf.io/resourceName";

/// On a NetworkAttachmentDefinition: `"true"` where its attachments may be made together with others.
pub const PARALLEL: &str = "polypod.dev/parallel";

/// On a NetworkAttachmentDefinition: labels a node must have, `key=value` or `key`, separated by commas. The network
/// resources injector's key.
pub const NODE_SELECTOR: &str = "k8s.v1.cni.cncf.io/nodeSelector";

/// On a pod: which container gets the devices of its networks. One name for all networks, or `network=container` for one
/// network, separated by commas: `app, sriov-net-b=dpdk`.
pub const CONTAINER: &str = "polypod.dev/container";

/// On a pod: devices that its containers request for themselves and not for its networks, `resource=count` separated by
/// commas. They are not counted as the networks'.
pub const RESERVE: &str = "polypod.dev/reserve";

/// On a pod: `"false"` where nothing is to be added to it. It is validated all the same.
pub const INJECT: &str = "polypod.dev/inject";

/// On a NetworkAttachmentDefinition: the namespaces that may select it beside its own, as a label selector in JSON
/// (`{"matchLabels": {"team": "radio"}}`), or `*` for all.
pub const SHARED_WITH: &str = "polypod.dev/shared-with";

/// On a NetworkAttachmentDefinition: `"true"` where it may be deleted although pods use it.
pub const ALLOW_DELETE: &str = "polypod.dev/allow-delete";

/// On a NetworkAttachmentDefinition: who supplies its devices, `device-plugin` (the default: they are injected as an
/// extended resource) or `claim` (a ResourceClaim of the pod: nothing is injected).
pub const DEVICES: &str = "polypod.dev/devices";

/// The scheduling gate (`spec.schedulingGates`) at which pods wait until nodes with devices for them were chosen.
pub const SCHEDULING_GATE: &str = "polypod.dev/devices";

/// On a pod: the nodes that were chosen for it when [`SCHEDULING_GATE`] was lifted, separated by commas.
pub const CHOSEN_NODES: &str = "polypod.dev/chosen-nodes";

/// On a pod: when a scheduler was asked last to try it again, because what it waits for was released (RFC 3339).
pub const RETRIED_AT: &str = "polypod.dev/retried-at";

/// On a pod: `"false"` where it does not wait at [`SCHEDULING_GATE`].
pub const GATE: &str = "polypod.dev/scheduling-gate";

/// On a pod: what the devices that a container requests of one resource are to be behind, `physical-function` for
/// different physical functions or `switch` for different switches. Nodes that do not have so many are not chosen.
pub const SPREAD: &str = "polypod.dev/spread";

/// On a pod: the span of its admission, a W3C `traceparent` ([`crate::TraceContext`]), so that what becomes of the pod later
/// is in the same trace. Before its admission: the span that whoever creates the pod wants it to be a child of.
pub const TRACEPARENT: &str = "polypod.dev/traceparent";
