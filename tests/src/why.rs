//! `kubectl-polypod why`: why a pod is where it is, or on no node, from files and from a cluster.

use std::{
    process::Output,
    time::{Duration, Instant},
};

use serde::Deserialize as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    fixture::{binaries::workspace, control_plane::ControlPlane, kubectl_polypod, needs::Need},
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "why::exit_codes_say_what_was_found",
            needs: &[],
            body: exit_codes_say_what_was_found,
        },
        Scenario {
            name: "why::files_folders_lists_and_standard_input",
            needs: &[],
            body: files_folders_lists_and_standard_input,
        },
        Scenario {
            name: "why::people_and_programs_are_told_the_same",
            needs: &[],
            body: people_and_programs_are_told_the_same,
        },
        Scenario {
            name: "why::what_cannot_be_read_hides_nothing_else",
            needs: &[],
            body: what_cannot_be_read_hides_nothing_else,
        },
        Scenario {
            name: "why::the_whole_story_in_its_order",
            needs: &[],
            body: the_whole_story_in_its_order,
        },
        Scenario {
            name: "why::a_pod_of_a_cluster",
            needs: &[Need::ControlPlane],
            body: a_pod_of_a_cluster,
        },
    ]
}

fn why(arguments: &[&str], stdin: &str) -> Output {
    kubectl_polypod::run("why", arguments, stdin)
}

fn node(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": {"allocatable": {
        "cpu": "64", "memory": "256Gi", "intel.com/sriov": "4"}}})
}

/// A node of two zones with two devices each. `held` of zone 0 are held by a pod of this name and UID.
fn inventory(name: &str, (holder, held): (&str, usize)) -> Value {
    let id = |zone: usize, at: usize| format!("0000:{zone}0:00.{at}");
    let group = |zone: usize, count: usize| {
        let ids: Vec<String> = (0..count).map(|at| id(zone, at)).collect();
        json!({"resource": "intel.com/sriov", "zones": [zone], "ids": ids})
    };
    let amount = |all: usize, free: usize| json!({"name": "intel.com/sriov", "capacity": all, "allocatable": all, "available": free});
    let allocations = if held == 0 {
        json!([])
    } else {
        json!([{"podUID": holder, "namespace": "default", "name": holder, "containers": [
            {"name": "app", "devices": [group(0, held)]}]}])
    };
    json!({"apiVersion": "polypod.dev/v1alpha1", "kind": "NodeInventory", "metadata": {"name": name}, "epoch": 1, "sequence": 2,
        "topologyManager": {"policy": "single-numa-node", "scope": "container"},
        "zones": [{"id": 0, "resources": [amount(2, 2 - held)]}, {"id": 1, "resources": [amount(2, 2)]}],
        "resources": [amount(4, 4 - held)], "devices": [group(0, 2), group(1, 2)], "allocations": allocations})
}

/// A pod of one container with so many devices.
fn pod(name: &str, node: &str, devices: usize) -> Value {
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default", "uid": name},
        "spec": {"containers": [{"name": "app", "resources": {"limits": {"intel.com/sriov": devices.to_string()}}}]}});
    if !node.is_empty() {
        pod["spec"]["nodeName"] = node.into();
    }
    pod
}

/// `n1` has three devices left, `n2` two, one of which is of a pod that is about to start, `n3` does not report.
fn cluster() -> Vec<Value> {
    vec![
        node("n1"),
        node("n2"),
        node("n3"),
        inventory("n1", ("old", 1)),
        inventory("n2", ("older", 2)),
        pod("old", "n1", 1),
        pod("starting", "n2", 1),
        pod("older", "n2", 2),
        pod("one", "", 1),
        pod("two", "", 2),
        pod("three", "", 3),
    ]
}

fn documents(objects: &[Value]) -> String {
    let texts: Vec<String> = objects.iter().map(Value::to_string).collect();
    texts.join("\n---\n")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn exit_codes_say_what_was_found() {
    let cluster = documents(&cluster());
    for (arguments, code, words) in [
        (&["one", "-f", "-"][..], 0, ""),
        (&["old", "-f", "-"], 0, ""),
        (&["two", "-f", "-", "--node", "n1"], 0, ""),
        (&["two", "-f", "-", "--node", "n2"], 1, ""),
        (&["one", "-f", "-", "--node", "nowhere"], 1, ""),
        (&["three", "-f", "-"], 1, ""),
        (&["four", "-f", "-"], 2, "there is no pod default/four"),
        (
            &["one", "-f", "-", "-n", "other"],
            2,
            "there is no pod other/one",
        ),
        (&["one", "-f", "/does/not/exist"], 2, "/does/not/exist"),
        (&["one", "-f", "-", "--kubeconfig", "a"], 2, "--kubeconfig"),
        (&["one", "-f", "-", "-o", "xml"], 2, "xml"),
        (&["-f", "-"], 2, "<POD>"),
        (&["one"], 2, "kubeconfig"),
        (
            &["one", "--kubeconfig", "/does/not/exist"],
            2,
            "/does/not/exist",
        ),
    ] {
        let output = why(arguments, &cluster);
        let (out, err) = (stdout(&output), stderr(&output));
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {out}{err}"
        );
        assert!(err.contains(words), "{arguments:?}: {err}");
        assert_eq!(out.is_empty(), code == 2, "{arguments:?}: {out}");
    }
    for (stdin, words) in [
        ("a: [", "not valid YAML"),
        ("# nothing\n", "no object"),
        ("5", "not a Kubernetes object"),
    ] {
        let output = why(&["one", "-f", "-"], stdin);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    }
}

