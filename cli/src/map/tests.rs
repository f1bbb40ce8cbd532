mod claims;

use serde_json::{Value, json};

use super::{
    document::{Document, State},
    seen::{Kind, Seen},
};

fn seen(objects: &[Value]) -> Seen {
    let mut seen = Seen::default();
    for object in objects {
        let text = |key: &str| object[key].as_str().unwrap();
        let kind = Kind::of(text("apiVersion"), text("kind")).unwrap();
        seen.see(kind, object);
    }
    seen
}

fn drawn(objects: &[Value]) -> Document {
    let seen = seen(objects);
    seen.document(seen.newest(), Vec::new())
}

fn node(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": {"allocatable": {"cpu": "8", "a.b/c": "4"}}})
}

/// Two zones with a port and two devices each, a device without a port, and one without anything.
fn inventory(name: &str, allocations: &Value) -> Value {
    json!({"apiVersion": "polypod.dev/v1alpha1", "kind": "NodeInventory", "metadata": {"name": name}, "epoch": 1, "sequence": 1,
        "observedAt": "2026-01-01T00:10:00.000000Z",
        "zones": [{"id": 1, "cpus": "4-7"}, {"id": 0, "cpus": "0-3"}],
        "physicalFunctions": [
            {"address": "0000:5b:00.0", "interface": "ens2", "zone": 1, "linkUp": true, "speedMbps": 25000, "totalVFs": 8, "configuredVFs": 4},
            {"address": "0000:3b:00.0", "zone": 0, "totalVFs": 0, "configuredVFs": 0}],
        "devices": [
            {"resource": "a.b/c", "zones": [1], "physicalFunction": "0000:5b:00.0", "ids": ["0000:5b:02.1", "0000:5b:02.0"]},
            {"resource": "a.b/c", "zones": [0], "physicalFunction": "0000:3b:00.0", "ids": ["0000:3b:02.0", "0000:3b:02.1"]},
            {"resource": "x.y/gpu", "zones": [0], "ids": ["gpu-0"]},
            {"resource": "x.y/gpu", "ids": ["gpu-1"]}],
        "allocations": allocations})
}

fn allocation(namespace: &str, name: &str, containers: &[&[&str]]) -> Value {
    let containers = containers.iter().map(|ids| {
        json!({"name": "app", "devices": [{"resource": "a.b/c", "zones": [1], "physicalFunction": "0000:5b:00.0", "ids": ids}]})
    });
    json!({"namespace": namespace, "name": name, "containers": containers.collect::<Vec<_>>()})
}

fn network() -> Value {
    json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
        "metadata": {"name": "fast", "namespace": "team", "annotations": {"k8s.v1.cni.cncf.io/resourceName": "a.b/c"}},
        "spec": {"config": "{\"cniVersion\": \"1.0.0\", \"name\": \"fast\", \"type\": \"sriov\"}"}})
}

fn pod(name: &str, node: &str, status: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "team", "name": name, "annotations": {
        "k8s.v1.cni.cncf.io/networks": "fast", "k8s.v1.cni.cncf.io/network-status": status.to_string()}},
        "spec": {"nodeName": node}, "status": {"phase": "Running"}})
}

fn attached(device: Option<&str>) -> Value {
    let mut status = json!({"name": "team/fast", "interface": "net1", "dns": {}});
    if let Some(device) = device {
        status["device-info"] = json!({"type": "pci", "pci": {"pci-address": device}});
    }
    status
}

#[test]
fn zones_functions_and_devices_stand_in_order_with_their_holders() {
    let objects = [
        node("n1"),
        inventory(
            "n1",
            &json!([allocation("team", "app", &[&["0000:5b:02.1"]])]),
        ),
        network(),
        pod("app", "n1", &json!([attached(Some("0000:5b:02.1"))])),
    ];
    let node = &drawn(&objects).nodes[0];
    let places: Vec<_> = node
        .zones
        .iter()
        .flat_map(|zone| {
            let functions = zone.functions.iter();
            functions.map(|one| (zone.id, one.address.as_deref(), one.not_offered))
        })
        .collect();
    assert_eq!(
        places,
        [
            (Some(0), Some("0000:3b:00.0"), 0),
            (Some(0), None, 0),
            (Some(1), Some("0000:5b:00.0"), 2),
            (None, None, 0),
        ]
    );
    let group = &node.zones[1].functions[0].groups[0];
    assert_eq!(group.ids, ["0000:5b:02.0", "0000:5b:02.1"]);
    assert_eq!(group.held, [(1, 0)]);
    assert_eq!(node.pods[0].name, "app");
    assert_eq!(
        node.pods[0].attachments[0].device.as_deref(),
        Some("0000:5b:02.1")
    );
    let amounts: Vec<_> = node
        .amounts
        .iter()
        .map(|one| (one.resource.as_str(), one.total, one.held))
        .collect();
    assert_eq!(amounts, [("a.b/c", 4, 1), ("x.y/gpu", 2, 0)]);
    assert_eq!((node.state, node.other_pods), (State::Ready, 0));
}

