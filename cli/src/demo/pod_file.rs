//! The pod of the demo: the seeds' one, or one that the user brings.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};
use api::objects;
use serde_json::{Map, Value, json};

/// The pod as the API server would hold it when it asks the webhook.
pub(super) fn read(file: Option<&Path>) -> Result<Value> {
    match file {
        None => first_pod(include_str!("pod.yaml"), "the demo's pod"),
        Some(path) => {
            let text = fs::read_to_string(path)
                .with_context(|| format!("cannot read the pod from {}", path.display()))?;
            first_pod(&text, &path.display().to_string())
        }
    }
}

fn first_pod(text: &str, origin: &str) -> Result<Value> {
    let objects = objects::parse(text, origin)?;
    match objects.into_iter().find(|object| object.kind == "Pod") {
        Some(object) => completed(object.value, origin),
        None => bail!("{origin} holds no object of kind Pod"),
    }
}

/// Fills in what the API server fills in: namespace, generated name, UID, requests from limits.
fn completed(mut pod: Value, origin: &str) -> Result<Value> {
    let metadata = pod.as_object_mut().map(|pod| {
        pod.entry("metadata")
            .or_insert_with(|| Value::Object(Map::new()))
    });
    let Some(Value::Object(metadata)) = metadata else {
        bail!("{origin}: 'metadata' of the pod is not an object");
    };
    let text = |metadata: &Map<String, Value>, key: &str| {
        let value = metadata.get(key).and_then(Value::as_str);
        value.filter(|value| !value.is_empty()).map(str::to_owned)
    };
    let name = match (text(metadata, "name"), text(metadata, "generateName")) {
        (Some(name), _) => name,
        (None, Some(prefix)) => format!("{prefix}x7k2p"),
        (None, None) => bail!("{origin}: the pod has no name; write metadata.name"),
    };
    let namespace = text(metadata, "namespace").unwrap_or_else(|| "default".to_owned());
    let uid =
        text(metadata, "uid").unwrap_or_else(|| "9f1d2c3b-4a5e-4f60-8172-93a4b5c6d7e8".to_owned());
    metadata.extend([
        ("name".to_owned(), json!(name)),
        ("namespace".to_owned(), json!(namespace)),
        ("uid".to_owned(), json!(uid)),
    ]);
    for list in ["initContainers", "containers"] {
        let containers = pod.pointer_mut(&format!("/spec/{list}"));
        let containers = containers.and_then(Value::as_array_mut);
        containers.into_iter().flatten().for_each(default_requests);
    }
    Ok(pod)
}

/// A resource with a limit and no request has a request of that limit, before any webhook sees the pod.
fn default_requests(container: &mut Value) {
    let Some(resources) = container
        .get_mut("resources")
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    let limits = resources.get("limits").and_then(Value::as_object).cloned();
    let Some(limits) = limits.filter(|limits| !limits.is_empty()) else {
        return;
    };
    let requests = resources.entry("requests").or_insert(Value::Null);
    if requests.is_null() {
        *requests = json!({});
    }
    if let Value::Object(requests) = requests {
        for (resource, quantity) in limits {
            requests.entry(resource).or_insert(quantity);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_api_server_fills_in() {
        let pod = first_pod(
            "{apiVersion: v1, kind: Pod, metadata: {generateName: web-}}",
            "f",
        )
        .unwrap();
        assert_eq!(pod["metadata"]["name"], "web-x7k2p");
        assert_eq!(pod["metadata"]["namespace"], "default");
        assert!(pod["metadata"]["uid"].is_string());
        let own = read(None).unwrap();
        assert_eq!(own["metadata"]["name"], "samplepod");
    }

    #[test]
    fn limits_are_requests() {
        let text = "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{resources: {limits: {r: 1, s: 2}, requests: {s: 1}}}, \
                    {resources: {limits: {r: 1}, requests: null}}, {resources: {}}, {}]}}";
        let pod = first_pod(text, "f").unwrap();
        let containers = &pod["spec"]["containers"];
        assert_eq!(
            containers[0]["resources"]["requests"],
            json!({"r": 1, "s": 1})
        );
        assert_eq!(containers[1]["resources"]["requests"], json!({"r": 1}));
        assert_eq!(containers[2], json!({"resources": {}}));
        assert_eq!(containers[3], json!({}));
    }

    #[test]
    fn files_without_a_pod_are_errors() {
        for (text, reason) in [
            (
                "{apiVersion: v1, kind: Service}",
                "holds no object of kind Pod",
            ),
            ("{apiVersion: v1, kind: Pod}", "the pod has no name"),
            ("{apiVersion: v1, kind: Pod, metadata: 5}", "not an object"),
            ("[", "not valid YAML"),
        ] {
            let error = first_pod(text, "f").unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
        assert!(read(Some(Path::new("/nowhere"))).is_err());
    }
}
