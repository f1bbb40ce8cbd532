//! Clusters as objects, small and large, each with sums that follow from how it is made.

use serde_json::{Value, json};

/// Physical functions of a node, and virtual functions of each.
pub(super) const FUNCTIONS: usize = 4;
pub(super) const VIRTUAL: usize = 16;

/// The accelerators of a node: one in each zone that is a device as well, and one of which no device is known.
pub(super) const ACCELERATORS: [&str; 3] = ["0000:19:00.0", "0000:d8:00.0", "0000:da:00.0"];

/// How many devices a node has that reports.
pub(super) const DEVICES: usize = FUNCTIONS * VIRTUAL + 2;

/// The pod of a node that holds the accelerator of the first zone.
const HOLDS_ACCELERATOR: usize = 1;

/// The node that nobody reports of, the one whose agent is not ready, and the one that is not ready itself, among ten.
const UNREPORTED: usize = 5;
const DEGRADED: usize = 7;
const DOWN: usize = 8;

/// How many pods a node has that reports.
pub(super) const PODS: usize = 4;

/// A cluster of so many nodes, ten of which are alike to the next ten.
pub(super) fn cluster(nodes: usize) -> Vec<Value> {
    let mut objects = vec![
        network("team-a", "fast", Some("intel.com/sriov"), "sriov"),
        network("team-b", "rdma", Some("nvidia.com/rdma"), "sriov"),
        network("default", "storage", None, "macvlan"),
    ];
    for at in 0..nodes {
        objects.extend(node(at));
    }
    objects.push(pod("team-a", "waiting", "", &["fast"], &[]));
    objects
}

/// How many nodes of so many are so: ready, degraded, unreported, down.
pub(super) fn states(nodes: usize) -> [usize; 4] {
    let of = |place| (0..nodes).filter(|at| at % 10 == place).count();
    let [degraded, unreported, down] = [DEGRADED, UNREPORTED, DOWN].map(of);
    [
        nodes - degraded - unreported - down,
        degraded,
        unreported,
        down,
    ]
}

/// How many nodes of so many report.
pub(super) fn reporting(nodes: usize) -> usize {
    nodes - states(nodes)[2]
}

pub(super) fn network(namespace: &str, name: &str, resource: Option<&str>, kind: &str) -> Value {
    let config = json!({"cniVersion": "1.0.0", "name": name, "type": kind}).to_string();
    let mut object = json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
        "metadata": {"namespace": namespace, "name": name}, "spec": {"config": config}});
    if let Some(resource) = resource {
        object["metadata"]["annotations"] = json!({"k8s.v1.cni.cncf.io/resourceName": resource});
    }
    object
}

/// A pod on a node with networks: those it asks for, and what it got of which device.
pub(super) fn pod(
    namespace: &str,
    name: &str,
    node: &str,
    wanted: &[&str],
    got: &[(&str, &str)],
) -> Value {
    let mut statuses = vec![
        json!({"name": "cbr0", "interface": "eth0", "ips": ["10.244.0.9"], "default": true, "dns": {}}),
    ];
    for (at, (network, device)) in got.iter().enumerate() {
        let mut status = json!({"name": format!("{namespace}/{network}"), "interface": format!("net{}", at + 1),
            "ips": [format!("192.168.7.{}", at + 1)], "mac": format!("02:00:00:00:00:0{}", at + 1), "dns": {}});
        if !device.is_empty() {
            status["device-info"] =
                json!({"type": "pci", "version": "1.1.0", "pci": {"pci-address": device}});
        }
        statuses.push(status);
    }
    let mut annotations = json!({"k8s.v1.cni.cncf.io/networks": wanted.join(",")});
    if !got.is_empty() {
        annotations["k8s.v1.cni.cncf.io/network-status"] = json!(statuses).to_string().into();
    }
    let phase = if node.is_empty() {
        "Pending"
    } else {
        "Running"
    };
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": namespace, "name": name, "uid": format!("{namespace}-{name}"),
        "annotations": annotations}, "spec": {"nodeName": node, "containers": [{"name": "app"}]}, "status": {"phase": phase}})
}

/// The address of a physical function, and of one of its virtual functions.
fn address(function: usize, device: usize) -> String {
    format!(
        "0000:{:02x}:{:02x}.{}",
        0x3b + 0x20 * function,
        device / 8,
        device % 8
    )
}

