use std::time::{Duration, UNIX_EPOCH};

use serde_json::json;

use super::{
    node::{Agent, Node},
    summary::Health,
    *,
};
use crate::{
    cluster::{Cause, Listed, Unseen},
    output::Screen,
};

const NOW: Duration = Duration::from_secs(10_000);

/// So many seconds before now.
fn before(seconds: u64) -> String {
    let at = UNIX_EPOCH + NOW - Duration::from_secs(seconds);
    at_text(at)
}

fn at_text(at: SystemTime) -> String {
    humantime::format_rfc3339_micros(at).to_string()
}

fn list<T>(items: Vec<T>) -> Listed<T> {
    Listed {
        items,
        unseen: None,
    }
}

fn named(name: &str, ready: &str) -> Node {
    let condition = json!({"type": "Ready", "status": ready, "lastTransitionTime": before(60)});
    let labels = json!({"kubernetes.io/os": if name == "windows" { "windows" } else { "linux" }});
    let node = json!({"metadata": {"name": name, "labels": labels}, "status": {"conditions": [condition]}});
    Node::of(&node).unwrap()
}

fn inventory(name: &str, observed: u64, ready: (&str, &str, u64)) -> NodeInventory {
    let (status, reason, since) = ready;
    serde_json::from_value(json!({
        "metadata": {"name": name}, "epoch": 1, "sequence": 1, "observedAt": before(observed),
        "resources": [{"name": "a.b/vf", "capacity": 8, "allocatable": 8, "available": 5},
            {"name": "cpu", "capacity": 64, "allocatable": 64, "available": 64}],
        "status": {"agentVersion": "0.1.0", "pluginVersion": "0.1.0", "conditions": [{"type": "Ready", "status": status,
            "reason": reason, "message": "00-a.conflist sorts before 00-polypod.conflist", "lastTransitionTime": before(since)}]},
    }))
    .unwrap()
}

fn pod(name: &str, node: &str, phase: &str, networks: &str, status: &[&str]) -> Pod {
    let status: Vec<Value> = status
        .iter()
        .map(|name| json!({"name": name, "interface": "net1"}))
        .collect();
    let pod = json!({"metadata": {"name": name, "namespace": "telco",
        "annotations": {ASKED_FOR: networks, NETWORK_STATUS: json!(status).to_string()}},
        "spec": {"nodeName": node}, "status": {"phase": phase, "startTime": before(300)}});
    with_networks(&pod).unwrap()
}

