//! The NetworkAttachmentDefinition, exactly as the NPWG specification publishes it (section 3).

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `spec` of a NetworkAttachmentDefinition.
#[derive(
    CustomResource, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema,
)]
#[kube(
    group = "k8s.cni.cncf.io",
    version = "v1",
    kind = "NetworkAttachmentDefinition",
    plural = "network-attachment-definitions",
    singular = "network-attachment-definition",
    shortname = "net-attach-def",
    shortname = "nad",
    namespaced,
    doc = "How to attach a pod to a logical or physical network (NPWG specification, section 3)."
)]
pub struct NetworkAttachmentDefinitionSpec {
    /// A CNI configuration or configuration list in JSON. Without it, a file of the node's confDir is used whose CNI name is the object's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
}
