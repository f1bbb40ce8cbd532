use serde_json::json;

use super::{
    super::{agent::tests::agent, finding::Verdict, webhook::tests::unseen},
    *,
};
use crate::output::instant;

fn node(name: &str, ready: &str, labels: Value) -> Value {
    json!({"metadata": {"name": name, "labels": labels}, "status": {"conditions": [{"type": "Ready", "status": ready}]}})
}

fn daemon_set(selector: Value) -> Result<Option<Value>, Unseen> {
    Ok(Some(
        json!({"spec": {"template": {"spec": {"nodeSelector": selector}}},
        "status": {"desiredNumberScheduled": 2, "numberReady": 1, "updatedNumberScheduled": 2}}),
    ))
}

/// At this moment [`agent`]s have reported a moment ago.
const NOW: &str = "2026-01-01T00:00:30Z";

fn judge(
    nodes: &[Value],
    agents: &[Agent],
    daemon_set: &Result<Option<Value>, Unseen>,
    now: &str,
) -> Finding {
    judged(&Seen {
        namespace: "polypod-system",
        nodes: (nodes, None),
        agents: (agents, None),
        daemon_set,
        now: instant(now).unwrap(),
    })
}

fn serving(name: &str) -> Agent {
    agent(name, &[["Serving", "True", "Answering", ""]])
}

#[test]
fn nodes_with_agents_are_well() {
    let nodes = [
        node("a", "True", json!({"kubernetes.io/os": "linux"})),
        node("b", "True", json!({})),
        node("w", "True", json!({"kubernetes.io/os": "windows"})),
    ];
    let finding = judge(
        &nodes,
        &[serving("a"), serving("b")],
        &daemon_set(json!({"kubernetes.io/os": "linux"})),
        NOW,
    );
    assert_eq!(finding.verdict, Verdict::Ok, "{finding:?}");
    assert!(finding.found.contains("2 nodes"), "{finding:?}");
    assert!(
        finding.evidence[0].contains("1 pod of 2 are ready"),
        "{finding:?}"
    );
    assert!(finding.evidence[1].contains("1 of 3 nodes"), "{finding:?}");
    // Nodes that the DaemonSet passes over need none.
    let finding = judge(&nodes, &[], &daemon_set(json!({"cni": "polypod"})), NOW);
    assert_eq!(finding.verdict, Verdict::Ok, "{finding:?}");
}

#[test]
fn what_is_wrong_with_an_agent_is_told_with_its_node() {
    let nodes = [node("a", "True", json!({})), node("b", "True", json!({}))];
    let mut mute = serving("b");
    mute.status = None;
    let stopped = agent("b", &[["Serving", "False", "Stopping", "it was stopped"]]);
    for (agents, now, verdict, words) in [
        (
            vec![serving("a")],
            NOW,
            Verdict::Fail,
            "no agent has reported from 1 node: b",
        ),
        (
            vec![serving("a"), serving("b")],
            "2026-01-01T01:00:00Z",
            Verdict::Fail,
            "2 nodes are silent, a for 60m: a, b",
        ),
        (
            vec![serving("a"), stopped],
            NOW,
            Verdict::Fail,
            "on 1 node (Stopping: it was stopped): b",
        ),
        (
            vec![serving("a"), mute],
            NOW,
            Verdict::Warn,
            "do not say how they are",
        ),
    ] {
        let finding = judge(&nodes, &agents, &daemon_set(json!({})), now);
        assert_eq!(finding.verdict, verdict, "{finding:?}");
        assert!(finding.found.contains(words), "{finding:?}");
        assert!(!finding.mend.is_empty(), "{finding:?}");
    }
    let down = [
        node("a", "True", json!({})),
        node("b", "Unknown", json!({})),
    ];
    // The last word of an agent that was stopped with its node, or that has no business there any more.
    let mut last = agent("b", &[["Serving", "False", "Stopping", "it was stopped"]]);
    last.observed_at = instant("2025-12-31T23:00:00Z");
    let agents = [serving("a"), last];
    let finding = judge(&down, &agents, &daemon_set(json!({})), NOW);
    assert_eq!(finding.verdict, Verdict::Warn, "{finding:?}");
    let elsewhere = [
        node("a", "True", json!({"cni": "polypod"})),
        nodes[1].clone(),
    ];
    let finding = judge(
        &elsewhere,
        &agents,
        &daemon_set(json!({"cni": "polypod"})),
        NOW,
    );
    assert_eq!(finding.verdict, Verdict::Ok, "{finding:?}");
    let finding = judge(&down, &[serving("a")], &daemon_set(json!({})), NOW);
    assert_eq!(finding.verdict, Verdict::Warn, "{finding:?}");
    assert!(
        finding.found.contains("not Ready themselves: b"),
        "{finding:?}"
    );
    let finding = judge(&nodes, &[serving("a"), serving("b")], &Ok(None), NOW);
    assert!(finding.found.contains("no DaemonSet"), "{finding:?}");
}

#[test]
fn some_installations_have_no_agents_and_some_nodes_none() {
    let nodes = [node("a", "True", json!({})), node("b", "True", json!({}))];
    let thin = json!({"spec": {"template": {"spec": {"containers": [
        {"name": "device-bridge", "args": ["install", "--host-root=/host"]}]}}},
        "status": {"desiredNumberScheduled": 2, "numberReady": 2}});
    let finding = judge(&nodes, &[], &Ok(Some(thin)), NOW);
    assert_eq!(
        (finding.verdict, finding.found.as_str()),
        (Verdict::Ok, THIN)
    );
    // Taints keep the DaemonSet from one of the two.
    let tainted = json!({"status": {"desiredNumberScheduled": 1, "numberReady": 1}});
    let finding = judge(&nodes, &[serving("a")], &Ok(Some(tainted)), NOW);
    assert_eq!(finding.verdict, Verdict::Ok, "{finding:?}");
    assert!(
        finding
            .evidence
            .iter()
            .any(|one| one.contains("besides: b")),
        "{finding:?}"
    );
    // Its controller has not looked at it yet, or not since it was changed.
    for status in [
        json!({"desiredNumberScheduled": 0}),
        json!({"desiredNumberScheduled": 1, "numberReady": 1, "observedGeneration": 1}),
    ] {
        let set = json!({"metadata": {"generation": 2}, "status": status});
        let finding = judge(&nodes, &[serving("a")], &Ok(Some(set)), NOW);
        assert_eq!(finding.verdict, Verdict::Fail, "{finding:?}");
    }
}

#[test]
fn nobody_is_said_to_lack_what_could_not_be_seen() {
    let nodes = [node("a", "True", json!({}))];
    let forbidden = unseen("nodeinventories");
    let finding = judged(&Seen {
        namespace: "polypod-system",
        nodes: (&nodes, None),
        agents: (&[], Some(&forbidden)),
        daemon_set: &Err(unseen("daemonsets")),
        now: instant(NOW).unwrap(),
    });
    assert_eq!(finding.verdict, Verdict::Unknown, "{finding:?}");
    assert_eq!(finding.evidence.len(), 1, "{finding:?}");
}
