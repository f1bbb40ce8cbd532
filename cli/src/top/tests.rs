use serde_json::json;

use super::*;
use crate::output::Screen;

fn pod(uid: &str, node: &str, devices: usize) -> Pod {
    let devices = devices.to_string();
    let pod = json!({
        "metadata": {"name": uid, "namespace": "telco", "uid": uid},
        "spec": {"nodeName": node, "containers": [
            {"name": "app", "resources": {"requests": {"a.b/vf": devices}, "limits": {"a.b/vf": devices}}}]},
        "status": {"phase": "Running"},
    });
    Pod::deserialize(&pod).unwrap()
}

/// A node with two functions of four devices, in zones 0 and 4. So many of each are held by `one`.
fn node(name: &str, held: [usize; 2]) -> Reported {
    let ids = |function: usize| (0..4).map(move |device| format!("0000:{function:02}:00.{device}"));
    let address = |function: usize| format!("0000:{function:02}:00.7");
    let zone = |function: usize| function * 4;
    let group = |function: usize, count: usize| {
        json!({"resource": "a.b/vf", "zones": [zone(function)], "physicalFunction": address(function),
            "ids": ids(function).take(count).collect::<Vec<_>>()})
    };
    let amount = |held: usize| json!({"name": "a.b/vf", "capacity": 4, "allocatable": 4, "available": 4 - held});
    let inventory: NodeInventory = serde_json::from_value(json!({
        "metadata": {"name": name}, "epoch": 1, "sequence": 1,
        "zones": [{"id": 0, "resources": [amount(held[0])]}, {"id": 4, "resources": [amount(held[1])]}],
        "resources": [{"name": "a.b/vf", "capacity": 8, "allocatable": 8, "available": 8 - held[0] - held[1]}],
        "physicalFunctions": [{"address": address(0), "interface": "ens1f0", "zone": 0},
            {"address": address(1), "zone": 4}],
        "devices": [group(0, 4), group(1, 4)],
        "allocations": [{"podUID": "one", "namespace": "telco", "name": "one", "containers": [
            {"name": "app", "devices": [group(0, held[0]), group(1, held[1])]}]}],
    }))
    .unwrap();
    Reported {
        node: name.to_owned(),
        observed_at: Some("2026-01-01T00:00:00Z".to_owned()),
        report: Report::of_inventory(&inventory),
        interfaces: devices::interfaces(&inventory.inventory),
    }
}

fn two() -> Devices {
    let reports = [node("n1", [2, 1]), node("n2", [0, 4])];
    let mut over = pod("over", "n2", 1);
    over.status.phase = "Failed".to_owned();
    let pods = [pod("one", "n1", 3), pod("new", "n2", 2), over];
    devices(&reports, &pods, Vec::new(), |_| true)
}

fn on(devices: &Devices, width: Option<usize>) -> String {
    let screen = Screen {
        width,
        is_coloured: false,
    };
    tables::text(devices, false, &screen)
}

#[test]
fn tables_at_200_and_at_80_columns() {
    assert_eq!(on(&two(), Some(200)), on(&two(), None));
    insta::assert_snapshot!("top_at_200", on(&two(), Some(200)));
    insta::assert_snapshot!("top_at_80", on(&two(), Some(80)));
}

#[test]
fn programs_are_told_the_same() {
    let told = serde_json::to_value(two()).unwrap();
    let n2 = &told["nodes"][1];
    assert_eq!(n2["source"], "NodeInventory");
    assert_eq!(
        n2["resources"][0],
        json!({
            "resource": "a.b/vf", "devices": 8, "unhealthy": 0, "held": 4, "assumed": 2, "free": 4,
            "largestAligned": 4, "scattered": 0, "fragmentationPercent": 0,
            "parts": [
                {"zones": [0], "physicalFunction": "0000:00:00.7", "interface": "ens1f0", "devices": 4, "held": 0, "free": 4},
                {"zones": [4], "physicalFunction": "0000:01:00.7", "devices": 4, "held": 4, "free": 0},
            ],
        })
    );
    let total = &told["resources"][0];
    assert_eq!(
        [
            &total["free"],
            &total["largestAligned"],
            &total["scattered"]
        ],
        [&json!(9), &json!(4), &json!(2)]
    );
}

#[test]
fn a_thousand_nodes_are_summed_up() {
    let reports: Vec<Reported> = (0..1000)
        .map(|number| node(&format!("n{number:04}"), [1, 1]))
        .collect();
    let found = devices(&reports, &[], Vec::new(), |_| true);
    insta::assert_snapshot!("a_thousand", on(&found, Some(80)));
    let mut faulty = found;
    for node in &mut faulty.nodes {
        node.faults.push("bad\u{1b}[2J".to_owned());
    }
    let text = on(&faulty, Some(80));
    assert!(
        text.ends_with("n0015: bad [2J\nand 984 more faults of reports; --all tells them\n"),
        "{text}"
    );
    let wanted = devices(&reports, &[], Vec::new(), |resource| resource == "other");
    assert!(wanted.resources.is_empty());
}

#[test]
fn a_topology_names_no_pods_and_nobody_is_assumed() {
    let topology: NodeResourceTopology = serde_json::from_value(json!({
        "apiVersion": "topology.node.k8s.io/v1alpha2", "kind": "NodeResourceTopology", "metadata": {"name": "n1"},
        "zones": [{"name": "node-0", "type": "Node", "resources": [
            {"name": "a.b/vf", "capacity": "4", "allocatable": "4", "available": "1"},
            {"name": "cpu", "capacity": "4", "allocatable": "4", "available": "1"}]}]}))
    .unwrap();
    let reported = Reported {
        node: "n1".to_owned(),
        observed_at: None,
        report: Report::of_topology(&topology),
        interfaces: Vec::new(),
    };
    let found = devices(&[reported], &[pod("one", "n1", 3)], Vec::new(), |_| true);
    let share = found.resources[0].share;
    assert_eq!((share.devices, share.held, share.assumed), (4, 3, 0));
    assert_eq!(found.resources.len(), 1);
}
