//! What `--objects` tells: read once, before anything is served.

use std::path::PathBuf;

use admission::Cluster;
use anyhow::Result;
use api::{
    objects::{self, Object, ObjectsError},
    pod::{Metadata, Pod},
};
use serde::Deserialize as _;
use serde_json::Value;
use spec::NameError;

use crate::extender::files::Told;

/// An object in a file without a namespace is in the one that kubectl would apply it to.
const DEFAULT_NAMESPACE: &str = "default";

/// The cluster that the files describe: its networks, its pods as far as they use them, the labels of its namespaces, and
/// claims of devices. What they tell about scheduling goes to `told`, where somebody wants to know.
///
/// # Errors
/// A file cannot be read, or an object in it.
pub fn read(paths: &[PathBuf], mut told: Option<&mut Told>) -> Result<Cluster> {
    let mut cluster = Cluster::default();
    objects::read_each(paths, |objects| {
        if let Some(told) = &mut told {
            told.take(&objects, DEFAULT_NAMESPACE)?;
        }
        for network in objects::networks(&objects, DEFAULT_NAMESPACE)? {
            cluster.networks.insert(network);
        }
        for object in objects.iter().filter(|object| object.kind == "Pod") {
            use_networks(&mut cluster, &object.value);
        }
        for object in &objects {
            if object.kind == "Namespace" && object.api_version == "v1" {
                note_labels(&mut cluster, object)?;
            }
        }
        cluster.devices.extend(&objects, DEFAULT_NAMESPACE)
    })?;
    Ok(cluster)
}

/// Notes the labels of a namespace, by which rules select it.
fn note_labels(cluster: &mut Cluster, object: &Object) -> Result<(), ObjectsError> {
    let invalid = |problem: String| ObjectsError::Invalid {
        origin: object.origin.clone(),
        kind: object.kind.clone(),
        problem,
    };
    let metadata = Metadata::deserialize(&object.value["metadata"])
        .map_err(|error| invalid(error.to_string()))?;
    let name = metadata.name.parse();
    let name = name.map_err(|error: NameError| invalid(error.to_string()))?;
    cluster.namespaces.insert(name, metadata.labels);
    Ok(())
}

/// Notes which networks a pod uses. One that cannot be read, or has no name yet, is in no cluster.
fn use_networks(cluster: &mut Cluster, pod: &Value) {
    let Ok(pod) = Pod::deserialize(pod) else {
        return;
    };
    let namespace = match pod.metadata.namespace.as_str() {
        "" => DEFAULT_NAMESPACE,
        namespace => namespace,
    };
    if let (Ok(namespace), false) = (namespace.parse(), pod.metadata.name.is_empty()) {
        let annotations = pod.network_annotations();
        let usage = &mut cluster.usage;
        usage.insert(&namespace, &pod.metadata.name, &annotations);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_tell_the_labels_of_namespaces() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("objects.yaml");
        let text =
            "{apiVersion: v1, kind: Namespace, metadata: {name: team, labels: {tier: tenant}}}";
        std::fs::write(&path, text).unwrap();
        let cluster = read(std::slice::from_ref(&path), None).unwrap();
        assert_eq!(
            cluster.namespaces.labels(&"team".parse().unwrap())["tier"],
            "tenant"
        );
        std::fs::write(
            &path,
            "{apiVersion: v1, kind: Namespace, metadata: {name: A b}}",
        )
        .unwrap();
        let error = read(&[path], None).unwrap_err().to_string();
        assert!(error.contains("is not a valid Namespace"), "{error}");
    }
}
