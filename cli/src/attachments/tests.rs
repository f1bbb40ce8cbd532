use api::{
    network_attachment_definition::NetworkAttachmentDefinition, node_inventory::NodeInventory,
};
use serde::Deserialize as _;
use serde_json::{Value, json};

use super::*;

fn pod(networks: &str, status: &Value, started: bool) -> Pod {
    let phase = if started { "Running" } else { "Pending" };
    let mut pod = json!({
        "metadata": {"name": "upf", "namespace": "telco", "uid": "u1",
            "annotations": {NETWORKS: networks, NETWORK_STATUS: status.to_string()}},
        "spec": {"nodeName": "n1"},
        "status": {"phase": phase, "startTime": "2026-01-01T00:00:01Z"},
    });
    if status.is_null() {
        pod["metadata"]["annotations"] = json!({NETWORKS: networks});
    }
    Pod::deserialize(&pod).unwrap()
}

fn event(reason: &str, uid: &str, message: &str, second: u32) -> Told {
    let at = format!("2026-01-01T00:00:{second:02}Z");
    Told::of(&json!({"reason": reason, "message": message, "firstTimestamp": "2026-01-01T00:00:05Z", "lastTimestamp": at,
        "involvedObject": {"kind": "Pod", "namespace": "telco", "name": "upf", "uid": uid}}))
    .unwrap()
}

