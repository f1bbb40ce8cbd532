use serde_json::json;
use spec::network::{NETWORK_STATUS, NETWORKS};

use super::*;

fn material(objects: &[Value]) -> Material {
    let mut material = Material::about("team", "p");
    for object in objects {
        let text = |key: &str| object[key].as_str().unwrap();
        material.see(text("apiVersion"), text("kind"), object, "team");
    }
    material
}

fn pod(node: &str, networks: &str, status: Option<Value>) -> Value {
    let mut annotations = json!({NETWORKS: networks});
    if let Some(status) = status {
        annotations[NETWORK_STATUS] = status.to_string().into();
    }
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "p", "namespace": "team", "uid": "u1", "annotations": annotations},
        "spec": {"nodeName": node, "containers": [{"name": "app", "image": "i", "resources": {
            "requests": {"a.b/vf": "1"}, "limits": {"a.b/vf": "1"}}}]},
        "status": {"phase": if node.is_empty() { "Pending" } else { "Running" }}})
}

fn network() -> Value {
    json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
        "metadata": {"namespace": "team", "name": "left", "annotations": {"k8s.v1.cni.cncf.io/resourceName": "a.b/vf"}},
        "spec": {"config": r#"{"cniVersion":"1.0.0","name":"l","type":"sriov"}"#}})
}

fn inventory() -> Value {
    json!({"apiVersion": "polypod.dev/v1alpha1", "kind": "NodeInventory", "metadata": {"name": "n1"}, "epoch": 1, "sequence": 1,
        "allocations": [{"podUID": "u1", "namespace": "team", "name": "p", "containers": [{"name": "app", "devices": [
            {"resource": "a.b/vf", "zones": [1], "physicalFunction": "0000:3b:00.0", "ids": ["0000:3b:02.1"]}]}]}],
        "physicalFunctions": [{"address": "0000:3b:00.0", "totalVFs": 8, "configuredVFs": 8}]})
}

fn event(kind: &str, reason: &str, message: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Event", "type": kind, "reason": reason, "message": message, "count": 1,
        "lastTimestamp": "2026-01-01T00:00:09Z", "source": {"component": "multus"},
        "involvedObject": {"kind": "Pod", "namespace": "team", "name": "p", "uid": "u1"}})
}

#[test]
fn the_whole_way_of_a_pod_that_runs() {
    let status = json!([{"name": "team/left", "interface": "net1", "ips": ["10.0.0.2"],
        "device-info": {"type": "pci", "version": "1.1.0", "pci": {"pci-address": "0000:3b:02.1"}}}]);
    let story = Story::of(material(&[
        pod("n1", "left", Some(status)),
        network(),
        inventory(),
        event(
            "Normal",
            "AddedInterface",
            "Add net1 [10.0.0.2/24] from team/left",
        ),
    ]));
    insta::assert_snapshot!(story.before() + "…\n" + &story.after(), @r"
    admission: 1 network selected; admitted as it is
      team/left: takes a.b/vf

    …

    the kubelet of n1 gave it:
      container app: a.b/vf 0000:3b:02.1 in zone 1 behind 0000:3b:00.0

    attachments:
      net1 of team/left: attached, at 2026-01-01T00:00:09Z, 10.0.0.2, device 0000:3b:02.1, zone 1, behind 0000:3b:00.0, by sriov

    events:
      2026-01-01T00:00:09Z Normal AddedInterface by multus: Add net1 [10.0.0.2/24] from team/left
    ");
    let json = serde_json::to_value(&story).unwrap();
    assert_eq!(json["admission"]["networks"][0]["resource"], "a.b/vf");
    assert_eq!(
        json["allocation"]["containers"][0]["devices"][0]["ids"][0],
        "0000:3b:02.1"
    );
    assert_eq!(json["attachments"][0]["attachedAt"], "2026-01-01T00:00:09Z");
    assert_eq!(json.get("advice"), None);
}

#[test]
fn what_went_wrong_says_what_to_do() {
    let story = Story::of(material(&[
        pod("", "left,right", None),
        network(),
        event("Warning", "NoNetworkFound", "cannot find right\u{1b}[31m"),
    ]));
    let admission = story.admission.as_ref().unwrap();
    assert!(
        admission.refused.as_ref().unwrap().contains("right"),
        "{admission:?}"
    );
    assert_eq!(story.attachments.len(), 2);
    assert_eq!(story.advice.len(), 2, "{story:?}");
    let after = story.after();
    assert!(after.contains("what to do:\n  NoNetworkFound: "), "{after}");
    assert!(!after.contains('\u{1b}'), "{after}");
}

#[test]
fn a_pod_without_networks_has_no_such_story() {
    let mut plain = pod("n1", "", None);
    plain["metadata"]["annotations"] = json!({});
    let story = Story::of(material(&[plain]));
    assert_eq!(story, Story::default());
    assert_eq!(
        (story.before(), story.after()),
        (String::new(), String::new())
    );
    assert_eq!(Story::of(Material::about("team", "p")), Story::default());
    // Whoever may not see networks is told so, and the rest.
    let mut hidden = material(&[pod("n1", "left", None), inventory()]);
    hidden.unseen.push("you may not see networks".to_owned());
    let story = Story::of(hidden);
    assert!(
        story
            .before()
            .contains("not judged, because you may not see networks"),
        "{story:?}"
    );
    assert!(story.allocation.is_some());
}
