//! The cluster that is asked about: machines of two zones, on each of them pods that hold devices and CPUs.
//!
//! Of five machines three have room for the pod of the question, one has no device left, and one has its devices in one zone
//! and its CPUs in the other.

use std::{fs, path::Path};

use serde_json::{Value, json};

const DEVICE: &str = "example.com/nic";
const GIB: u64 = 1 << 30;

/// As names are in a cloud.
pub(crate) fn name(node: usize) -> String {
    format!(
        "ip-10-{}-{}-{}.eu-west-3.compute.internal",
        node / 65_536 + 100,
        node / 256 % 256,
        node % 256
    )
}

/// How many pods there are on so many nodes.
pub(crate) fn pods(nodes: usize) -> usize {
    2 * nodes
}

/// Writes its objects, a hundred to a file.
pub(crate) fn write(folder: &Path, nodes: usize) {
    fs::create_dir_all(folder).expect("the folder can be made");
    for first in (0..nodes).step_by(100) {
        let some = first..nodes.min(first + 100);
        let items: Vec<Value> = some
            .flat_map(|node| {
                let bound = (0..2).map(move |zone| pod(node, zone));
                [self::node(node), inventory(node)].into_iter().chain(bound)
            })
            .collect();
        let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
        fs::write(folder.join(format!("{first:05}.json")), list.to_string())
            .expect("the folder can be written");
    }
}

/// How many devices and CPUs the pod in each zone of a node holds, of eight and sixteen.
fn held(node: usize, zone: usize) -> (u64, u64) {
    match (node % 5, zone) {
        (0..=2, _) => (3, 4),
        (3, _) => (8, 4),
        (_, 0) => (8, 4),
        (_, _) => (2, 14),
    }
}

fn node(node: usize) -> Value {
    let amounts = json!({
        "cpu": "32", "memory": (128 * GIB).to_string(), "ephemeral-storage": "200Gi", "pods": "250", DEVICE: "16",
    });
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": name(node), "labels": {
            "kubernetes.io/hostname": name(node), "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux",
            "topology.kubernetes.io/zone": "eu-west-3a", "node.kubernetes.io/instance-type": "m5.metal",
        }},
        "status": {"capacity": amounts, "allocatable": amounts},
    })
}

fn ids(zone: usize) -> Vec<String> {
    (0..8)
        .map(|function| format!("0000:{:02x}:01.{function}", 0x3b + zone * 0x50))
        .collect()
}

fn uid(node: usize, zone: usize) -> String {
    format!("7f2c7d0e-{node:04x}-4c5e-9c1b-{zone:012x}")
}

fn inventory(node: usize) -> Value {
    let zones: Vec<Value> = (0..2)
        .map(|zone| {
            let (devices, cpus) = held(node, zone);
            let list = format!("{}-{}", zone * 16, zone * 16 + 15);
            json!({
                "id": zone, "cpus": list, "exclusiveCPUs": list,
                "distances": [{"zone": zone, "value": 10}, {"zone": 1 - zone, "value": 21}],
                "resources": [
                    {"name": "cpu", "capacity": 16, "allocatable": 16, "available": 16 - cpus},
                    {"name": "memory", "capacity": 64 * GIB, "allocatable": 64 * GIB, "available": 56 * GIB},
                    {"name": DEVICE, "capacity": 8, "allocatable": 8, "available": 8 - devices},
                ],
            })
        })
        .collect();
    let address = |zone: usize| format!("0000:{:02x}:00.0", 0x3b + zone * 0x50);
    let functions: Vec<Value> = (0..2)
        .map(|zone| {
            let (devices, _) = held(node, zone);
            json!({
                "address": address(zone), "interface": format!("ens{zone}f0"), "zone": zone,
                "pcieRoot": format!("pci0000:{zone}0"), "driver": "mlx5_core", "model": "15b3:101d", "linkUp": true,
                "speedMbps": 100_000, "totalVFs": 8, "configuredVFs": 8,
                "resources": [{"name": DEVICE, "capacity": 8, "allocatable": 8, "available": 8 - devices}],
            })
        })
        .collect();
    let groups: Vec<Value> = (0..2)
        .map(|zone| {
            json!({"resource": DEVICE, "zones": [zone], "physicalFunction": address(zone), "ids": ids(zone)})
        })
        .collect();
    let allocations: Vec<Value> = (0..2)
        .map(|zone| {
            let (devices, cpus) = held(node, zone);
            let taken = usize::try_from(devices).expect("few");
            json!({
                "podUID": uid(node, zone), "namespace": "default", "name": format!("worker-{node}-{zone}"),
                "containers": [{
                    "name": "app",
                    "devices": [{"resource": DEVICE, "zones": [zone], "physicalFunction": address(zone), "ids": ids(zone)[..taken]}],
                    "cpus": format!("{}-{}", zone * 16, zone as u64 * 16 + cpus - 1),
                    "memory": [{"resource": "memory", "size": 8 * GIB, "zones": [zone]}],
                }],
            })
        })
        .collect();
    let available: u64 = (0..2).map(|zone| 8 - held(node, zone).0).sum();
    json!({
        "apiVersion": "polypod.dev/v1alpha1", "kind": "NodeInventory", "metadata": {"name": name(node)},
        "epoch": 1_760_000_000_000_000_000_u64, "sequence": 17,
        "topologyManager": {"policy": "single-numa-node", "scope": "container", "memoryManager": "Static"},
        "zones": zones,
        "resources": [{"name": DEVICE, "capacity": 16, "allocatable": 16, "available": available}],
        "physicalFunctions": functions, "devices": groups, "allocations": allocations,
    })
}

