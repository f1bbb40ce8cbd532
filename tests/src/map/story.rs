//! The cluster of the book's pictures: an edge site with radio nodes, whose ports and accelerators a device plugin hands out,
//! and training nodes, whose GPUs are had by ResourceClaims (DRA) and whose RDMA ports by networks.

use serde_json::{Value, json};

use super::objects::{network, pod};

/// The driver of the GPUs.
pub(super) const DRIVER: &str = "gpu.nvidia.com";

/// GPUs of a training node: by their PCI addresses, and their PCIe roots, two of each zone.
pub(super) const GPUS: [(&str, &str); 4] = [
    ("0000:17:00.0", "pci0000:15"),
    ("0000:3d:00.0", "pci0000:37"),
    ("0000:97:00.0", "pci0000:95"),
    ("0000:bd:00.0", "pci0000:b7"),
];

/// The node whose GPUs pods share and whose driver says no addresses.
pub(super) const QUIET: &str = "train-3";

/// A port: its address, name, zone, driver, model, speed, resource and how many virtual functions it has.
type Port = (
    &'static str,
    &'static str,
    u32,
    &'static str,
    &'static str,
    u32,
    &'static str,
    usize,
);

const RADIO_PORTS: [Port; 4] = [
    (
        "0000:31:00.0",
        "ens1f0",
        0,
        "ice",
        "8086:159b",
        25_000,
        "intel.com/fronthaul",
        12,
    ),
    (
        "0000:31:00.1",
        "ens1f1",
        0,
        "ice",
        "8086:159b",
        25_000,
        "intel.com/fronthaul",
        12,
    ),
    (
        "0000:b1:00.0",
        "ens2f0",
        1,
        "ice",
        "8086:1592",
        100_000,
        "intel.com/core",
        16,
    ),
    // Forward error correction, which has virtual functions as ports have.
    (
        "0000:4b:00.0",
        "",
        0,
        "igb_uio",
        "8086:0d5c",
        0,
        "intel.com/fec",
        8,
    ),
];

const TRAINING_PORTS: [Port; 3] = [
    (
        "0000:1a:00.0",
        "ens3np0",
        0,
        "mlx5_core",
        "15b3:1021",
        400_000,
        "nvidia.com/rdma",
        8,
    ),
    (
        "0000:9a:00.0",
        "ens4np0",
        1,
        "mlx5_core",
        "15b3:1021",
        400_000,
        "nvidia.com/rdma",
        8,
    ),
    // The port of a DPU.
    (
        "0000:5a:00.0",
        "ens5f0np0",
        0,
        "mlx5_core",
        "15b3:a2dc",
        200_000,
        "nvidia.com/storage",
        4,
    ),
];

/// All objects.
pub(super) fn cluster() -> Vec<Value> {
    let mut objects = vec![
        network("ran", "fronthaul", Some("intel.com/fronthaul"), "sriov"),
        network("ran", "midhaul", None, "macvlan"),
        network("core", "n3", Some("intel.com/core"), "sriov"),
        network("core", "n6", None, "ipvlan"),
        network("ml", "rdma", Some("nvidia.com/rdma"), "sriov"),
        network("ml", "storage", Some("nvidia.com/storage"), "sriov"),
    ];
    for at in 1..=5 {
        objects.extend(radio(at));
    }
    for at in 1..=4 {
        objects.extend(training(at));
    }
    objects.push(pod("core", "upf-9", "", &["n3", "n6"], &[]));
    objects
}

/// The virtual functions of a port.
fn virtual_functions(port: &Port) -> Vec<String> {
    let bus = &port.0[..8];
    let first = if port.0.ends_with(".1") { 0x11 } else { 1 };
    (0..port.7)
        .map(|at| format!("{bus}{:02x}.{}", first + at / 8, at % 8))
        .collect()
}

/// The nth virtual function of a port.
fn device(port: &Port, at: usize) -> String {
    virtual_functions(port).swap_remove(at)
}

fn radio(at: usize) -> Vec<Value> {
    let name = format!("radio-{at}");
    let mut objects = vec![node(&name, true, at == 4)];
    let [first, second, core, fec] = &RADIO_PORTS;
    let mut allocations = Vec::new();
    for unit in 0..2 + at % 3 {
        let (one, other) = (device(first, unit), device(second, unit));
        let unit_name = format!("du-{at}{unit}");
        let got = [
            ("fronthaul", one.as_str()),
            ("fronthaul", other.as_str()),
            ("midhaul", ""),
        ];
        objects.push(pod(
            "ran",
            &unit_name,
            &name,
            &["fronthaul", "fronthaul", "midhaul"],
            &got,
        ));
        allocations.push(allocation(
            "ran",
            &unit_name,
            &[
                held(first, std::slice::from_ref(&one)),
                held(second, std::slice::from_ref(&other)),
                held(fec, &[device(fec, unit)]),
            ],
            &[],
        ));
    }
    let two = [device(core, 0), device(core, 1)];
    let got = [("n3", two[0].as_str()), ("n3", two[1].as_str()), ("n6", "")];
    objects.push(pod(
        "core",
        &format!("upf-{at}"),
        &name,
        &["n3", "n3", "n6"],
        &got,
    ));
    allocations.push(allocation(
        "core",
        &format!("upf-{at}"),
        &[held(core, &two)],
        &[],
    ));
    let accelerators = json!([{"address": fec.0, "zone": fec.2, "model": fec.4}]);
    let mut report = inventory(&name, &RADIO_PORTS, &accelerators, &allocations);
    if at == 5 {
        report["physicalFunctions"][1]["linkUp"] = json!(false);
    }
    objects.push(report);
    objects
}