fn files_folders_lists_and_standard_input() {
    let all = cluster();
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let list = json!({"apiVersion": "v1", "kind": "List", "items": all[..3]});
    let nodes = write("nodes.json", list.to_string());
    write("reports.yaml", documents(&all[3..5]));
    write("ignored.txt", "a: [".to_owned());
    let folder = folder.path().display().to_string();
    let pods = documents(&all[5..]);
    let whole = why(&["one", "-f", "-"], &documents(&all));
    let parts = why(&["one", "-f", &folder, "-"], &pods);
    assert_eq!(stdout(&whole), stdout(&parts), "{}", stderr(&parts));
    // The order of objects does not matter.
    let mut reversed = all;
    reversed.reverse();
    let backwards = why(&["one", "-f", "-"], &documents(&reversed));
    assert_eq!(stdout(&whole), stdout(&backwards));
    let twice = why(&["one", "-f", &nodes, "-f", "-"], &documents(&reversed));
    assert_eq!(stdout(&whole), stdout(&twice));
}

fn people_and_programs_are_told_the_same() {
    let cluster = documents(&cluster());
    let text = stdout(&why(&["three", "-f", "-"], &cluster));
    for line in [
        "pod default/three (BestEffort): no node is for it\n",
        "  container app: intel.com/sriov 3 to align\n",
        "0 of 3 nodes fit; refused: 1 where it cannot be aligned, 1 without an inventory, 1 with too little left\n",
        "n1: no zone has enough intel.com/sriov for container app\n",
        "  kubelet: single-numa-node, container scope; NodeInventory 1/2, 0s old\n",
        "  free: 3 of 4 intel.com/sriov: 1 of 2 in zone 0, 2 of 2 in zone 1\n",
        "  default/old has 1 intel.com/sriov in zone 0\n",
        "  would have to change: 1 more intel.com/sriov in zone 1, which is more than it has in all\n",
        "  or: the kubelet's policy, which is single-numa-node: with best-effort there would be enough on the node as a whole\n",
        "n2: intel.com/sriov: 1 free, 3 needed\n",
        "  default/starting will have 1 intel.com/sriov in zone 1\n",
        "n3: no inventory of this node yet\n",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
    let json = why(&["three", "-f", "-", "-o", "json"], &cluster);
    assert_eq!(json.status.code(), Some(1));
    let json: Value = serde_json::from_slice(&json.stdout).expect("it prints JSON");
    assert_eq!(
        (
            &json["version"],
            &json["nodes"],
            &json["fitting"],
            &json["omitted"]
        ),
        (&json!(1), &json!(3), &json!(0), &json!(0))
    );
    assert_eq!(
        json["refused"],
        json!({"container": 1, "short": 1, "noReport": 1})
    );
    let [n1, n2, n3] = json["details"].as_array().unwrap().as_slice() else {
        panic!("{json}")
    };
    let change = &n1["changes"][0];
    assert_eq!(
        (
            &change["more"],
            &change["zones"],
            &change["isEnough"],
            &change["canBeFreed"]
        ),
        (
            &json!({"intel.com/sriov": "1"}),
            &json!([[1]]),
            &json!(true),
            &json!(false)
        )
    );
    let starting = json!({"namespace": "default", "name": "starting", "uid": "starting", "state": "assumed", "isCertain": true,
        "held": [{"resource": "intel.com/sriov", "amount": "1", "zones": [1]}]});
    assert!(n2["heldBy"].as_array().unwrap().contains(&starting), "{n2}");
    assert_eq!(n3["refusal"], "noReport");
    // One that is bound.
    let bound = stdout(&why(&["starting", "-f", "-", "--node", "n2"], &cluster));
    assert!(
        bound.starts_with("pod default/starting (BestEffort): bound to n2\n"),
        "{bound}"
    );
    assert!(bound.contains("n2: the pod is here\n"), "{bound}");
    // Of many nodes only some are told of.
    let some = stdout(&why(&["three", "-f", "-", "--nodes", "1"], &cluster));
    assert!(
        some.ends_with("\n2 more nodes are not shown; --node NODE shows one of them\n"),
        "{some}"
    );
}

/// Admission, the place, the kubelet's allocation, attachments, Events, what to do.
fn the_whole_story_in_its_order() {
    let mut all = cluster();
    all[5]["metadata"]["annotations"] = json!({
        "k8s.v1.cni.cncf.io/networks": "left,right",
        "k8s.v1.cni.cncf.io/network-status": json!([{"name": "default/left", "interface": "net1", "ips": ["10.0.0.2"],
            "device-info": {"type": "pci", "version": "1.1.0", "pci": {"pci-address": "0000:00:00.0"}}}]).to_string(),
    });
    all[5]["status"] = json!({"phase": "Running"});
    all.push(json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition", "metadata": {"name": "left",
        "annotations": {"k8s.v1.cni.cncf.io/resourceName": "intel.com/sriov"}},
        "spec": {"config": r#"{"cniVersion":"1.0.0","name":"left","type":"sriov"}"#}}));
    let event = |name: &str, uid: &str, reason: &str, second: u32| {
        json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "namespace": "default"}, "type": "Warning",
            "reason": reason, "message": format!("said {name}"), "lastTimestamp": format!("2026-01-01T00:00:0{second}Z"),
            "involvedObject": {"kind": "Pod", "namespace": "default", "name": "old", "uid": uid}, "source": {"component": "multus"}})
    };
    all.push(event("later", "old", "NetworksMissing", 9));
    all.push(event("earlier", "old", "NoNetworkFound", 1));
    all.push(event("another", "before", "NoNetworkFound", 5));
    let documents = documents(&all);
    let output = why(&["old", "-f", "-"], &documents);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{text}{}", stderr(&output));
    let mut rest = text.as_str();
    for words in [
        "admission: 2 networks selected; it would be refused\n  default/left: takes intel.com/sriov\n  default/right: not seen\n",
        "pod default/old (BestEffort): bound to n1\n",
        "n1: the pod is here\n",
        "the kubelet of n1 gave it:\n  container app: intel.com/sriov 0000:00:00.0 in zone 0\n",
        "attachments:\n  net1 of default/left: attached, 10.0.0.2, device 0000:00:00.0, zone 0, by sriov\n",
        "of default/right: missing",
        "events:\n  2026-01-01T00:00:01Z Warning NoNetworkFound by multus: said earlier\n",
        "  2026-01-01T00:00:09Z Warning NetworksMissing by multus: said later\n",
        "what to do:\n  NoNetworkFound: ",
    ] {
        let Some((_, after)) = rest.split_once(words) else {
            panic!("{words}: {text}")
        };
        rest = after;
    }
    assert!(!text.contains("said another"), "{text}");
    let json = why(&["old", "-f", "-", "-o", "json"], &documents);
    let json: Value = serde_json::from_slice(&json.stdout).expect("it prints JSON");
    assert_eq!(
        (&json["version"], &json["boundTo"]),
        (&json!(1), &json!("n1"))
    );
    assert_eq!(json["admission"]["networks"][1]["isThere"], false);
    assert_eq!(json["allocation"]["node"], "n1");
    assert_eq!(json["attachments"][0]["device"], "0000:00:00.0");
    assert_eq!(json["events"].as_array().map(Vec::len), Some(2));
    // Of a pod without networks, and without Events, nothing is told but its place.
    let plain = why(&["one", "-f", "-", "-o", "json"], &documents);
    let plain: Value = serde_json::from_slice(&plain.stdout).expect("it prints JSON");
    for part in ["admission", "allocation", "attachments", "events", "advice"] {
        assert_eq!(plain.get(part), None, "{part}");
    }
}

