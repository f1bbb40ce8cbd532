//! What the schemas of the CustomResourceDefinitions take and refuse.

use serde_json::{Value, json};

use crate::{
    fixture::{applied::Kinds, control_plane::ControlPlane},
    manifests::objects::{manifests, read},
};

const CRDS: [&str; 3] = [
    "network-attachment-definitions",
    "node-inventories",
    "node-resource-topologies",
];

pub(super) fn custom_resources_are_judged() {
    let plane = ControlPlane::start();
    let kinds = Kinds::default();
    for crd in CRDS.map(|file| read(&manifests(&format!("crds/{file}.yaml"))).remove(0)) {
        kinds.apply(&plane, &crd);
    }
    let judge = Judge { plane, kinds };
    network_attachment_definitions(&judge);
    node_inventories(&judge);
    reports_only_grow(&judge);
    statuses_are_apart_from_reports(&judge);
    node_resource_topologies(&judge);
    names(&judge.plane);
}

struct Judge {
    plane: ControlPlane,
    kinds: Kinds,
}

impl Judge {
    /// What the API server says of an object that it need not keep: its status, and its words.
    fn asks(&self, object: &Value) -> (u16, String) {
        let path = self.kinds.path_of(&self.plane, object);
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let all = path.strip_suffix(name).unwrap_or(&path);
        let all = all.trim_end_matches('/');
        let url = format!("{all}?dryRun=All&fieldValidation=Strict");
        let reply = self.plane.ask("POST", &url, object);
        let words = reply.body["message"].as_str().unwrap_or_default();
        (reply.status, words.to_owned())
    }

    fn takes(&self, object: &Value) {
        let (status, words) = self.asks(object);
        assert_eq!(status, 201, "{words}: {object}");
    }

    /// Refuses it, and names the field.
    fn refuses(&self, object: &Value, field: &str) {
        let (status, words) = self.asks(object);
        assert!(matches!(status, 400 | 422), "{status} {words}: {object}");
        assert!(words.contains(field), "{field:?}: {words}: {object}");
    }
}

/// The same object with another value at a path, which may be a new one; null removes it.
fn with(object: &Value, path: &str, value: Value) -> Value {
    let mut object = object.clone();
    let (parent, key) = path.rsplit_once('/').expect("a path begins with a slash");
    let parent = object.pointer_mut(parent);
    let parent = parent.unwrap_or_else(|| panic!("there is no {path}"));
    match parent {
        Value::Object(map) if value.is_null() => drop(map.remove(key)),
        Value::Object(map) => drop(map.insert(key.to_owned(), value)),
        _ => *parent.pointer_mut(&format!("/{key}")).expect("it is there") = value,
    }
    object
}

fn network_attachment_definitions(judge: &Judge) {
    let network = json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
        "metadata": {"name": "n"}, "spec": {"config": "{}"}});
    judge.takes(&network);
    for (path, value) in [
        // The specification requires nothing: without spec.config the node's files are meant.
        ("/spec", Value::Null),
        ("/spec/config", Value::Null),
        ("/spec/config", json!("")),
        (
            "/metadata/annotations",
            json!({"k8s.v1.cni.cncf.io/resourceName": "intel.com/sriov"}),
        ),
    ] {
        judge.takes(&with(&network, path, value));
    }
    for (path, value, field) in [
        ("/spec", json!("{}"), "spec"),
        ("/spec", json!([]), "spec"),
        ("/spec/config", json!({"type": "bridge"}), "spec.config"),
        ("/spec/config", json!(7), "spec.config"),
        ("/spec/config", json!(["{}"]), "spec.config"),
        ("/spec/conf", json!("{}"), "spec.conf"),
        ("/status", json!({}), "status"),
        ("/metadata/name", json!("A_b"), "metadata.name"),
        ("/metadata/annotations", json!({"a": 1}), "annotations"),
    ] {
        judge.refuses(&with(&network, path, value), field);
    }
}

