//! The store filled from files: what `--objects` names.

use std::path::PathBuf;

use api::{
    network::Network,
    objects::{self, Object, ObjectsError},
    pod::Pod,
};

use crate::{pod_facts::PodFacts, store::Store};

/// Reads NetworkAttachmentDefinitions and pods. Objects without a namespace are in `default`; other kinds are passed
/// over, and so are pods that have no name yet.
///
/// # Errors
/// A file cannot be read, or an object does not fit its kind.
pub fn read(paths: &[PathBuf]) -> Result<Store, ObjectsError> {
    let objects = objects::read(paths)?;
    let networks: Vec<Network> = objects::networks(&objects, "default")?;
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
    Ok(store)
}

fn pod(object: &Object) -> Result<Option<PodFacts>, ObjectsError> {
    let invalid = |problem: String| ObjectsError::Invalid {
        origin: object.origin.clone(),
        kind: object.kind.clone(),
        problem,
    };
    let pod: Pod =
        serde_json::from_value(object.value.clone()).map_err(|error| invalid(error.to_string()))?;
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
    .map_err(|error| invalid(error.to_string()))
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
        read(&[file])
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
