//! Networks and pods for the tests: those of the conformance vectors.

use api::{network::Network, pod::Pod};
use serde_json::{Value, json};
use spec::network::{DEFAULT_NETWORK, NETWORKS, Namespace, NetworkRef, RESOURCE_NAME};

use crate::{Cluster, Denial, NetworkIndex, Plan, Policy, admit};

pub(crate) fn namespace(text: &str) -> Namespace {
    text.parse().unwrap()
}

pub(crate) fn reference(text: &str) -> NetworkRef {
    let (namespace, name) = text.split_once('/').unwrap();
    NetworkRef {
        namespace: namespace.parse().unwrap(),
        name: name.parse().unwrap(),
    }
}

/// A network of `namespace/name` with this resourceName and this configuration.
pub(crate) fn network(text: &str, resource: Option<&str>, config: &str) -> Network {
    let reference = reference(text);
    let mut object = json!({
        "apiVersion": "k8s.cni.cncf.io/v1",
        "kind": "NetworkAttachmentDefinition",
        "metadata": {"name": reference.name, "namespace": reference.namespace},
        "spec": {"config": config},
    });
    if let Some(resource) = resource {
        object["metadata"]["annotations"] = json!({RESOURCE_NAME: resource});
    }
    Network::parse(&serde_json::from_value(object).unwrap(), "default").unwrap()
}

/// Networks without resources.
pub(crate) fn index(names: &[&str]) -> NetworkIndex {
    names
        .iter()
        .map(|name| network(name, None, r#"{"type":"bridge"}"#))
        .collect()
}

/// The networks of the conformance vectors, and some with faults.
pub(crate) fn networks() -> NetworkIndex {
    let sriov = r#"{"type":"sriov"}"#;
    [
        network("default/foo", Some("example.com/foo"), sriov),
        network("default/foo2", Some("example.com/foo"), sriov),
        network("default/bar", Some("example.com/bar"), sriov),
        network("ns1/foo", Some("example.com/nsfoo"), sriov),
        network("ns1/onlyns1", None, sriov),
        network("default/noannot", None, r#"{"type":"macvlan"}"#),
        network("default/foo.bar", None, r#"{"type":"macvlan"}"#),
        network("default/def", Some("example.com/podns"), sriov),
        network("kube-system/def", Some("example.com/system"), sriov),
        network("kube-system/shared", Some("example.com/foo"), sriov),
        network("default/empty", Some(""), sriov),
        network("default/blanks", Some(" example.com/foo "), sriov),
        network("default/tilde", Some("example.com/a~b"), sriov),
        network("default/bare", Some("sriov_nic_1"), sriov),
        network("default/broken", None, r#"{"plugins":[null]}"#),
        network("default/ofnode", None, ""),
        network(
            "default/static",
            None,
            r#"{"type":"macvlan","capabilities":{"ips":true}}"#,
        ),
        network("default/args", None, r#"{"type":"macvlan","args":5}"#),
    ]
    .into_iter()
    .collect()
}

/// A cluster with these networks.
pub(crate) fn cluster() -> Cluster {
    networks().into()
}

/// A pod with one container `c0` and these annotations.
pub(crate) fn pod(networks: Option<&str>, default_network: Option<&str>) -> Value {
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "annotations": {}},
        "spec": {"containers": [{"name": "c0", "resources": {}}]},
    });
    for (key, text) in [(NETWORKS, networks), (DEFAULT_NETWORK, default_network)] {
        if let Some(text) = text {
            pod["metadata"]["annotations"][key] = json!(text);
        }
    }
    pod
}

pub(crate) fn read(pod: &Value) -> Pod {
    serde_json::from_value(pod.clone()).unwrap()
}

/// The decision about a raw pod in `default`.
pub(crate) fn decide(pod: &Value) -> Result<Plan, Denial> {
    admit(
        &read(pod),
        &namespace("default"),
        &cluster(),
        &Policy::default(),
    )
}
