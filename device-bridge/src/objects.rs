//! The store filled from files: what `--objects` names.

use std::{fmt::Display, path::PathBuf};

use api::{
    network::Network,
    objects::{self, Object, ObjectsError},
    pod::Pod,
};

use serde_json::Value;
use spec::{
    bridge::Legacy,
    network::{LegacyNetwork, NetworkRef},
};

use crate::{claims::files::ClaimFiles, parsed, pod_facts::PodFacts, store::Store};

/// Reads NetworkAttachmentDefinitions, the objects that were before them, pods, and what claims need. Objects without a namespace are in `default`; other kinds are passed
/// over, and so are pods that have no name yet.
///
/// # Errors
/// A file cannot be read, or an object does not fit its kind.
pub fn read(paths: &[PathBuf]) -> Result<(Store, ClaimFiles), ObjectsError> {
    let objects = objects::read(paths)?;
    let claims = ClaimFiles::of(&objects)?;
    let networks: Vec<Network> = objects::networks(&objects, "default")?;
    networks.iter().for_each(parsed::warn_of);
    let pods = objects
        .iter()
        .filter(|object| object.kind == "Pod" && object.api_version == "v1");
    let pods: Vec<PodFacts> = pods
        .map(pod)
        .filter_map(Result::transpose)
        .collect::<Result<_, _>>()?;
    let store = Store::default();
    store.reset_networks(networks);
    store.reset_pods(pods);
    for object in &objects {
        for legacy in [Legacy::V1, Legacy::V2] {
            if object.kind == "Network" && object.api_version == format!("{}/v1", legacy.group()) {
                let network = legacy_reference(object)?;
                let parsed = LegacyNetwork::parse(legacy, &network.name, &object.value);
                store.apply_legacy_network(legacy, network, parsed);
            }
        }
    }
    Ok((store, claims))
}

fn legacy_reference(object: &Object) -> Result<NetworkRef, ObjectsError> {
    let text = |key: &str| {
        let value = object.value.pointer(key).and_then(Value::as_str);
        value.filter(|text| !text.is_empty())
    };
    let namespace = text("/metadata/namespace").unwrap_or("default");
    let name = text("/metadata/name").unwrap_or_default();
    match (namespace.parse(), name.parse()) {
        (Ok(namespace), Ok(name)) => Ok(NetworkRef { namespace, name }),
        (Err(error), _) | (_, Err(error)) => Err(invalid(object, &error)),
    }
}

fn invalid(object: &Object, problem: &dyn Display) -> ObjectsError {
    ObjectsError::Invalid {
        origin: object.origin.clone(),
        kind: object.kind.clone(),
        problem: problem.to_string(),
    }
}

fn pod(object: &Object) -> Result<Option<PodFacts>, ObjectsError> {
    let pod: Pod =
        serde_json::from_value(object.value.clone()).map_err(|error| invalid(object, &error))?;
    let metadata = &pod.metadata;
    if metadata.name.is_empty() && !metadata.generate_name.is_empty() {
        return Ok(None);
    }
    PodFacts::new(
        &metadata.namespace,
        &metadata.name,
        &metadata.uid,
        &metadata.annotations,
    )
    .map(Some)
    .map_err(|error| invalid(object, &error))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::fixture::bare_question;

    fn store(text: &str) -> Result<Store, ObjectsError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("objects.yaml");
        fs::write(&file, text).unwrap();
        read(&[file]).map(|(store, _)| store)
    }

    #[test]
    fn pods_and_networks() {
        let store = store(
            "apiVersion: v1\nkind: Pod\nmetadata: {name: p, annotations: {k8s.v1.cni.cncf.io/networks: a}}\n---\n\
             apiVersion: v1\nkind: Pod\nmetadata: {generateName: p-}\n---\n\
             apiVersion: v1\nkind: Service\nmetadata: {name: s}\n---\n\
             apiVersion: k8s.cni.cncf.io/v1\nkind: NetworkAttachmentDefinition\nmetadata: {name: a}\nspec: {}\n",
        )
        .unwrap();
        assert_eq!(store.counts(), (1, 1));
        let pod = store.pod(&bare_question().pod).unwrap();
        assert_eq!(pod.annotations.networks.as_deref(), Some("a"));
        assert!(pod.uid.is_none());
    }

    #[test]
    fn errors_name_the_document() {
        for pod in ["metadata: {}", "metadata: {name: 'A b'}", "metadata: 5"] {
            let error = store(&format!("apiVersion: v1\nkind: Pod\n{pod}\n")).unwrap_err();
            let text = error.to_string();
            assert!(text.contains("(document 1) is not a valid Pod"), "{text}");
        }
    }
}
