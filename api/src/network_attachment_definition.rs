//! The NetworkAttachmentDefinition, as the NPWG specification publishes it (section 3).
//!
//! The type is written out instead of derived because `spec` may be missing altogether (section 3.2.4), which derived
//! custom resources do not allow.

use k8s_openapi::{
    Metadata, NamespaceResourceScope, Resource, apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use serde::{Deserialize, Serialize};

/// How to attach a pod to a logical or physical network.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkAttachmentDefinition {
    /// `apiVersion`, where the object says it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// `kind`, where the object says it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Its name, namespace and annotations.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// What it attaches to. Without it, a network of the node is meant that has the object's name.
    #[serde(default)]
    pub spec: Option<NetworkAttachmentDefinitionSpec>,
}

/// `spec` of a [`NetworkAttachmentDefinition`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkAttachmentDefinitionSpec {
    /// A CNI configuration or configuration list in JSON. Without it, a file of the node's `confDir` is used whose CNI
    /// name is the object's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
}

impl NetworkAttachmentDefinition {
    /// The text of `spec.config`, unless it is missing or blank.
    #[must_use]
    pub fn config(&self) -> Option<&str> {
        let config = self.spec.as_ref().and_then(|spec| spec.config.as_deref());
        config.filter(|text| !text.trim().is_empty())
    }
}

impl Resource for NetworkAttachmentDefinition {
    const API_VERSION: &'static str = "k8s.cni.cncf.io/v1";
    const GROUP: &'static str = "k8s.cni.cncf.io";
    const KIND: &'static str = "NetworkAttachmentDefinition";
    const VERSION: &'static str = "v1";
    const URL_PATH_SEGMENT: &'static str = "network-attachment-definitions";
    type Scope = NamespaceResourceScope;
}

impl Metadata for NetworkAttachmentDefinition {
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
    use super::*;

    #[test]
    fn spec_may_be_missing() {
        for text in [
            r#"{"apiVersion":"k8s.cni.cncf.io/v1","kind":"NetworkAttachmentDefinition","metadata":{"name":"a"}}"#,
            r#"{"metadata":{"name":"a"},"spec":null}"#,
            r#"{"metadata":{"name":"a"},"spec":{"config":" "}}"#,
        ] {
            let object: NetworkAttachmentDefinition = serde_json::from_str(text).unwrap();
            assert_eq!(object.config(), None);
            assert_eq!(object.metadata().name.as_deref(), Some("a"));
        }
    }
}