fn inventory() -> Value {
    let amounts =
        json!({"name": "intel.com/sriov", "capacity": 4, "allocatable": 3, "available": 2});
    let devices = json!({"resource": "intel.com/sriov", "zones": [0], "physicalFunction": "0000:3b:00.0", "ids": ["0000:3b:02.0"]});
    json!({"apiVersion": "polypod.dev/v1alpha1", "kind": "NodeInventory", "metadata": {"name": "node-1"},
        "epoch": 7, "sequence": 3, "observedAt": "2026-01-02T03:04:05Z",
        "topologyManager": {"policy": "single-numa-node", "scope": "pod", "memoryManager": "Static", "maxNUMANodes": 8},
        "zones": [{"id": 0, "cpus": "0-3", "exclusiveCPUs": "2-3", "distances": [{"zone": 0, "value": 10}], "resources": [amounts]}],
        "resources": [amounts],
        "physicalFunctions": [{"address": "0000:3b:00.0", "interface": "ens1f0", "zone": 0, "linkUp": true, "rdma": ["mlx5_0"],
            "totalVFs": 8, "configuredVFs": 4, "resources": [amounts]}],
        "accelerators": [{"address": "0000:5e:00.0", "zone": 0}],
        "devices": [devices],
        "allocations": [{"podUID": "u", "namespace": "default", "name": "p", "containers": [{"name": "app",
            "devices": [devices], "cpus": "2", "memory": [{"resource": "memory", "size": 4096, "zones": [0]}],
            "claimed": [{"driver": "d", "pool": "p", "device": "v", "shareID": "s"}]}]}]})
}

fn node_inventories(judge: &Judge) {
    let whole = inventory();
    judge.takes(&whole);
    judge.takes(
        &json!({"apiVersion": "polypod.dev/v1alpha1", "kind": "NodeInventory", "metadata": {"name": "node-1"},
        "epoch": 0, "sequence": 0, "topologyManager": {"policy": "none", "scope": "container"}}),
    );
    judge.takes(&with(&whole, "/allocations/0/podUID", Value::Null));
    for (path, value, field) in [
        ("/epoch", Value::Null, "epoch"),
        ("/sequence", Value::Null, "sequence"),
        ("/epoch", json!(-1), "epoch"),
        ("/sequence", json!("3"), "sequence"),
        ("/sequence", json!(1.5), "sequence"),
        ("/observedAt", json!("yesterday"), "observedAt"),
        ("/topologyManager", Value::Null, "topologyManager"),
        (
            "/topologyManager/policy",
            json!("numa"),
            "topologyManager.policy",
        ),
        (
            "/topologyManager/scope",
            json!("node"),
            "topologyManager.scope",
        ),
        (
            "/topologyManager/scope",
            Value::Null,
            "topologyManager.scope",
        ),
        (
            "/topologyManager/memoryManager",
            json!("static"),
            "memoryManager",
        ),
        ("/zones/0/id", Value::Null, "zones[0].id"),
        ("/zones/0/id", json!(-1), "zones[0].id"),
        ("/zones/0/distances/0/value", Value::Null, "value"),
        ("/zones/0/resources/0/available", json!(-1), "available"),
        ("/zones/0/resources/0/available", json!(4), "available"),
        ("/resources/0/allocatable", json!(5), "allocatable"),
        ("/resources/0/capacity", json!("4"), "capacity"),
        ("/resources/0/name", Value::Null, "name"),
        ("/physicalFunctions/0/address", Value::Null, "address"),
        ("/physicalFunctions/0/totalVFs", Value::Null, "totalVFs"),
        ("/physicalFunctions/0/linkUp", json!("yes"), "linkUp"),
        (
            "/physicalFunctions/0/resources/0/available",
            json!(9),
            "available",
        ),
        ("/accelerators/0/address", Value::Null, "address"),
        ("/devices/0/ids", json!("0000:3b:02.0"), "devices[0].ids"),
        ("/devices/0/resource", Value::Null, "resource"),
        ("/allocations/0/containers", Value::Null, "containers"),
        ("/allocations/0/containers/0/name", Value::Null, "name"),
        (
            "/allocations/0/containers/0/memory/0/size",
            json!(-1),
            "size",
        ),
        (
            "/allocations/0/containers/0/claimed/0/pool",
            Value::Null,
            "pool",
        ),
        ("/spec", json!({}), "spec"),
        ("/zones/0/resource", json!([]), "resource"),
    ] {
        judge.refuses(&with(&whole, path, value), field);
    }
}

