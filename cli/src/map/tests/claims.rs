use serde_json::{Value, json};

use super::{
    super::document::{Document, State},
    attached, drawn, inventory, network, node, pod,
};

/// A pod that has been allocated devices of the driver `d` by a claim of its own, with that claim.
fn claiming(name: &str, node: &str, claim: &str, devices: &[&str]) -> [Value; 2] {
    let results = devices
        .iter()
        .map(|device| json!({"request": "r", "driver": "d", "pool": "n1", "device": device}));
    let claimed = json!({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim", "metadata": {"namespace": "team", "name": claim},
        "status": {"allocation": {"devices": {"results": results.collect::<Vec<_>>()}}}});
    let mut pod = pod(name, node, &json!([]));
    pod["metadata"]["annotations"] = json!({});
    pod["spec"]["resourceClaims"] = json!([{"name": "c", "resourceClaimTemplateName": "t"}]);
    pod["status"]["resourceClaimStatuses"] = json!([{"name": "c", "resourceClaimName": claim}]);
    [pod, claimed]
}

fn slice(devices: &Value) -> Value {
    json!({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": {"name": "n1-d"}, "spec": {
        "driver": "d", "nodeName": "n1", "pool": {"name": "n1", "generation": 1, "resourceSliceCount": 1}, "devices": devices}})
}

/// Zone, address, resource, ids, holders and names of all groups of devices of claims.
fn claimed_groups(document: &Document) -> Vec<Value> {
    let zones = document.nodes[0].zones.iter();
    let groups = zones.flat_map(|zone| {
        let functions = zone.functions.iter();
        functions.flat_map(move |one| one.groups.iter().map(move |group| (zone.id, one, group)))
    });
    groups
        .filter(|(_, _, group)| !group.claimed_as.is_empty())
        .map(|(zone, one, group)| json!([zone, one.address, group.resource, group.ids, group.held]))
        .collect()
}

#[test]
fn devices_of_claims_stand_where_their_drivers_say() {
    let text = |text: &str| json!({"string": text});
    let mut report = inventory("n1", &json!([]));
    report["accelerators"] = json!([{"address": "0000:c1:00.0", "zone": 1, "pcieRoot": "pci0000:c0", "model": "1002:740f"}]);
    let mut objects = vec![node("n1"), report];
    objects.extend(claiming(
        "a",
        "n1",
        "a-claim",
        &["same", "gpu", "vf", "nobody-said"],
    ));
    objects.extend(claiming(
        "b",
        "n1",
        "b-claim",
        &["by-root", "part-1", "part-2"],
    ));
    objects.push(slice(&json!([
        {"name": "same", "attributes": {"resource.kubernetes.io/pciBusID": text("0000:5b:02.1")}},
        {"name": "gpu", "attributes": {"resource.kubernetes.io/pciBusID": text("0000:c1:00.0")}},
        {"name": "vf", "attributes": {"resource.kubernetes.io/pciBusID": text("0000:5b:02.4"),
            "sriovnetwork.k8snetworkplumbingwg.io/pfPciAddress": text("0000:5b:00.0")}},
        {"name": "by-root", "attributes": {"resource.kubernetes.io/pcieRoot": text("pci0000:c0")}},
        {"name": "part-1", "consumesCounters": [{}], "attributes": {"resource.kubernetes.io/pciBusID": text("0000:c1:00.0")}},
        {"name": "part-2", "consumesCounters": [{}], "attributes": {"resource.kubernetes.io/pciBusID": text("0000:c1:00.0")}},
        {"name": "part-3", "consumesCounters": [{}]},
        {"name": "free", "attributes": {"dra.net/numaNode": {"int": 0}, "k8s.cni.cncf.io/deviceID": text("mlx5_core.sf.2")}},
    ])));
    let document = drawn(&objects);
    assert_eq!(
        claimed_groups(&document),
        [
            // Nobody holds it, and it is known by what delegates are told.
            json!([0, null, "d/n1", ["mlx5_core.sf.2"], []]),
            // The report has it: it is the same one.
            json!([
                1,
                "0000:5b:00.0",
                "a.b/c",
                ["0000:5b:02.0", "0000:5b:02.1"],
                [[1, 0]]
            ]),
            json!([1, "0000:5b:00.0", "d/n1", ["0000:5b:02.4"], [[0, 0]]]),
            // Parts of an accelerator are there by their names; one that is free may not be to be had.
            json!([
                1,
                "0000:c1:00.0",
                "d/n1",
                ["0000:c1:00.0", "part-1", "part-2"],
                [[0, 0], [1, 1], [2, 1]]
            ]),
            json!([1, null, "d/n1", ["by-root"], [[0, 1]]]),
            json!([null, null, "d/n1", ["nobody-said"], [[0, 0]]]),
        ]
    );
    let functions = &document.nodes[0].zones[1].functions;
    assert_eq!(
        functions[0].groups[0].claimed_as,
        [(1, "n1/same of d".to_owned())]
    );
    assert_eq!(
        functions[0].not_offered, 1,
        "that of the claim is one of two"
    );
    let amounts = document.nodes[0].amounts.iter();
    let amounts: Vec<_> = amounts
        .map(|one| (one.resource.as_str(), one.total, one.held))
        .collect();
    assert_eq!(amounts, [("a.b/c", 4, 1), ("d", 7, 6), ("x.y/gpu", 2, 0)]);
}

