//! The NetworkAttachmentDefinition, as the NPWG specification publishes it (section 3).
//!
//! The type is written out instead of derived because `spec` may be missing altogether (section 3.2.4), which derived
//! custom resources do not allow.

use k8s_openapi::{
    Metadata, NamespaceResourceScope, Resource, apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use spec::{cni::ConfError, kind};

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
    /// What it attaches to, as it stands: objects are older than any schema, and one whose `spec` is of another kind must
    /// still be there with its fault. [`NetworkAttachmentDefinition::config`] reads it.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub spec: Value,
}

impl NetworkAttachmentDefinition {
    /// The text of `spec.config`: a CNI configuration or configuration list. Without it, or with a blank one, a file of the
    /// node is meant whose CNI name is the object's name.
    ///
    /// # Errors
    /// `spec` or `spec.config` is of another kind.
    pub fn config(&self) -> Result<Option<&str>, ConfError> {
        let wrong = |place: &str, found: &Value, wanted| ConfError::Kind {
            place: place.to_owned(),
            found: kind::of_value(found),
            wanted,
        };
        let config = match &self.spec {
            Value::Null => None,
            Value::Object(spec) => spec.get("config"),
            other => return Err(wrong("/spec", other, "an object with the text config")),
        };
        match config {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => {
                Ok(Some(text.as_str()).filter(|text| !text.trim().is_empty()))
            }
            Some(other) => Err(wrong("/spec/config", other, "a text that holds JSON")),
        }
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
    fn a_config_of_another_kind_is_a_fault_and_not_an_unreadable_object() {
        for (text, words) in [
            (
                r#"{"spec":{"config":{"type":"bridge"}}}"#,
                "an object at /spec/config",
            ),
            (r#"{"spec":[]}"#, "a list at /spec"),
        ] {
            let object: NetworkAttachmentDefinition = serde_json::from_str(text).unwrap();
            let error = object.config().unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn spec_may_be_missing() {
        for text in [
            r#"{"apiVersion":"k8s.cni.cncf.io/v1","kind":"NetworkAttachmentDefinition","metadata":{"name":"a"}}"#,
            r#"{"metadata":{"name":"a"},"spec":null}"#,
            r#"{"metadata":{"name":"a"},"spec":{"config":" "}}"#,
        ] {
            let object: NetworkAttachmentDefinition = serde_json::from_str(text).unwrap();
            assert_eq!(object.config(), Ok(None));
            assert_eq!(object.metadata().name.as_deref(), Some("a"));
        }
    }
}