#[test]
fn accelerators_stand_in_their_zones_with_the_devices_that_they_are() {
    let held = json!([{"namespace": "team", "name": "app", "containers": [
        {"name": "app", "devices": [{"resource": "x.y/gpu", "zones": [0], "ids": ["0000:c1:00.0"]}]}]}]);
    let mut report = inventory("n1", &held);
    report["accelerators"] = json!([
        {"address": "0000:01:00.0", "zone": 0, "model": "10de:2330"},
        {"address": "0000:5b:00.0", "zone": 1},
        {"address": "0000:c1:00.0", "zone": 1, "model": "1002:740f"},
        {"address": "0000:c2:00.0"}]);
    let devices = report["devices"].as_array_mut().unwrap();
    // By its address alone, whatever zone its holder was told.
    devices.push(json!({"resource": "x.y/gpu", "zones": [1], "ids": ["0000:c1:00.0", "gpu-2"]}));
    let document = drawn(&[node("n1"), report]);
    let node = &document.nodes[0];
    let places: Vec<_> = node
        .zones
        .iter()
        .flat_map(|zone| {
            let functions = zone.functions.iter();
            functions.map(|one| (zone.id, one.address.as_deref(), one.accelerator))
        })
        .collect();
    assert_eq!(
        places,
        [
            (Some(0), Some("0000:3b:00.0"), false),
            (Some(0), Some("0000:01:00.0"), true),
            (Some(0), None, false),
            // A processor with virtual functions is both.
            (Some(1), Some("0000:5b:00.0"), true),
            (Some(1), Some("0000:c1:00.0"), true),
            (Some(1), None, false),
            (None, Some("0000:c2:00.0"), true),
            (None, None, false),
        ]
    );
    let accelerator = &node.zones[1].functions[1];
    assert_eq!(accelerator.model.as_deref(), Some("1002:740f"));
    let group = &accelerator.groups[0];
    assert_eq!(
        (&group.ids[..], &group.held[..]),
        (&["0000:c1:00.0".to_owned()][..], &[(0, 0)][..])
    );
    let gpus = node.amounts.iter().find(|one| one.resource == "x.y/gpu");
    assert_eq!(gpus.map(|one| (one.total, one.held)), Some((4, 1)));
}

#[test]
fn attachments_without_a_named_device_take_them_in_turn() {
    // Containers in their order, devices sorted within one; the named one is nobody else's.
    let held = allocation(
        "team",
        "app",
        &[
            &["0000:5b:02.1", "0000:5b:02.0"],
            &["0000:3b:02.0", "0000:3b:02.1"],
        ],
    );
    let statuses = json!([
        attached(None),
        attached(Some("0000:5b:02.0")),
        attached(None)
    ]);
    let objects = [
        inventory("n1", &json!([held])),
        network(),
        pod("app", "n1", &statuses),
    ];
    let pod = &drawn(&objects).nodes[0].pods[0];
    let devices: Vec<_> = pod
        .attachments
        .iter()
        .filter_map(|one| one.device.as_deref())
        .collect();
    assert_eq!(devices, ["0000:5b:02.1", "0000:5b:02.0", "0000:3b:02.0"]);
}

#[test]
fn holders_that_nobody_knows_and_devices_that_are_gone_are_told_of() {
    let held = allocation("team", "unknown", &[&["0000:5b:02.0", "0000:5b:09.9"]]);
    let objects = [node("n1"), inventory("n1", &json!([held]))];
    let node = &drawn(&objects).nodes[0];
    let pod = &node.pods[0];
    assert_eq!(
        (pod.name.as_str(), pod.phase.as_str(), node.other_pods),
        ("unknown", "", 0)
    );
    let group = &node.zones[1].functions[0].groups[0];
    assert_eq!(group.ids.len(), 3);
    assert_eq!(
        (&group.held[..], &group.unhealthy[..]),
        (&[(0, 0), (2, 0)][..], &[2][..])
    );
    assert_eq!(node.state, State::Degraded);
    assert!(node.reasons[0].text.contains("1 of a.b/c not healthy"));
}