#[test]
fn claims_are_known_by_reports_alone_and_without_any() {
    // The report tells of what the claim is not seen for; the pod is nobody's that is known.
    let told = json!([{"namespace": "team", "name": "a", "containers": [
        {"name": "app", "claimed": [{"driver": "d", "pool": "n1", "device": "x"}]}]}]);
    let document = drawn(&[node("n1"), inventory("n1", &told)]);
    assert_eq!(
        claimed_groups(&document),
        [json!([null, null, "d/n1", ["x"], [[0, 0]]])]
    );
    assert_eq!(document.nodes[0].pods[0].name, "a");

    // Two pods share what a claim has, on a node that nobody reports of.
    let mut objects = vec![node("n1")];
    objects.extend(claiming("a", "n1", "shared", &["x"]));
    objects.extend(claiming("b", "n1", "shared", &["x"]));
    objects.extend(claiming("elsewhere", "", "other", &["y"]));
    let document = drawn(&objects);
    assert_eq!(
        claimed_groups(&document),
        [json!([null, null, "d/n1", ["x"], [[0, 0], [0, 1]]])]
    );
    let node = &document.nodes[0];
    assert_eq!(
        (node.state, node.pods.len(), node.other_pods),
        (State::Unreported, 2, 0)
    );
    assert_eq!((node.amounts[0].total, node.amounts[0].held), (1, 1));
    // What the Node says stands beside it.
    let alone: Vec<_> = node.sums_alone().map(|one| one.resource.as_str()).collect();
    assert_eq!(alone, ["a.b/c"]);
}

#[test]
fn attachments_take_devices_of_claims_in_turn() {
    let of_network = |id: &str| json!({"k8s.cni.cncf.io/resourceName": {"string": "a.b/c"}, "resource.kubernetes.io/pciBusID": {"string": id}});
    let [mut pod, claim] = claiming("app", "n1", "claim", &["p", "q", "r"]);
    let statuses = json!([
        attached(None),
        attached(Some("0000:5b:07.0")),
        attached(None)
    ]);
    pod["metadata"]["annotations"] =
        json!({"k8s.v1.cni.cncf.io/network-status": statuses.to_string()});
    let slice = slice(&json!([
        {"name": "p", "attributes": of_network("0000:5b:07.0")}, {"name": "q", "attributes": of_network("0000:5b:07.1")},
        {"name": "r", "attributes": of_network("0000:5b:07.2")}]));
    let document = drawn(&[node("n1"), network(), pod, claim, slice]);
    let attachments = document.nodes[0].pods[0].attachments.iter();
    let devices: Vec<_> = attachments
        .filter_map(|one| one.device.as_deref())
        .collect();
    assert_eq!(devices, ["0000:5b:07.1", "0000:5b:07.0", "0000:5b:07.2"]);
}

#[test]
fn the_order_is_that_of_containers_and_ids() {
    let said = |name: &str, id: &str| {
        json!({"name": name, "attributes": {
            "k8s.cni.cncf.io/resourceName": {"string": "a.b/c"}, "k8s.cni.cncf.io/deviceID": {"string": id}}})
    };
    let slice = slice(&json!([
        said("a", "9"),
        said("b", "2"),
        said("c", "1"),
        {"name": "cut", "consumesCounters": [{}], "attributes": {
            "k8s.cni.cncf.io/resourceName": {"string": "a.b/c"}, "resource.kubernetes.io/pciBusID": {"string": "0"}}},
    ]));
    let claimed = |device: &str| json!({"driver": "d", "pool": "n1", "device": device});
    let told = json!([{"namespace": "team", "name": "app", "containers": [
        {"name": "first", "claimed": [claimed("a")], "devices": [{"resource": "a.b/c", "ids": ["5"]}]},
        {"name": "second", "claimed": [claimed("a"), claimed("b"), claimed("cut")], "devices": [{"resource": "a.b/c", "ids": ["3", "5"]}]},
    ]}]);
    for (claims, report, wanted) in [
        // Of the first container 5 and 9, of the second what is left.
        (
            vec!["a", "b", "cut"],
            Some(&told),
            vec!["5", "9", "cut", "2", "3"],
        ),
        (vec!["a", "b", "c"], None, vec!["1", "2", "9"]),
    ] {
        let [mut pod, claim] = claiming("app", "n1", "claim", &claims);
        let statuses: Vec<Value> = wanted.iter().map(|_| attached(None)).collect();
        let statuses = Value::from(statuses).to_string();
        pod["metadata"]["annotations"] = json!({"k8s.v1.cni.cncf.io/network-status": statuses});
        let mut objects = vec![node("n1"), network(), pod, claim, slice.clone()];
        objects.extend(report.map(|told| inventory("n1", told)));
        let document = drawn(&objects);
        let attachments = document.nodes[0].pods[0].attachments.iter();
        let devices: Vec<_> = attachments
            .map(|one| one.device.as_deref().unwrap_or_default())
            .collect();
        assert_eq!(devices, wanted);
    }
}