fn training(at: usize) -> Vec<Value> {
    let name = format!("train-{at}");
    let mut objects = vec![node(&name, at != 4, false)];
    let [first, second, storage] = &TRAINING_PORTS;
    let mut allocations = Vec::new();
    for (rank, port) in [first, second].into_iter().enumerate().take(2 - at / 4) {
        let (rdma, disk) = (device(port, 0), device(storage, rank));
        let pod_name = format!("llm-{at}-rank-{rank}");
        let got = [("rdma", rdma.as_str()), ("storage", disk.as_str())];
        let mut worker = pod("ml", &pod_name, &name, &["rdma", "storage"], &got);
        // Each has the two GPUs of its zone; those of the quiet node share the first.
        let gpus = match (name.as_str(), rank) {
            (QUIET, _) => vec![0],
            (_, rank) => vec![2 * rank, 2 * rank + 1],
        };
        let claim = if name == QUIET {
            "shared-gpu".to_owned()
        } else {
            format!("{pod_name}-gpus")
        };
        worker["spec"]["resourceClaims"] =
            json!([{"name": "gpus", "resourceClaimTemplateName": "gpus-of-a-zone"}]);
        worker["status"]["resourceClaimStatuses"] =
            json!([{"name": "gpus", "resourceClaimName": claim}]);
        let results: Vec<Value> = gpus.iter().map(|gpu| result(&name, *gpu)).collect();
        objects.push(worker);
        objects.push(json!({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim", "metadata": {"namespace": "ml", "name": claim},
            "spec": {}, "status": {"allocation": {"devices": {"results": results}}}}));
        let devices = [
            held(port, std::slice::from_ref(&rdma)),
            held(storage, std::slice::from_ref(&disk)),
        ];
        allocations.push(allocation("ml", &pod_name, &devices, &results));
    }
    if at != 4 {
        let gpus = GPUS.iter().enumerate();
        let accelerators: Vec<Value> = gpus
            .map(|(at, (address, root))| json!({"address": address, "zone": at / 2, "pcieRoot": root, "model": "10de:2330"}))
            .collect();
        objects.push(inventory(
            &name,
            &TRAINING_PORTS,
            &json!(accelerators),
            &allocations,
        ));
    }
    objects.push(slice(&name));
    objects
}

fn result(node: &str, gpu: usize) -> Value {
    json!({"request": "gpu", "driver": DRIVER, "pool": node, "device": format!("gpu-{gpu}")})
}

/// What the driver says of a node's GPUs.
fn slice(node: &str) -> Value {
    let gpus = GPUS.iter().enumerate().map(|(at, (address, root))| {
        let mut device = json!({"name": format!("gpu-{at}"), "attributes": {"productName": {"string": "NVIDIA H100 80GB HBM3"}}});
        if node != QUIET {
            device["attributes"]["resource.kubernetes.io/pciBusID"] = json!({"string": address});
            device["attributes"]["resource.kubernetes.io/pcieRoot"] = json!({"string": root});
        }
        device
    });
    json!({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": {"name": format!("{node}-{DRIVER}")}, "spec": {
        "driver": DRIVER, "nodeName": node, "pool": {"name": node, "generation": 1, "resourceSliceCount": 1},
        "devices": gpus.collect::<Vec<_>>()}})
}

fn node(name: &str, is_ready: bool, is_cordoned: bool) -> Value {
    let ready = if is_ready { "True" } else { "Unknown" };
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": {"unschedulable": is_cordoned}, "status": {
        "conditions": [{"type": "Ready", "status": ready, "message": "Kubelet stopped posting node status.", "lastTransitionTime": "2026-01-05T08:00:00Z"}]}})
}

fn held(port: &Port, ids: &[String]) -> Value {
    json!({"resource": port.6, "zones": [port.2], "physicalFunction": port.0, "ids": ids})
}

fn allocation(namespace: &str, name: &str, devices: &[Value], claimed: &[Value]) -> Value {
    json!({"podUID": format!("{namespace}-{name}"), "namespace": namespace, "name": name,
        "containers": [{"name": "app", "devices": devices, "claimed": claimed}]})
}

fn inventory(name: &str, ports: &[Port], accelerators: &Value, allocations: &[Value]) -> Value {
    let functions: Vec<Value> = ports
        .iter()
        .map(|port| {
            let mut function = json!({"address": port.0, "zone": port.2, "driver": port.3, "model": port.4,
                "totalVFs": 64, "configuredVFs": port.7});
            if !port.1.is_empty() {
                function["interface"] = port.1.into();
                function["linkUp"] = json!(true);
                function["speedMbps"] = port.5.into();
            }
            function
        })
        .collect();
    let devices: Vec<Value> = ports
        .iter()
        .map(|port| held(port, &virtual_functions(port)))
        .collect();
    json!({"apiVersion": "polypod.dev/v1alpha1", "kind": "NodeInventory", "metadata": {"name": name}, "epoch": 1, "sequence": 2,
        "observedAt": "2026-01-05T10:00:00.000000Z", "topologyManager": {"policy": "single-numa-node", "scope": "pod"},
        "zones": [{"id": 0, "cpus": "0-31,64-95"}, {"id": 1, "cpus": "32-63,96-127"}], "physicalFunctions": functions,
        "accelerators": accelerators, "devices": devices, "allocations": allocations, "status": {
        "conditions": [{"type": "Ready", "status": "True", "reason": "Ready", "message": "", "lastTransitionTime": "2026-01-05T08:00:00Z"}],
        "agentVersion": "0.1.0"}})
}