/// Everything that is wanted, in good health.
fn well() -> Seen {
    let deployment = json!({"metadata": {"name": "polypod-webhook"}, "spec": {"replicas": 2}, "status": {"readyReplicas": 2}});
    let daemon_set = json!({"metadata": {"name": "polypod-device-bridge"},
        "spec": {"template": {"spec": {"nodeSelector": {"kubernetes.io/os": "linux"}}}},
        "status": {"desiredNumberScheduled": 2, "numberReady": 2}});
    let network = json!({"metadata": {"name": "left", "namespace": "telco"}, "spec": {"config": r#"{"type": "macvlan"}"#}});
    Seen {
        installed_in: "polypod-system".to_owned(),
        deployments: list(vec![deployment]),
        daemon_sets: list(vec![daemon_set]),
        nodes: list(vec![
            named("n1", "True"),
            named("n2", "True"),
            named("windows", "True"),
        ]),
        inventories: list(vec![
            inventory("n1", 12, ("True", "Ready", 9000)),
            inventory("n2", 31, ("True", "Ready", 400)),
        ]),
        networks: list(vec![network]),
        pods: list(vec![pod("upf", "n1", "Running", "left", &["telco/left"])]),
        told: list(Vec::new()),
    }
}

/// As bad as it gets.
fn badly() -> Seen {
    let mut seen = well();
    seen.deployments.items[0]["status"] = json!({"readyReplicas": 1, "conditions": [
        {"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable", "lastTransitionTime": before(90)}]});
    seen.daemon_sets.items[0]["status"] = json!({"desiredNumberScheduled": 5, "numberReady": 2});
    seen.nodes.items.extend([
        named("n3", "True"),
        named("n4", "False"),
        named("n5", "True"),
    ]);
    seen.inventories.items[1] = inventory("n2", 31, ("False", "NotFirst", 250));
    seen.inventories.items.extend([
        inventory("n3", 4000, ("True", "Ready", 9000)),
        inventory("n4", 181, ("True", "Ready", 9000)),
    ]);
    seen.networks.items.push(
        json!({"metadata": {"name": "right", "namespace": "telco"}, "spec": {"config": "{"}}),
    );
    seen.pods.items.extend([
        pod("late", "n2", "Pending", "left", &[]),
        pod("stuck", "n2", "Pending", "right,left", &[]),
        pod("bare", "n1", "Running", "left", &[]),
    ]);
    let event = json!({"reason": "FailedCreatePodSandBox", "message": "plugin polypod failed (add): network telco/right is broken",
        "firstTimestamp": before(200), "lastTimestamp": before(3),
        "involvedObject": {"kind": "Pod", "namespace": "telco", "name": "stuck"}});
    seen.told.items.extend(Told::of(&event));
    seen
}

fn found(seen: Seen) -> Status {
    status(seen, UNIX_EPOCH + NOW)
}

fn on(status: &Status, all: bool, width: usize) -> String {
    let screen = Screen {
        width: Some(width),
        is_coloured: false,
    };
    tables::text(status, all, UNIX_EPOCH + NOW, &screen)
}

#[test]
fn all_is_well() {
    let found = found(well());
    assert_eq!(found.degraded, []);
    let agents: Vec<Agent> = found.nodes.iter().map(|node| node.agent).collect();
    assert_eq!(agents, [Agent::Ready, Agent::Ready, Agent::NotWanted]);
    insta::assert_snapshot!(on(&found, false, 80));
}

#[test]
fn nodes_without_an_agent_that_need_none() {
    let agents = |seen: Seen| -> (Vec<Agent>, Vec<degraded::Degraded>) {
        let found = found(seen);
        let agents = found.nodes.iter().map(|node| node.agent).collect();
        (agents, found.degraded)
    };
    // A thin installation.
    let mut thin = well();
    thin.daemon_sets.items[0]["spec"]["template"]["spec"]["containers"] =
        json!([{"args": ["install"]}]);
    thin.inventories.items.clear();
    assert_eq!(agents(thin), (vec![Agent::NotWanted; 3], vec![]));
    // Taints keep the DaemonSet from a node.
    let mut tainted = well();
    tainted.inventories.items.truncate(1);
    tainted.daemon_sets.items[0]["status"] = json!({"desiredNumberScheduled": 1, "numberReady": 1});
    let (found, degraded) = agents(tainted);
    assert_eq!(found, [Agent::Ready, Agent::NotWanted, Agent::NotWanted]);
    assert_eq!(degraded, []);
    // The label was taken away, and the last report stays.
    let mut left = well();
    left.inventories.items[1] = inventory("n2", 4000, ("True", "Ready", 9000));
    left.daemon_sets.items[0]["spec"]["template"]["spec"]["nodeSelector"] =
        json!({"cni": "polypod"});
    left.inventories.items.remove(0);
    assert_eq!(agents(left).1, []);
    // Whether any is meant to be there cannot be seen.
    let mut unseen = well();
    unseen.inventories.items.clear();
    unseen.daemon_sets = Listed {
        unseen: Some(Unseen {
            what: "DaemonSets".to_owned(),
            cause: Cause::Forbidden,
            why: "you may not".to_owned(),
            what_to_do: "ask".to_owned(),
        }),
        ..list(Vec::new())
    };
    assert_eq!(agents(unseen), (vec![Agent::Unknown; 3], vec![]));
}

#[test]
fn a_webhook_that_is_scaled_to_nought_is_degraded() {
    let mut seen = well();
    seen.deployments.items[0]["spec"]["replicas"] = json!(0);
    seen.deployments.items[0]["status"] = json!({});
    assert_eq!(found(seen).degraded.len(), 1);
}

#[test]
fn what_is_degraded_says_since_when_and_what_to_do() {
    let found = found(badly());
    insta::assert_snapshot!("badly_at_80", on(&found, false, 80));
    insta::assert_snapshot!("badly_at_200", on(&found, false, 200));
    insta::assert_json_snapshot!("badly_json", found);
}

#[test]
fn what_cannot_be_seen_is_unknown_and_hides_nothing() {
    let no = |what: &str| {
        Some(Unseen {
            what: what.to_owned(),
            cause: Cause::Forbidden,
            why: "you may not".to_owned(),
            what_to_do: "ask".to_owned(),
        })
    };
    let blank = |seen: &mut Seen| {
        seen.deployments = Listed {
            items: vec![],
            unseen: no("deployments.apps"),
        };
        seen.daemon_sets = Listed {
            items: vec![],
            unseen: no("daemonsets.apps"),
        };
        seen.nodes = Listed {
            items: vec![],
            unseen: no("nodes"),
        };
        seen.inventories = Listed {
            items: vec![],
            unseen: no("nodeinventories.polypod.dev"),
        };
        seen.networks = Listed {
            items: vec![],
            unseen: no("network-attachment-definitions.k8s.cni.cncf.io"),
        };
        seen.told = Listed {
            items: vec![],
            unseen: no("events"),
        };
    };
    let mut only_pods = badly();
    blank(&mut only_pods);
    assert_eq!(only_pods.blind(), None);
    let mut nothing = only_pods.clone();
    nothing.pods = Listed {
        items: vec![],
        unseen: no("pods"),
    };
    assert!(
        nothing
            .blind()
            .unwrap()
            .contains("cannot see pods: you may not; ask")
    );
    let found = found(only_pods);
    let states: Vec<Health> = found.summary.iter().map(|line| line.state).collect();
    use Health::{Degraded, Unknown};
    assert_eq!(
        states,
        [Unknown, Unknown, Unknown, Unknown, Degraded, Unknown]
    );
    assert!(found.nodes.iter().all(|node| node.agent == Agent::Unknown));
    let what: Vec<&str> = found.degraded.iter().map(|one| one.what.as_str()).collect();
    assert_eq!(what, ["pod/telco/bare"]);
    assert_eq!(found.unseen.len(), 6);
}

#[test]
fn an_installation_that_is_not_there_says_so() {
    let mut seen = well();
    (seen.deployments, seen.daemon_sets) = (list(vec![]), list(vec![]));
    seen.inventories = list(vec![]);
    let found = found(seen);
    let told: Vec<(&str, &str)> = found
        .degraded
        .iter()
        .map(|one| (one.what.as_str(), one.reason.as_str()))
        .collect();
    // Without a DaemonSet nobody says which nodes want an agent.
    assert_eq!(
        told,
        [
            ("deployment/polypod-webhook", "NotInstalled"),
            ("daemonset/polypod-device-bridge", "NotInstalled"),
            ("node/n1", "NoReport"),
            ("node/n2", "NoReport"),
            ("node/windows", "NoReport"),
        ]
    );
}

#[test]
fn a_thousand_nodes_with_ten_silent_ones() {
    let mut seen = well();
    for number in 0..1000 {
        let name = format!("worker-{number:04}");
        let age = if number % 100 == 7 { 1000 } else { 20 };
        seen.nodes.items.push(named(&name, "True"));
        seen.inventories
            .items
            .push(inventory(&name, age, ("True", "Ready", 9000)));
    }
    let found = found(seen);
    let text = on(&found, false, 80);
    assert_eq!(
        text.lines()
            .filter(|line| line.contains("Silent for 16m"))
            .count(),
        10,
        "{text}"
    );
    let said = text.matches("its agent has not reported").count();
    assert_eq!(said, 1, "{text}");
    assert!(
        text.contains("nodes: 1003, 992 ready, 10 silent, 1 without need"),
        "{text}"
    );
    assert!(
        text.lines().count() < 40 && text.ends_with("--all shows each node\n"),
        "{text}"
    );
    assert!(on(&found, true, 80).lines().count() > 1003);
}

#[test]
fn a_dump_is_as_old_as_its_newest_report() {
    let mut seen = well();
    let newest = |seen: &Seen| {
        let now = UNIX_EPOCH + NOW;
        seen.newest().map(|at| now.duration_since(at).unwrap())
    };
    assert!(newest(&seen).is_some());
    seen.inventories.items = vec![
        inventory("a", 500, ("True", "Ready", 9000)),
        inventory("b", 70, ("True", "Ready", 9000)),
    ];
    assert_eq!(newest(&seen), Some(Duration::from_secs(70)));
    seen.inventories.items.clear();
    assert_eq!(newest(&seen), None);
}