fn network() -> Network {
    let object = json!({"metadata": {"namespace": "telco", "name": "left", "annotations": {
        "k8s.v1.cni.cncf.io/resourceName": "a.b/vf"}},
        "spec": {"config": r#"{"cniVersion":"1.0.0","name":"l","plugins":[{"type":"sriov"},{"type":"tuning"}]}"#}});
    Network::parse(
        &NetworkAttachmentDefinition::deserialize(&object).unwrap(),
        "default",
    )
    .unwrap()
}

fn inventory() -> Inventory {
    let report: NodeInventory = serde_json::from_value(json!({"metadata": {"name": "n1"},
        "physicalFunctions": [{"address": "0000:3b:00.0", "interface": "ens1f0", "zone": 1}],
        "devices": [{"resource": "a.b/vf", "zones": [1], "physicalFunction": "0000:3b:00.0", "ids": ["0000:3b:02.1"]},
            {"resource": "a.b/whole", "ids": ["0000:3b:00.0"]}],
        "allocations": [{"podUID": "u1", "namespace": "telco", "name": "upf", "containers": [{"name": "app", "devices": [
            {"resource": "a.b/sick", "zones": [0], "ids": ["0000:5e:02.1"]}]}]}],
    }))
    .unwrap();
    report.inventory
}

fn found(pod: &Pod, told: &[Told]) -> Vec<Attachment> {
    let (network, inventory) = (network(), inventory());
    let by_name = |name: &str| Some(&network).filter(|_| name == "telco/left");
    // The closure borrows, and the trait object's lifetime is that of what it gives back.
    attachments(
        pod,
        &Known {
            network: &by_name,
            inventory: Some(&inventory),
            told,
        },
    )
}

fn status(interface: &str, device: &str) -> Value {
    json!({"name": "telco/left", "interface": interface, "ips": ["10.0.0.2"], "mac": "02:00:00:00:00:01", "mtu": 9000,
        "device-info": {"type": "pci", "version": "1.1.0", "pci": {"pci-address": device}}})
}

#[test]
fn everything_about_an_attachment_is_joined() {
    let statuses = json!([{"name": "cluster", "interface": "eth0", "ips": ["10.1.0.9"], "default": true},
        status("net1", "0000:3b:02.1")]);
    let told = [
        event(
            "AddedInterface",
            "u1",
            "Add net1 [10.0.0.2/24] from telco/left",
            9,
        ),
        event(
            "AddedInterface",
            "u0",
            "Add net1 [10.0.0.2/24] from telco/left",
            50,
        ),
        event(
            "AddedInterface",
            "u1",
            "Add net10 [10.0.0.3/24] from telco/left",
            40,
        ),
    ];
    let found = found(&pod("left", &statuses, true), &told);
    assert_eq!(found.len(), 2);
    assert!(found[0].is_default && found[0].attached_at.is_none() && found[0].device.is_none());
    assert_eq!(
        serde_json::to_value(&found[1]).unwrap(),
        json!({"namespace": "telco", "pod": "upf", "node": "n1", "network": "telco/left", "interface": "net1",
            "isDefault": false, "addresses": ["10.0.0.2"], "mac": "02:00:00:00:00:01", "mtu": 9000,
            "device": "0000:3b:02.1", "resource": "a.b/vf", "numaNodes": [1], "physicalFunction": "0000:3b:00.0",
            "physicalInterface": "ens1f0", "delegates": ["sriov", "tuning"], "attachedAt": "2026-01-01T00:00:09Z",
            "state": "Attached"})
    );
}

#[test]
fn devices_are_found_wherever_they_are_told_of() {
    for (device, resource, zones, interface) in [
        ("0000:3b:02.1", "a.b/vf", vec![1], Some("ens1f0")),
        // A whole function, aligned with nothing: its own zone.
        ("0000:3b:00.0", "a.b/whole", vec![1], Some("ens1f0")),
        // Unhealthy and held by the pod.
        ("0000:5e:02.1", "a.b/sick", vec![0], None),
        // Nobody reports it; the network says what it takes.
        ("0000:ff:02.1", "a.b/vf", vec![], None),
    ] {
        let found = found(&pod("left", &json!([status("net1", device)]), true), &[]);
        assert_eq!(found[0].resource.as_deref(), Some(resource), "{device}");
        assert_eq!(found[0].numa_nodes, zones, "{device}");
        assert_eq!(
            found[0].physical_interface.as_deref(),
            interface,
            "{device}"
        );
    }
}

#[test]
fn what_is_asked_for_and_not_there_is_told() {
    let warned = [event(
        "FailedCreatePodSandBox",
        "u1",
        "plugin sriov failed: no VF",
        30,
    )];
    let one = json!([status("net1", "0000:3b:02.1")]);
    for (networks, status, started, told, wanted) in [
        ("left", &Value::Null, false, &[][..], vec![State::Awaited]),
        ("left", &Value::Null, false, &warned, vec![State::Failing]),
        ("left", &Value::Null, true, &[], vec![State::Missing]),
        ("left", &one, true, &[], vec![State::Attached]),
        (
            "left,left",
            &one,
            true,
            &[],
            vec![State::Attached, State::Missing],
        ),
        (
            "left@data",
            &one,
            true,
            &[],
            vec![State::Attached, State::Missing],
        ),
        (
            "left@net1,other",
            &one,
            false,
            &warned,
            vec![State::Attached, State::Failing],
        ),
        ("a,,b", &Value::Null, false, &[], vec![State::Failing]),
        ("", &json!({"no": "list"}), true, &[], vec![State::Unknown]),
        (
            "left,left",
            &json!([status("net1", "0000:3b:02.1"), {"name": "telco/left", "ips": null}]),
            true,
            &[],
            vec![State::Unknown, State::Attached, State::Unknown],
        ),
        ("", &Value::Null, true, &[], vec![]),
    ] {
        let found = found(&pod(networks, status, started), told);
        let states: Vec<State> = found.iter().map(|one| one.state).collect();
        assert_eq!(states, wanted, "{networks} {status}");
        for one in found.iter().filter(|one| one.state.is_degraded()) {
            assert!(one.message.is_some() && one.since.is_some(), "{one:?}");
        }
    }
    let mut pod = pod("left", &Value::Null, false);
    let failing = found(&pod, &warned);
    assert_eq!(
        failing[0].message.as_deref(),
        Some("plugin sriov failed: no VF")
    );
    assert_eq!(failing[0].since.as_deref(), Some("2026-01-01T00:00:05Z"));
    assert_eq!(failing[0].delegates, ["sriov", "tuning"]);
    pod.spec.host_network = true;
    assert!(found(&pod, &[]).is_empty());
    assert_eq!(
        Told::of(&json!({"reason": "Scheduled", "involvedObject": {"kind": "Pod"}})),
        None
    );
}
