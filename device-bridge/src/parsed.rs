//! Objects of the API server as values. One that is malformed is told of and hides no other.

use api::{network::Network, network_attachment_definition::NetworkAttachmentDefinition};
use k8s_openapi::api::core::v1::Pod;
use kube::core::{DeserializeGuard, PartialObjectMeta};

use crate::pod_facts::PodFacts;

/// A network. Only an object whose metadata is none cannot be read at all.
pub(crate) fn network(object: &DeserializeGuard<NetworkAttachmentDefinition>) -> Option<Network> {
    let parsed = match &object.0 {
        Ok(definition) => Network::parse(definition, "default").map_err(|error| error.to_string()),
        Err(invalid) => Err(invalid.error.clone()),
    };
    parsed
        .inspect(warn_of)
        .inspect_err(|error| tracing::warn!(%error, "A NetworkAttachmentDefinition is passed over"))
        .ok()
}

/// Tells of what is passed over in a network that is used all the same.
pub(crate) fn warn_of(network: &Network) {
    if let Err(problem) = &network.parallel {
        tracing::warn!(%problem, "An annotation is passed over");
    }
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
        assert!(problem.contains("an object at /spec/config"), "{problem}");
    }

    #[test]
    fn what_cannot_be_named_is_passed_over() {
        let unusable = json!({"metadata": {"namespace": "ns1", "name": "A b"}, "spec": {}});
        assert!(network(&serde_json::from_value(unusable.clone()).unwrap()).is_none());
        assert!(pod(&serde_json::from_value(unusable).unwrap()).is_none());
    }
}