fn what_cannot_be_read_hides_nothing_else() {
    let mut all = cluster();
    all[0]["metadata"]["name"] = json!(null);
    all[4]["epoch"] = json!("new");
    // One that is bound is counted whatever is written in it.
    all[6]["spec"]["nodeName"] = json!(null);
    all[6]["spec"]["containers"][0]["resources"]["limits"]["intel.com/sriov"] = json!("many");
    let output = why(&["one", "-f", "-"], &documents(&all));
    let (out, err) = (stdout(&output), stderr(&output));
    assert_eq!(output.status.code(), Some(1), "{out}{err}");
    for words in [
        "warning: a Node has no metadata.name",
        "warning: NodeInventory n2 cannot be read: ",
        "warning: container app of the pod default/starting asks for ",
    ] {
        assert!(err.contains(words), "{words}: {err}");
    }
    let asked = why(&["starting", "-f", "-"], &documents(&all));
    assert_eq!(asked.status.code(), Some(2));
    assert!(
        stderr(&asked).contains("error: the pod cannot be judged: container app"),
        "{}",
        stderr(&asked)
    );
    // Manifests that nobody has applied have neither UIDs nor namespaces.
    let mut manifest = pod("draft", "", 1);
    manifest["metadata"] = json!({"name": "draft"});
    let mut with_draft = cluster();
    with_draft.push(manifest);
    let output = why(&["draft", "-n", "team", "-f", "-"], &documents(&with_draft));
    assert!(
        stdout(&output).starts_with("pod team/draft (BestEffort): n1 would be the best\n"),
        "{}",
        stderr(&output)
    );
}

