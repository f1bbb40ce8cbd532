//! Pods as the stories write them, and what can be read of a running one.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::image::POD;

/// Where pods are created.
pub(crate) const PODS: &str = "/api/v1/namespaces/default/pods";

/// A pod of one container that selects networks, in either form of the annotation; none for an empty text.
pub(crate) fn pod(name: &str, networks: &str) -> Value {
    let mut pod =
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec()});
    if !networks.is_empty() {
        pod["metadata"]["annotations"] = json!({"k8s.v1.cni.cncf.io/networks": networks});
    }
    pod
}

/// What every pod of the stories runs: a shell that waits and ends when it is asked to.
pub(crate) fn spec() -> Value {
    json!({
        "terminationGracePeriodSeconds": 5,
        "enableServiceLinks": false,
        "automountServiceAccountToken": false,
        "containers": [container("c0")],
    })
}

/// One of its containers.
pub(crate) fn container(name: &str) -> Value {
    json!({"name": name, "image": POD, "imagePullPolicy": "Never"})
}

/// What the runtime knows of a pod's sandbox.
#[derive(Clone, Debug)]
pub(crate) struct Sandbox {
    pub(crate) id: String,
    /// The file of its network namespace.
    pub(crate) netns: PathBuf,
}

/// The network-status of a pod, which the agent publishes.
pub(crate) fn network_status(pod: &Value) -> Option<Vec<Value>> {
    let text = pod["metadata"]["annotations"]["k8s.v1.cni.cncf.io/network-status"].as_str()?;
    let status: Value = serde_json::from_str(text).expect("network-status is JSON");
    status.as_array().cloned()
}

/// The devices that a status entry names, by interface.
pub(crate) fn interface_of<'a>(status: &'a [Value], interface: &str) -> &'a Value {
    let found = status.iter().find(|entry| entry["interface"] == interface);
    found.unwrap_or_else(|| panic!("no {interface} in {status:?}"))
}