/// A report that was on its way for long does not take the place of its successor.
fn reports_only_grow(judge: &Judge) {
    let stored = inventory();
    judge.kinds.apply(&judge.plane, &stored);
    let path = judge.kinds.path_of(&judge.plane, &stored);
    let change = |epoch: u64, sequence: u64| {
        let change = json!({"epoch": epoch, "sequence": sequence});
        judge.plane.ask("PATCH", &path, &change)
    };
    for (epoch, sequence) in [(7, 3), (7, 4), (8, 0)] {
        let reply = change(epoch, sequence);
        assert_eq!(reply.status, 200, "{epoch}.{sequence}: {}", reply.body);
    }
    for (epoch, sequence) in [(7, 9), (6, 1)] {
        let reply = change(epoch, sequence);
        assert_eq!(reply.status, 422, "{epoch}.{sequence}: {}", reply.body);
        assert!(reply.body.to_string().contains("epoch"), "{}", reply.body);
    }
}

/// A status is written by itself, in whatever shape conditions have, and a report neither has nor changes one.
fn statuses_are_apart_from_reports(judge: &Judge) {
    let mut report = inventory();
    report["metadata"]["name"] = json!("node-2");
    report["status"] = json!({"agentVersion": "of a report"});
    judge.kinds.apply(&judge.plane, &report);
    let path = judge.kinds.path_of(&judge.plane, &report);
    let found = judge.plane.ask("GET", &path, &Value::Null).body;
    assert_eq!(found["status"], Value::Null, "{found}");
    let at = format!("{path}/status?fieldValidation=Strict");
    let write = |status: &Value| judge.plane.ask("PATCH", &at, &json!({"status": status}));
    let condition = |status: &str, second: u8| {
        json!({"type": "Ready", "status": status, "reason": "Ready", "message": "",
            "lastTransitionTime": format!("2026-01-02T03:04:0{second}Z")})
    };
    let whole = json!({"conditions": [condition("True", 1)], "agentVersion": "0.1.0",
        "pluginVersion": "0.1.0", "runtimeConfiguration": "00-polypod.conflist"});
    let written = write(&whole);
    assert_eq!(written.status, 200, "{}", written.body);
    assert_eq!(written.body["status"], whole);

    for (key, value, field) in [
        ("status", json!("true"), "status"),
        ("status", Value::Null, "status"),
        ("reason", json!("two words"), "reason"),
        ("reason", json!(""), "reason"),
        ("type", json!("two words"), "type"),
        (
            "lastTransitionTime",
            json!("yesterday"),
            "lastTransitionTime",
        ),
        (
            "lastTransitionTime",
            json!("2026-01-02T03:04:09Z"),
            "keeps its lastTransitionTime",
        ),
        ("observedGeneration", json!(-1), "observedGeneration"),
        ("severity", json!("high"), "severity"),
    ] {
        let mut condition = condition("True", 1);
        condition[key] = value;
        let reply = write(&json!({"conditions": [condition]}));
        assert!(matches!(reply.status, 400 | 422), "{key}: {}", reply.body);
        assert!(
            reply.body.to_string().contains(field),
            "{field}: {}",
            reply.body
        );
    }
    let twice = write(&json!({"conditions": [condition("True", 1), condition("True", 1)]}));
    assert_eq!(twice.status, 422, "{}", twice.body);
    for key in ["agentVersion", "pluginVersion", "runtimeConfiguration"] {
        let reply = write(&json!({key: "x".repeat(256)}));
        assert_eq!(reply.status, 422, "{key}: {}", reply.body);
    }
    // Another status, another time; and the rule about reports is no rule about these.
    for (status, second) in [("False", 2), ("Unknown", 3), ("True", 4)] {
        let reply = write(&json!({"conditions": [condition(status, second)]}));
        assert_eq!(reply.status, 200, "{}", reply.body);
    }
    let reply = judge.plane.ask(
        "PATCH",
        &at,
        &json!({"sequence": 1, "status": {"agentVersion": "0.2.0"}}),
    );
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(
        reply.body["sequence"], report["sequence"],
        "a status changes no report"
    );
    let next = json!({"sequence": 9, "status": {"agentVersion": "of a report"}});
    let reply = judge.plane.ask("PATCH", &path, &next);
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(reply.body["status"]["agentVersion"], "0.2.0");
    assert_eq!(
        judge
            .plane
            .ask("PATCH", &path, &json!({"sequence": 8}))
            .status,
        422
    );
}