fn a_pod_of_a_cluster() {
    let plane = ControlPlane::start();
    let kubeconfig = plane.kubeconfig().display().to_string();
    let ask = |arguments: &[&str]| why(&[arguments, &["--kubeconfig", &kubeconfig]].concat(), "");
    let created = |path: &str, object: &Value| {
        let reply = plane.ask("POST", path, object);
        assert_eq!(reply.status, 201, "{}", reply.body);
        reply.body
    };
    let pods = "/api/v1/namespaces/default/pods";
    for name in ["n1", "n2"] {
        created("/api/v1/nodes", &json!({"metadata": {"name": name}}));
        let status = json!({"status": {"allocatable": node(name)["status"]["allocatable"]}});
        let patched = plane.ask("PATCH", &format!("/api/v1/nodes/{name}/status"), &status);
        assert_eq!(patched.status, 200, "{}", patched.body);
    }
    let new = |name: &str, node: &str, devices: usize| {
        let mut pod = pod(name, node, devices);
        pod["metadata"] = json!({"name": name});
        pod["spec"]["containers"][0]["image"] = "busybox".into();
        pod["spec"]["automountServiceAccountToken"] = false.into();
        let made = created(pods, &pod);
        made["metadata"]["uid"].as_str().unwrap().to_owned()
    };
    let account = "/api/v1/namespaces/default/serviceaccounts";
    let made = plane.ask("POST", account, &json!({"metadata": {"name": "default"}}));
    assert!(matches!(made.status, 201 | 409), "{}", made.body);
    let old = new("old", "n1", 1);
    new("waiting", "", 2);
    // No kind of reports is there yet, and that is no error.
    let output = ask(&["waiting"]);
    let (out, err) = (stdout(&output), stderr(&output));
    assert_eq!(output.status.code(), Some(1), "{out}{err}");
    assert!(out.contains("2 without an inventory"), "{out}");
    assert_eq!(err, "");

    let crd = std::fs::read_to_string(workspace().join("manifests/crds/node-inventories.yaml"));
    let crd: Value = serde_yaml_ng::Deserializer::from_str(&crd.unwrap())
        .map(|document| Value::deserialize(document).unwrap())
        .find(|document| document["kind"] == "CustomResourceDefinition")
        .unwrap();
    created(
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        &crd,
    );
    let inventories = "/apis/polypod.dev/v1alpha1/nodeinventories";
    let until = Instant::now() + Duration::from_secs(60);
    while plane.ask("GET", inventories, &Value::Null).status != 200 {
        assert!(Instant::now() < until, "the kind is not served");
        std::thread::sleep(Duration::from_millis(50));
    }
    let now = time::OffsetDateTime::now_utc();
    let now = now
        .format(&time::format_description::well_known::Rfc3339)
        .unwrap();
    for (name, held) in [("n1", 1), ("n2", 0)] {
        let mut report = inventory(name, ("old", held));
        report["observedAt"] = now.as_str().into();
        if held > 0 {
            report["allocations"][0]["podUID"] = old.as_str().into();
        }
        created(inventories, &report);
    }
    let output = ask(&["waiting", "-o", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let json: Value = serde_json::from_slice(&output.stdout).expect("it prints JSON");
    assert_eq!((&json["fitting"], &json["nodes"]), (&json!(2), &json!(2)));
    let n1 = json["details"]
        .as_array()
        .unwrap()
        .iter()
        .find(|node| node["name"] == "n1");
    let held = &n1.unwrap()["heldBy"][0];
    assert_eq!(
        (&held["name"], &held["state"]),
        (&json!("old"), &json!("confirmed"))
    );
    assert_eq!(held["uid"], old.as_str());
    let bound = stdout(&ask(&["old", "-n", "default"]));
    assert!(
        bound.contains("bound to n1\n") && bound.contains("n1: the pod is here\n"),
        "{bound}"
    );
    let missing = ask(&["nobody"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(
        stderr(&missing).contains("there is no pod default/nobody"),
        "{}",
        stderr(&missing)
    );
}