fn node(at: usize) -> Vec<Value> {
    let name = format!("worker-{}", at + 1);
    let place = at % 10;
    let ready = if place == DOWN { "Unknown" } else { "True" };
    let mut objects = vec![
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": {"unschedulable": place == 4}, "status": {
            "conditions": [{"type": "Ready", "status": ready, "message": "Kubelet stopped posting node status.", "lastTransitionTime": "2026-01-05T08:00:00Z"}]}}),
    ];
    if place == UNREPORTED {
        return objects;
    }
    let mut allocations = Vec::new();
    for at in 0..PODS {
        let function = at % FUNCTIONS;
        let (namespace, network, resource) = of_function(function);
        let pod_name = format!(
            "{}-{}-{at}",
            if namespace == "team-a" {
                "dpdk"
            } else {
                "train"
            },
            name
        );
        let held: Vec<String> = (1..=at + place % 3 + 1)
            .map(|device| address(function, device))
            .collect();
        let got: Vec<(&str, &str)> = held
            .iter()
            .map(|device| (network, device.as_str()))
            .collect();
        objects.push(pod(
            namespace,
            &pod_name,
            &name,
            &vec![network; held.len()],
            &got,
        ));
        let mut devices = vec![
            json!({"resource": resource, "zones": [function / 2], "physicalFunction": address(function, 0), "ids": held}),
        ];
        if at == HOLDS_ACCELERATOR {
            devices
                .push(json!({"resource": "amd.com/gpu", "zones": [0], "ids": [ACCELERATORS[0]]}));
        }
        allocations.push(json!({"podUID": format!("{namespace}-{pod_name}"), "namespace": namespace, "name": pod_name,
            "containers": [{"name": "app", "devices": devices}]}));
    }
    objects.push(inventory(&name, place != DEGRADED, &allocations));
    objects
}

/// The namespace, the network and the resource of a physical function.
fn of_function(function: usize) -> (&'static str, &'static str, &'static str) {
    if function.is_multiple_of(2) {
        ("team-a", "fast", "intel.com/sriov")
    } else {
        ("team-b", "rdma", "nvidia.com/rdma")
    }
}

fn inventory(name: &str, is_ready: bool, allocations: &[Value]) -> Value {
    let functions: Vec<Value> = (0..FUNCTIONS)
        .map(|at| {
            json!({"address": address(at, 0), "interface": format!("ens{}f{}np{}", at / 2 + 1, at % 2, at % 2), "zone": at / 2,
                "driver": if at.is_multiple_of(2) { "ice" } else { "mlx5_core" }, "model": if at.is_multiple_of(2) { "8086:159b" } else { "15b3:101d" },
                "linkUp": true, "speedMbps": 100_000, "totalVFs": 64, "configuredVFs": if at == 3 { VIRTUAL + 2 } else { VIRTUAL }})
        })
        .collect();
    let mut devices: Vec<Value> = (0..FUNCTIONS)
        .map(|at| {
            let ids: Vec<String> = (1..=VIRTUAL).map(|device| address(at, device)).collect();
            json!({"resource": of_function(at).2, "zones": [at / 2], "physicalFunction": address(at, 0), "ids": ids})
        })
        .collect();
    for (zone, id) in ACCELERATORS.iter().enumerate().take(2) {
        devices.push(json!({"resource": "amd.com/gpu", "zones": [zone], "physicalFunction": id, "ids": [id]}));
    }
    let accelerators: Vec<Value> = ACCELERATORS
        .iter()
        .enumerate()
        .map(|(at, address)| json!({"address": address, "zone": at.min(1), "model": if at < 2 { "1002:740f" } else { "1da3:1020" }}))
        .collect();
    let condition = if is_ready {
        json!({"type": "Ready", "status": "True", "reason": "Ready", "message": "", "lastTransitionTime": "2026-01-05T08:00:00Z"})
    } else {
        json!({"type": "Ready", "status": "False", "reason": "NotFirst", "message": "/etc/cni/net.d/00-other.conflist sorts before ours",
            "lastTransitionTime": "2026-01-05T09:00:00Z"})
    };
    json!({"apiVersion": "polypod.dev/v1alpha1", "kind": "NodeInventory", "metadata": {"name": name}, "epoch": 1, "sequence": 2,
        "observedAt": "2026-01-05T10:00:00.000000Z", "topologyManager": {"policy": "single-numa-node", "scope": "container"},
        "zones": [{"id": 0, "cpus": "0-31,64-95"}, {"id": 1, "cpus": "32-63,96-127"}], "physicalFunctions": functions,
        "accelerators": accelerators, "devices": devices, "allocations": allocations, "status": {"conditions": [condition], "agentVersion": "0.1.0"}})
}

/// One document of JSON.
pub(super) fn list(objects: &[Value]) -> String {
    json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string()
}