fn node_resource_topologies(judge: &Judge) {
    let resource =
        json!({"name": "intel.com/sriov", "capacity": "4", "allocatable": 4, "available": "1500m"});
    let topology = json!({"apiVersion": "topology.node.k8s.io/v1alpha2", "kind": "NodeResourceTopology",
        "metadata": {"name": "node-1"}, "topologyPolicies": ["SingleNUMANodePodLevel"],
        "attributes": [{"name": "topologyManagerPolicy", "value": "single-numa-node"}],
        "zones": [{"name": "node-0", "type": "Node", "parent": "socket-0", "costs": [{"name": "node-0", "value": 10}],
            "attributes": [{"name": "a", "value": "b"}], "resources": [resource]}]});
    judge.takes(&topology);
    judge.takes(&with(&topology, "/zones", json!([])));
    judge.takes(&with(
        &topology,
        "/zones/0/resources/0/capacity",
        json!("64Gi"),
    ));
    for (path, value, field) in [
        ("/zones", Value::Null, "zones"),
        ("/zones/0/name", Value::Null, "zones[0].name"),
        ("/zones/0/type", Value::Null, "zones[0].type"),
        ("/zones/0/costs/0/value", json!("10"), "value"),
        ("/zones/0/costs/0/name", Value::Null, "name"),
        ("/zones/0/resources/0/capacity", json!("4x"), "capacity"),
        ("/zones/0/resources/0/capacity", json!(true), "capacity"),
        ("/zones/0/resources/0/available", Value::Null, "available"),
        ("/attributes/0/value", Value::Null, "value"),
        ("/attributes/0/value", json!(1), "value"),
        ("/topologyPolicies", json!("none"), "topologyPolicies"),
        ("/zones/0/kind", json!("Node"), "kind"),
    ] {
        judge.refuses(&with(&topology, path, value), field);
    }
}

/// How people call them.
fn names(plane: &ControlPlane) {
    for (version, plural, short, is_namespaced) in [
        ("k8s.cni.cncf.io/v1", CRDS[0], "net-attach-def", true),
        ("polypod.dev/v1alpha1", "nodeinventories", "nodeinv", false),
        (
            "topology.node.k8s.io/v1alpha2",
            "noderesourcetopologies",
            "node-res-topo",
            false,
        ),
    ] {
        let known = plane.ask("GET", &format!("/apis/{version}"), &Value::Null);
        let resources = known.body["resources"].as_array().cloned();
        let resources = resources.unwrap_or_default();
        let of_plural = |resource: &&Value| resource["name"] == plural;
        let found = resources.iter().find(of_plural);
        let found = found.unwrap_or_else(|| panic!("{plural}: {}", known.body));
        assert_eq!(found["namespaced"], is_namespaced, "{found}");
        let short_names = found["shortNames"].as_array().cloned().unwrap_or_default();
        assert!(short_names.contains(&json!(short)), "{found}");
    }
}