fn resources(cpus: u64, devices: u64) -> Value {
    let amounts = json!({"cpu": cpus.to_string(), "memory": "8Gi", DEVICE: devices.to_string()});
    json!({"requests": amounts, "limits": amounts})
}

fn pod(node: usize, zone: usize) -> Value {
    let (devices, cpus) = held(node, zone);
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": format!("worker-{node}-{zone}"), "namespace": "default", "uid": uid(node, zone)},
        "spec": {"nodeName": name(node), "containers": [{"name": "app", "resources": resources(cpus, devices)}]},
        "status": {"phase": "Running", "containerStatuses": [{"name": "app", "containerID": "containerd://1"}]},
    })
}

/// The question about the first so many nodes: a pod of four CPUs and two devices in one zone, with all that a scheduler's
/// copy of a pod has in it.
pub(crate) fn question(names: usize) -> String {
    let volume = |at: usize| json!({"name": format!("v{at}"), "configMap": {"name": format!("settings-{at}"), "defaultMode": 420}});
    let mount = |at: usize| json!({"name": format!("v{at}"), "mountPath": format!("/etc/settings/{at}"), "readOnly": true});
    let variable = |at: usize| json!({"name": format!("VARIABLE_{at}"), "value": "a value of forty letters, as it would be"});
    let container = json!({
        "name": "app", "image": "registry.example.com/team/app:1.2.3", "imagePullPolicy": "IfNotPresent",
        "command": ["/app", "--serve"], "resources": resources(4, 2),
        "env": (0..30).map(variable).collect::<Vec<_>>(),
        "volumeMounts": (0..12).map(mount).collect::<Vec<_>>(),
        "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080, "scheme": "HTTP"}, "periodSeconds": 10, "timeoutSeconds": 1},
        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
    });
    let pod = json!({
        "metadata": {
            "name": "worker-5d8f7c9b6d-x2x7k", "generateName": "worker-5d8f7c9b6d-", "namespace": "default",
            "uid": "0a1b2c3d-1111-4222-8333-444455556666", "resourceVersion": "123456789",
            "creationTimestamp": "2026-01-01T00:00:00Z", "labels": {"app": "worker", "pod-template-hash": "5d8f7c9b6d"},
            "annotations": {"k8s.v1.cni.cncf.io/networks": "sriov-a,sriov-b"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "worker-5d8f7c9b6d",
                "uid": "9a1b2c3d-1111-4222-8333-444455556666", "controller": true, "blockOwnerDeletion": true}],
        },
        "spec": {
            "containers": [container], "volumes": (0..12).map(volume).collect::<Vec<_>>(),
            "restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "serviceAccountName": "default",
            "schedulerName": "default-scheduler", "priority": 0, "enableServiceLinks": true,
            "preemptionPolicy": "PreemptLowerPriority", "securityContext": {},
            "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}],
        },
        "status": {"phase": "Pending", "qosClass": "Guaranteed"},
    });
    let names: Vec<String> = (0..names).map(name).collect();
    json!({"Pod": pod, "Nodes": null, "NodeNames": names}).to_string()
}

/// Fails unless the answer is right.
pub(crate) fn check(verb: &str, names: usize, answer: &[u8]) {
    let answer: Value = serde_json::from_slice(answer).expect("JSON");
    let fitting = (0..names).filter(|node| node % 5 < 3).count();
    let count = |value: &Value| {
        let list = value.as_array().map(Vec::len);
        list.or_else(|| value.as_object().map(serde_json::Map::len))
    };
    if verb == "filter" {
        assert_eq!(answer["Error"], "", "{answer}");
        assert_eq!(count(&answer["NodeNames"]), Some(fitting), "{answer}");
        let refused = &answer["FailedAndUnresolvableNodes"];
        assert_eq!(count(refused), Some(names - fitting), "{answer}");
    } else {
        assert_eq!(count(&answer), Some(names), "{answer}");
        let best = answer.as_array().into_iter().flatten();
        assert!(
            best.map(|node| &node["Score"]).any(|score| *score != 0),
            "{answer}"
        );
    }
}
