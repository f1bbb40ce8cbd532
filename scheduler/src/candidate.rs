//! A node as a pod's own spec looks at it: by its name, its labels and its taints.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{affinity::null_is_default, toleration::Taint};

/// The label that the kubelet gives a node, unlike its name in some clouds.
pub const HOSTNAME: &str = "kubernetes.io/hostname";

/// A node, as far as pods select it. Read of a Node object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Object")]
pub struct Candidate {
    /// Its name.
    pub name: Box<str>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its taints.
    pub taints: Vec<Taint>,
    /// Whether it is cordoned off.
    pub is_unschedulable: bool,
}

impl Candidate {
    /// Its label [`HOSTNAME`].
    #[must_use]
    pub fn hostname(&self) -> Option<&str> {
        self.labels.get(HOSTNAME).map(String::as_str)
    }
}

#[derive(Deserialize)]
struct Object {
    #[serde(default, deserialize_with = "null_is_default")]
    metadata: Metadata,
    #[serde(default, deserialize_with = "null_is_default")]
    spec: Spec,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default, deserialize_with = "null_is_default")]
    name: Box<str>,
    #[serde(default, deserialize_with = "null_is_default")]
    labels: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
struct Spec {
    #[serde(default, deserialize_with = "null_is_default")]
    taints: Vec<Taint>,
    #[serde(default, deserialize_with = "null_is_default")]
    unschedulable: bool,
}

impl From<Object> for Candidate {
    fn from(object: Object) -> Self {
        Self {
            name: object.metadata.name,
            labels: object.metadata.labels,
            taints: object.spec.taints,
            is_unschedulable: object.spec.unschedulable,
        }
    }
}
