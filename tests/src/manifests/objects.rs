//! Objects of the manifests: as the files list them, and as kubectl renders them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use serde::Deserialize as _;
use serde_json::Value;

use crate::fixture::{binaries::workspace, needs::kubectl};

/// What an object is known by: API version, kind, namespace, name.
pub(super) type Key = (String, String, String, String);

/// A folder or file below `manifests`.
pub(crate) fn manifests(path: &str) -> PathBuf {
    workspace().join("manifests").join(path)
}

/// The documents of a text.
pub(super) fn documents(text: &str) -> Vec<Value> {
    let documents = serde_yaml_ng::Deserializer::from_str(text)
        .map(|document| Value::deserialize(document).expect("a manifest is YAML"));
    documents.filter(|document| !document.is_null()).collect()
}

/// The documents of a file.
pub(crate) fn read(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file);
    documents(&text.unwrap_or_else(|error| panic!("{}: {error}", file.display())))
}

/// The objects that a kustomization lists, and those of the folders that it names. Nothing is transformed on the way, so
/// nothing may ask for that.
pub(super) fn listed(folder: &Path) -> Vec<Value> {
    let file = folder.join("kustomization.yaml");
    let kustomization = read(&file).remove(0);
    let fields = kustomization.as_object().expect("it is an object");
    let more: Vec<_> = fields
        .keys()
        .filter(|key| !["apiVersion", "kind", "resources"].contains(&key.as_str()))
        .collect();
    assert!(more.is_empty(), "{}: {more:?}", file.display());
    let resources = kustomization["resources"].as_array();
    let resources = resources.expect("it lists resources").iter();
    resources
        .flat_map(|resource| {
            let path = folder.join(resource.as_str().expect("a resource is a path"));
            if path.is_dir() {
                listed(&path)
            } else {
                read(&path)
            }
        })
        .collect()
}

/// What kubectl makes of a kustomization.
pub(crate) fn rendered(folder: &Path) -> Vec<Value> {
    let kubectl = kubectl().expect("the scenario needs it");
    let output = Command::new(kubectl).arg("kustomize").arg(folder).output();
    let output = output.expect("kubectl can be executed");
    assert!(
        output.status.success(),
        "{}: {}",
        folder.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    documents(&String::from_utf8_lossy(&output.stdout))
}

/// What it is known by.
pub(super) fn key(object: &Value) -> Key {
    let metadata = &object["metadata"];
    (
        word(&object["apiVersion"]),
        word(&object["kind"]),
        word(&metadata["namespace"]),
        word(&metadata["name"]),
    )
}

/// The objects by what they are known by; no two are known by the same.
pub(super) fn by_key(objects: &[Value]) -> BTreeMap<Key, &Value> {
    let by_key: BTreeMap<Key, &Value> =
        objects.iter().map(|object| (key(object), object)).collect();
    assert_eq!(by_key.len(), objects.len(), "an object stands there twice");
    by_key
}

/// The objects of a kind.
pub(super) fn of_kind<'a>(
    objects: &'a [Value],
    kind: &'a str,
) -> impl Iterator<Item = &'a Value> + 'a {
    objects.iter().filter(move |object| object["kind"] == kind)
}

/// Deployments and DaemonSets.
pub(super) fn workloads(objects: &[Value]) -> impl Iterator<Item = &Value> {
    let kinds = ["Deployment", "DaemonSet"];
    objects
        .iter()
        .filter(move |object| kinds.iter().any(|kind| object["kind"] == *kind))
}

/// The items of a list, of which there may be none.
pub(crate) fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// A text; an empty one where there is none.
pub(super) fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