#[test]
fn states_and_their_reasons() {
    let ready = |status: &str| json!([{"type": "Ready", "status": status, "message": "no news", "lastTransitionTime": "2026-01-01T00:00:00Z"}]);
    let with = |mut object: Value, conditions: Value| {
        object["status"]["conditions"] = conditions;
        object
    };
    let agent = |status: &str| json!([{"type": "Ready", "status": status, "reason": "NotFirst", "message": "m", "lastTransitionTime": "2026-01-01T00:00:00Z"}]);
    let report = |conditions: Option<Value>| {
        let report = inventory("n1", &json!([]));
        conditions.map_or(report.clone(), |conditions| with(report, conditions))
    };
    let mut unlinked = report(None);
    unlinked["physicalFunctions"][0]["linkUp"] = json!(false);
    let mut old = report(None);
    old["observedAt"] = json!("2026-01-01T00:00:00.000000Z");
    let topology = json!({"apiVersion": "topology.node.k8s.io/v1alpha2", "kind": "NodeResourceTopology", "metadata": {"name": "n1"},
        "zones": [{"name": "node-0", "type": "Node", "resources": [
            {"name": "a.b/c", "capacity": "4", "allocatable": "4", "available": "1"}, {"name": "cpu", "capacity": "8", "allocatable": "8", "available": "8"}]}]});
    let other = inventory("n2", &json!([]));
    for (objects, state, words) in [
        (vec![node("n1"), report(None)], State::Ready, ""),
        (
            vec![with(node("n1"), ready("True")), report(Some(agent("True")))],
            State::Ready,
            "",
        ),
        (
            vec![with(node("n1"), ready("Unknown")), report(None)],
            State::Down,
            "not ready: no news",
        ),
        (
            vec![node("n1"), report(Some(agent("False")))],
            State::Degraded,
            "NotFirst: m",
        ),
        (
            vec![node("n1"), unlinked],
            State::Degraded,
            "ens2 has no link",
        ),
        (
            vec![node("n1"), old, other, node("n2")],
            State::Degraded,
            "not renewed",
        ),
        (vec![node("n1")], State::Unreported, "no NodeInventory"),
        (vec![node("n1"), topology.clone()], State::Ready, ""),
        (
            vec![node("n9"), report(None)],
            State::Degraded,
            "no Node of this name",
        ),
        // Nobody saw Nodes: then their absence says nothing.
        (vec![report(None)], State::Ready, ""),
    ] {
        let document = drawn(&objects);
        let node = document
            .nodes
            .iter()
            .find(|node| node.name == "n1")
            .unwrap();
        assert_eq!(node.state, state, "{:?}", node.reasons);
        let told = node.reasons.first().map_or("", |reason| &reason.text);
        assert!(told.contains(words), "{words}: {told}");
    }
    let document = drawn(&[node("n1"), topology]);
    let amounts = &document.nodes[0].zones[0].amounts;
    assert_eq!(amounts.len(), 1);
    assert_eq!((amounts[0].total, amounts[0].held), (4, 3));
}

#[test]
fn without_a_report_the_node_and_its_pods_tell() {
    let mut asking = pod("app", "n1", &json!([]));
    asking["spec"]["containers"] = json!([{"resources": {"limits": {"a.b/c": "3", "cpu": "1"}}}]);
    let mut plain = pod("plain", "n1", &json!([]));
    plain["metadata"]["annotations"] = json!({});
    let mut waiting = pod("waiting", "", &json!([]));
    waiting["status"]["phase"] = "Pending".into();
    let mut ended = asking.clone();
    ended["metadata"]["name"] = "ended".into();
    ended["status"]["phase"] = "Failed".into();
    let document = drawn(&[node("n1"), asking, plain, waiting, ended]);
    let node = &document.nodes[0];
    let amount = &node.amounts[0];
    assert_eq!(
        (amount.resource.as_str(), amount.total, amount.held),
        ("a.b/c", 4, 3)
    );
    assert_eq!((node.pods.len(), node.other_pods), (1, 1));
    assert!(node.pods[0].attachments[0].wanted);
    assert_eq!(document.waiting[0].name, "waiting");
}

#[test]
fn what_cannot_be_read_is_told_and_hides_nothing() {
    let mut broken = network();
    broken["spec"]["config"] = "{".into();
    broken["metadata"]["name"] = "broken".into();
    let mut seen = seen(&[
        node("n1"),
        inventory("n1", &json!("nothing")),
        broken,
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": 7}),
        json!({"apiVersion": "v1", "kind": "Pod"}),
    ]);
    let document = seen.document(None, vec!["pods of n2".to_owned()]);
    assert_eq!(document.unseen.len(), 3, "{:?}", document.unseen);
    assert!(document.unseen[1].contains("NodeInventory n1 cannot be read"));
    assert!(document.unseen[2].contains("Pod default/p cannot be read"));
    assert!(document.networks[0].fault.is_some());
    assert_eq!(document.nodes[0].state, State::Unreported);
    // What is mended is read.
    seen.see(Kind::NodeInventory, &inventory("n1", &json!([])));
    assert_eq!(seen.document(None, Vec::new()).unseen.len(), 1);
    seen.gone(Kind::NodeInventory, &inventory("n1", &json!([])));
    let document = seen.document(None, Vec::new());
    assert_eq!(document.nodes[0].state, State::Unreported);
    seen.forget(Kind::Node);
    assert!(seen.document(None, Vec::new()).nodes.is_empty());
}

#[test]
fn kinds_are_known_by_group_and_name() {
    assert_eq!(Kind::of("v1", "Pod"), Some(Kind::Pod));
    assert_eq!(
        Kind::of("polypod.dev/v1beta1", "NodeInventory"),
        Some(Kind::NodeInventory)
    );
    assert_eq!(
        Kind::of("resource.k8s.io/v1beta2", "ResourceSlice"),
        Some(Kind::ResourceSlice)
    );
    for (version, kind) in [("v1", "Secret"), ("a/v1", "Pod"), ("", ""), ("v1", "")] {
        assert_eq!(Kind::of(version, kind), None);
    }
}
