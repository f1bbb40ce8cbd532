//! Objects of the API server as values. One that is malformed is told of and hides no other.

use api::{network::Network, network_attachment_definition::NetworkAttachmentDefinition};
use k8s_openapi::api::core::v1::Pod;
use kube::core::{DeserializeGuard, PartialObjectMeta};
use spec::cni::ConfError;

use crate::pod_facts::PodFacts;

/// A network. One whose `spec` is malformed keeps its place and the fault, so that a pod that selects it is told of the
/// fault and not that there is no such network.
pub(crate) fn network(object: &DeserializeGuard<NetworkAttachmentDefinition>) -> Option<Network> {
    let parsed = match &object.0 {
        Ok(definition) => Network::parse(definition, "default"),
        Err(invalid) => {
            let bare = NetworkAttachmentDefinition {
                metadata: invalid.metadata.clone(),
                ..NetworkAttachmentDefinition::default()
            };
            Network::parse(&bare, "default").map(|network| Network {
                conf: Err(ConfError::Kind {
                    place: format!("spec ({})", invalid.error),
                    found: "another kind of value",
                    wanted: "an object whose config is a text that holds JSON",
                }),
                ..network
            })
        }
    };
    parsed
        .inspect_err(|error| tracing::warn!(%error, "A NetworkAttachmentDefinition is passed over"))
        .ok()
}

/// A pod.
pub(crate) fn pod(object: &PartialObjectMeta<Pod>) -> Option<PodFacts> {
    PodFacts::of_metadata(&object.metadata)
        .inspect_err(|error| tracing::warn!(%error, "A pod is passed over"))
        .ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_malformed_network_keeps_its_place() {
        let object = serde_json::from_value(json!({
            "apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
            "metadata": {"namespace": "ns1", "name": "a", "annotations": {"k8s.v1.cni.cncf.io/resourceName": "a/b"}},
            "spec": {"config": {"type": "x"}},
        }))
        .unwrap();
        let network = network(&object).unwrap();
        assert_eq!(network.reference.to_string(), "ns1/a");
        let problem = network.conf.unwrap_err().to_string();
        assert!(problem.contains("Expected a string"), "{problem}");
    }

    #[test]
    fn what_cannot_be_named_is_passed_over() {
        let unusable = json!({"metadata": {"namespace": "ns1", "name": "A b"}, "spec": {}});
        assert!(network(&serde_json::from_value(unusable.clone()).unwrap()).is_none());
        assert!(pod(&serde_json::from_value(unusable).unwrap()).is_none());
    }
}
