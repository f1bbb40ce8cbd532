//! Networks and pods for the tests: those of the conformance vectors.

use api::{network::Network, pod::Pod};
use serde_json::{Value, json};
use spec::network::{
    DEFAULT_NETWORK, NETWORKS, NODE_SELECTOR, Namespace, NetworkRef, RESOURCE_NAME,
};

use crate::{Cluster, Denial, NetworkIndex, Plan, Policy, admit, patched, review_final};

/// Another annotation that names a resource, where the administrator says so.
pub(crate) const BRIDGE_NAME: &str = "k8s.v1.cni.cncf.io/bridgeName";

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

/// A network with these annotations.
pub(crate) fn annotated(text: &str, annotations: Value) -> Network {
    let reference = reference(text);
    let object = json!({
        "apiVersion": "k8s.cni.cncf.io/v1",
        "kind": "NetworkAttachmentDefinition",
        "metadata": {"name": reference.name, "namespace": reference.namespace, "annotations": annotations},
        "spec": {"config": r#"{"type":"sriov"}"#},
    });
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
        annotated(
            "default/twokeys",
            json!({RESOURCE_NAME: "example.com/foo", BRIDGE_NAME: "ovs/br1"}),
        ),
        annotated("default/keybad", json!({BRIDGE_NAME: "ovs/br 1"})),
        annotated("default/keyempty", json!({BRIDGE_NAME: ""})),
        annotated("default/eno3", json!({NODE_SELECTOR: " master = eno3 "})),
        annotated("default/eno3b", json!({NODE_SELECTOR: "master=eno3,gpu"})),
        annotated("default/eno4", json!({NODE_SELECTOR: "master=eno4"})),
        annotated("default/gpu", json!({NODE_SELECTOR: "gpu"})),
        annotated(
            "default/labels",
            json!({NODE_SELECTOR: "a=b,example.com/c=d"}),
        ),
        annotated("default/labelbad", json!({NODE_SELECTOR: "a=b=c"})),
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

/// A pod that selects these networks, with more annotations and this `spec`.
pub(crate) fn pod_with(networks: &str, annotations: &[(&str, &str)], spec: Value) -> Value {
    let mut pod = pod(Some(networks), None);
    for (key, text) in annotations {
        pod["metadata"]["annotations"][key] = json!(text);
    }
    pod["spec"] = spec;
    pod
}

/// The decision about a raw pod in `default`.
pub(crate) fn decide(pod: &Value) -> Result<Plan, Denial> {
    decide_by(pod, &Policy::default())
}

/// The decision about a raw pod in `default` by a policy.
pub(crate) fn decide_by(pod: &Value, policy: &Policy) -> Result<Plan, Denial> {
    admit(&read(pod), &namespace("default"), &cluster(), policy)
}

/// The decision about a raw pod in `default` that is about to be stored.
pub(crate) fn review_by(pod: &Value, policy: &Policy) -> Result<Plan, Denial> {
    review_final(&read(pod), &namespace("default"), &cluster(), policy)
}

/// A raw pod of `default` as the mutating hook gives it back, and the operations of its patch. It is a pod that the
/// validating hook lets in, and that the mutating one has nothing to add to.
pub(crate) fn patched_by(pod: &Value, policy: &Policy) -> (Value, Vec<String>) {
    let patched = |pod: Value| patched(pod, &namespace("default"), &cluster(), policy);
    let first = patched(pod.clone()).unwrap_or_else(|refusal| panic!("{pod}: {refusal}"));
    let again = patched(first.object.clone()).unwrap();
    assert_eq!(again.patch.0, [], "{pod}: added twice");
    if let Err(denial) = review_by(&first.object, policy) {
        panic!("{}: {denial}", first.object);
    }
    let operations = first.patch.iter();
    let texts = operations.map(|operation| serde_json::to_string(operation).unwrap());
    (first.object, texts.collect())
}

/// A policy, as it is configured.
pub(crate) fn policy(fields: Value) -> Policy {
    serde_json::from_value(fields).unwrap()
}
