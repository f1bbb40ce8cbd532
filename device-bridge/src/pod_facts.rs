//! What an answer needs to know of a pod: who it is, which networks it chose, and which trace it is in.
//!
//! Everything else of a pod is left where it is, so that a node's pods fit into a few kilobytes.

use std::{borrow::Cow, collections::BTreeMap};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use spec::{
    NameError, TraceContext,
    bridge::{Legacy, PodAnnotations},
    network::{DEFAULT_NETWORK, NETWORK_STATUS, NETWORKS, Namespace, ObjectName, TRACEPARENT},
};

/// Set by the kubelet: where it has the pod from. What is not `api` is a static pod, whose UID at the runtime is a hash
/// of its file and not that of the API server's image of it.
const CONFIG_SOURCE: &str = "kubernetes.io/config.source";

/// What is known of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodFacts {
    /// Its namespace.
    pub namespace: Namespace,
    /// Its name.
    pub name: ObjectName,
    /// Its UID; pods from files need not have one.
    pub uid: Option<String>,
    /// The annotations that choose networks.
    pub annotations: PodAnnotations,
    /// The annotation that Multus v1 read.
    pub legacy_v1: Option<String>,
    /// The annotation that Multus v2 read.
    pub legacy_v2: Option<String>,
    /// Whether it has a network-status.
    pub has_status: bool,
    /// Whether it is a static pod.
    pub is_static: bool,
    /// The span of its admission; none where the annotation is no `traceparent`, as a trace is no reason to refuse a pod.
    pub traceparent: Option<TraceContext>,
}

impl PodFacts {
    /// Reads what a pod's metadata says. A pod without a namespace, as in files, is in `default`.
    ///
    /// # Errors
    /// Its name or namespace is none.
    pub fn new(
        namespace: &str,
        name: &str,
        uid: &str,
        annotations: &BTreeMap<String, String>,
    ) -> Result<Self, NameError> {
        let namespace = if namespace.is_empty() {
            "default"
        } else {
            namespace
        };
        let annotation = |key: &str| annotations.get(key).cloned();
        Ok(Self {
            namespace: namespace.parse()?,
            name: name.parse()?,
            uid: Some(uid.to_owned()).filter(|uid| !uid.is_empty()),
            annotations: PodAnnotations {
                networks: annotation(NETWORKS),
                default_network: annotation(DEFAULT_NETWORK),
            },
            legacy_v1: annotation(Legacy::V1.annotation()),
            legacy_v2: annotation(Legacy::V2.annotation()),
            has_status: annotations.contains_key(NETWORK_STATUS),
            is_static: annotations
                .get(CONFIG_SOURCE)
                .is_some_and(|source| source != "api"),
            traceparent: annotations
                .get(TRACEPARENT)
                .and_then(|text| text.parse().ok()),
        })
    }

    /// Whether only Multus v1 would give it networks.
    #[must_use]
    pub fn asks_multus_v1_alone(&self) -> bool {
        self.annotations.ask_for_nothing()
            && self
                .legacy_v1
                .as_ref()
                .is_some_and(|text| !text.trim().is_empty())
    }

    /// The annotations that choose networks, as a runtime hands them over: in a legacy configuration those of that release.
    #[must_use]
    pub fn chosen(&self, legacy: Option<Legacy>) -> Cow<'_, PodAnnotations> {
        let networks = match legacy {
            None => return Cow::Borrowed(&self.annotations),
            Some(Legacy::V1) => &self.legacy_v1,
            Some(Legacy::V2) => &self.legacy_v2,
        };
        Cow::Owned(PodAnnotations {
            networks: networks.clone(),
            default_network: None,
        })
    }

    /// Reads the metadata the API server gives.
    ///
    /// # Errors
    /// Its name or namespace is none.
    pub fn of_metadata(metadata: &ObjectMeta) -> Result<Self, NameError> {
        let none = BTreeMap::new();
        Self::new(
            metadata.namespace.as_deref().unwrap_or_default(),
            metadata.name.as_deref().unwrap_or_default(),
            metadata.uid.as_deref().unwrap_or_default(),
            metadata.annotations.as_ref().unwrap_or(&none),
        )
    }

    /// Whether this may be the pod with `uid`: another UID belongs to a predecessor or successor of the same name.
    #[must_use]
    pub fn may_have(&self, uid: Option<&str>) -> bool {
        self.is_static
            || match (self.uid.as_deref(), uid) {
                (Some(known), Some(asked)) => known == asked,
                (None, _) | (_, None) => true,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uids() {
        let pod = |uid: &str, source: &str| {
            let annotations = BTreeMap::from([(CONFIG_SOURCE.to_owned(), source.to_owned())]);
            PodFacts::new("", "p", uid, &annotations).unwrap()
        };
        assert_eq!(pod("a", "api").namespace.as_str(), "default");
        for (known, source, asked, wanted) in [
            ("a", "api", Some("a"), true),
            ("a", "api", Some("b"), false),
            ("a", "api", None, true),
            ("", "api", Some("b"), true),
            ("a", "file", Some("b"), true),
            ("a", "http", Some("b"), true),
        ] {
            assert_eq!(
                pod(known, source).may_have(asked),
                wanted,
                "{known} {source} {asked:?}"
            );
        }
    }
}
