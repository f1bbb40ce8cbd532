//! Nodes, NodeResourceTopologies and pods, written in a line.

use serde_json::{Map, Value, json};

/// The name of a resource from the word that stands for it in the tables.
fn resource(word: &str) -> &str {
    match word {
        "mem" => "memory",
        "hp" => "hugepages-2Mi",
        "ephemeral" => "ephemeral-storage",
        "nic" => "vendor.com/nic",
        "old-nic" => "vendor.com/old-nic",
        "missing-nic" => "vendor.com/missing-nic",
        "ext" => "extended.com/resource",
        other => other,
    }
}

/// `cpu=2 mem=4Gi` as amounts.
fn amounts(text: &str) -> Vec<(&str, &str)> {
    text.split_whitespace()
        .map(|part| {
            let (word, amount) = part.split_once('=').expect("WORD=AMOUNT");
            (resource(word), amount)
        })
        .collect()
}

/// A node's NodeResourceTopology: its policy, scope, and the zones by name.
pub(super) fn topology(name: &str, policy: &str, scope: &str, zones: &[(&str, &str)]) -> Value {
    let zone = |(name, has): &(&str, &str)| {
        let resource = |(name, amount): (&str, &str)| json!({"name": name, "capacity": amount, "allocatable": amount, "available": amount});
        let resources: Vec<Value> = amounts(has).into_iter().map(resource).collect();
        json!({"name": name, "type": "Node", "resources": resources})
    };
    json!({
        "apiVersion": "topology.node.k8s.io/v1alpha2", "kind": "NodeResourceTopology",
        "metadata": {"name": name},
        "attributes": [
            {"name": "topologyManagerPolicy", "value": policy},
            {"name": "topologyManagerScope", "value": scope},
        ],
        "zones": zones.iter().map(zone).collect::<Vec<_>>(),
    })
}

/// A Node.
pub(super) fn node(name: &str, allocatable: &str) -> Value {
    let allocatable: Map<String, Value> = amounts(allocatable)
        .into_iter()
        .map(|(name, amount)| (name.to_owned(), json!(amount)))
        .collect();
    json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
        "status": {"capacity": allocatable, "allocatable": allocatable},
    })
}

/// A pod. A container is `cpu=2 mem=2Gi`, which is requested and limited; `cpu=2/4` requests less than the limit, `cpu=2/`
/// has no limit. `init ` before it makes it an init container, `sidecar ` one that keeps running.
pub(super) fn pod(uid: &str, containers: &[&str]) -> Value {
    let (mut first, mut apps) = (Vec::new(), Vec::new());
    for (at, text) in containers.iter().enumerate() {
        let (part, text) = ["init", "sidecar"]
            .into_iter()
            .find_map(|part| Some((part, text.strip_prefix(part)?)))
            .unwrap_or(("app", text));
        let (mut requests, mut limits) = (Map::new(), Map::new());
        for (name, amount) in amounts(text) {
            let (request, limit) = amount.split_once('/').unwrap_or((amount, amount));
            requests.insert(name.to_owned(), json!(request));
            if !limit.is_empty() {
                limits.insert(name.to_owned(), json!(limit));
            }
        }
        let mut container = json!({
            "name": format!("c{at}"), "image": "busybox", "resources": {"requests": requests, "limits": limits},
        });
        if part == "sidecar" {
            container["restartPolicy"] = json!("Always");
        }
        if part == "app" { &mut apps } else { &mut first }.push(container);
    }
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": format!("pod-{uid}"), "namespace": "default", "uid": uid},
        "spec": {"initContainers": first, "containers": apps},
    })
}
