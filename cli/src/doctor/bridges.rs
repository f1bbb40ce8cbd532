//! Whether every node has an agent that reports and serves.

use std::time::SystemTime;

use api::node_inventory::{KUBELET_ANSWERS, SERVING};
use scheduler::policy::STALE_AFTER;
use serde_json::Value;

use super::{
    agent::{Agent, Said},
    finding::{Finding, Issue},
    several::{counted, named},
};
use crate::{
    cluster::Unseen,
    daemon_set::{installs_alone, spared},
    output::age,
};

const CHECK: &str = "bridges";

/// What is said where nobody reports because nobody is meant to.
pub(super) const THIN: &str =
    "no agents: a thin installation, whose plugin looks networks up by itself";

/// What is known of agents.
#[derive(Clone, Debug)]
pub(super) struct Seen<'a> {
    /// Where they are installed.
    pub(super) namespace: &'a str,
    /// The Nodes.
    pub(super) nodes: (&'a [Value], Option<&'a Unseen>),
    /// What agents say.
    pub(super) agents: (&'a [Agent], Option<&'a Unseen>),
    /// Their DaemonSet.
    pub(super) daemon_set: &'a Result<Option<Value>, Unseen>,
    /// Now, by the API server's clock.
    pub(super) now: SystemTime,
}

/// Whether the agents are of a thin installation: its DaemonSet installs the plugin on nodes, and nobody reports.
pub(super) fn is_thin(daemon_set: &Result<Option<Value>, Unseen>) -> bool {
    let daemon_set = daemon_set.as_ref().ok().and_then(Option::as_ref);
    daemon_set.is_some_and(installs_alone)
}

/// Judges them.
pub(super) fn judged(seen: &Seen<'_>) -> Finding {
    if is_thin(seen.daemon_set) {
        let evidence = seen.daemon_set.as_ref().ok().and_then(Option::as_ref);
        let evidence = evidence.and_then(rolled_out).into_iter().collect();
        return Finding::of(CHECK, THIN, evidence, Vec::new());
    }
    let (mut issues, mut evidence) = (Vec::new(), Vec::new());
    let (nodes, unseen_nodes) = seen.nodes;
    let (agents, unseen_agents) = seen.agents;
    issues.extend(
        [unseen_nodes, unseen_agents]
            .into_iter()
            .flatten()
            .map(Issue::from),
    );
    match seen.daemon_set {
        Err(unseen) => issues.push(unseen.into()),
        Ok(None) => issues.push(Issue::fail(
            format!(
                "there is no DaemonSet polypod-device-bridge in {}",
                seen.namespace
            ),
            "kubectl apply --server-side -k manifests/base",
        )),
        Ok(Some(daemon_set)) => {
            evidence.extend(rolled_out(daemon_set));
        }
    }
    let selector = seen.daemon_set.as_ref().ok().and_then(Option::as_ref);
    let wanted: Vec<(&str, bool)> = nodes
        .iter()
        .filter(|node| is_selected(node, selector))
        .filter_map(|node| Some((node.pointer("/metadata/name")?.as_str()?, is_ready(node))))
        .collect();
    if nodes.len() > wanted.len() {
        let others = nodes.len() - wanted.len();
        evidence.push(format!(
            "{} of {} are not for the agent",
            others,
            counted(nodes.len(), "node")
        ));
    }
    // Without all agents nobody can be said to have none.
    let by_name: std::collections::HashMap<&str, &Agent> = agents
        .iter()
        .map(|agent| (agent.node.as_str(), agent))
        .collect();
    let (mut none, mut silent, mut down, mut mute) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut good = 0;
    for (name, is_ready) in &wanted {
        let agent = by_name.get(name).copied();
        let reported = agent.and_then(|agent| agent.observed_at);
        let is_fresh = agent.is_some_and(|agent| is_fresh(agent, seen.now));
        match agent {
            _ if !is_ready && !is_fresh => down.push(*name),
            None if unseen_agents.is_none() => none.push(*name),
            None => {}
            // Without its kubelet an agent reports nothing new, which is the check kubelets' to say.
            Some(agent) if !is_fresh && lacks_kubelet(agent) => good += 1,
            Some(_) if !is_fresh => silent.push((*name, reported)),
            Some(agent) if agent.status.is_none() => mute.push(*name),
            Some(_) => good += 1,
        }
    }
    let pods = |node: &str| {
        format!(
            "kubectl -n {} get pods -l app.kubernetes.io/name=polypod-device-bridge -o wide --field-selector spec.nodeName={node}, and its log",
            seen.namespace
        )
    };
    // Affinity and taints keep the DaemonSet from nodes, too; how many, it says itself.
    let spare = spared(selector, nodes.len());
    if !none.is_empty() && nodes.len() - wanted.len() + none.len() <= spare {
        evidence.push(format!(
            "the DaemonSet has no pod for {} besides: {}",
            counted(none.len(), "node"),
            named(&none)
        ));
    } else if let Some(first) = none.first() {
        let text = format!(
            "no agent has reported from {}: {}",
            counted(none.len(), "node"),
            named(&none)
        );
        issues.push(Issue::fail(text, pods(first)));
    }
    if let Some((first, reported)) = silent.first() {
        let names: Vec<&str> = silent.iter().map(|(name, _)| *name).collect();
        let since = reported.map_or("for ever".to_owned(), |at| {
            format!("for {}", age(at, seen.now))
        });
        let text = format!(
            "{} silent, {first} {since}: {}",
            if names.len() == 1 {
                "the agent of 1 node is".to_owned()
            } else {
                format!("the agents of {} nodes are", names.len())
            },
            named(&names)
        );
        issues.push(Issue::fail(text, pods(first)));
    }
    if !down.is_empty() {
        let text = format!(
            "{} not Ready themselves: {}",
            counted(down.len(), "node"),
            named(&down)
        );
        issues.push(Issue::warn(text, "kubectl get nodes"));
    }
    if !mute.is_empty() {
        let text = format!(
            "the agents of {} do not say how they are, which those of 0.1.0 and later do: {}",
            counted(mute.len(), "node"),
            named(&mute)
        );
        issues.push(Issue::warn(text, "see the checks crds and versions"));
    }
    for ((_, reason), (names, message)) in Said::by(&current(seen), SERVING).bad {
        let text = format!(
            "the agent answers no plugins on {} ({reason}: {message}): {}",
            counted(names.len(), "node"),
            named(&names)
        );
        let first = names.first().map(String::as_str).unwrap_or_default();
        issues.push(Issue::fail(text, pods(first)));
    }
    if nodes.is_empty() && unseen_nodes.is_none() {
        issues.push(Issue::warn("there is no node", "kubectl get nodes"));
    }
    let good = format!(
        "the agents of all {} report and serve",
        counted(good, "node")
    );
    Finding::of(CHECK, good, evidence, issues)
}

/// What agents say that are meant to run and whose word is not old. One that was stopped with its node, or has no business there
/// any more, has left its last word.
pub(super) fn current(seen: &Seen<'_>) -> Vec<Agent> {
    let (nodes, unseen_nodes) = seen.nodes;
    let selector = seen.daemon_set.as_ref().ok().and_then(Option::as_ref);
    let wanted: std::collections::HashSet<&str> = nodes
        .iter()
        .filter(|node| is_selected(node, selector))
        .filter_map(|node| node.pointer("/metadata/name")?.as_str())
        .collect();
    let (agents, _) = seen.agents;
    let current = agents.iter().filter(|agent| {
        (unseen_nodes.is_some() || wanted.contains(agent.node.as_str()))
            && (is_fresh(agent, seen.now) || lacks_kubelet(agent))
    });
    current.cloned().collect()
}

fn is_fresh(agent: &Agent, now: SystemTime) -> bool {
    let reported = agent.observed_at;
    reported.is_some_and(|at| now.duration_since(at).unwrap_or_default() <= STALE_AFTER)
}

fn lacks_kubelet(agent: &Agent) -> bool {
    let status = agent.status.as_ref();
    let condition = status.and_then(|status| status.condition(KUBELET_ANSWERS));
    condition.is_some_and(|condition| condition.status == "False")
}

/// How far the DaemonSet has come.
fn rolled_out(daemon_set: &Value) -> Option<String> {
    let status = &daemon_set["status"];
    let number = |key: &str| status[key].as_u64().unwrap_or_default();
    let desired = status["desiredNumberScheduled"].as_u64()?;
    Some(format!(
        "of the DaemonSet polypod-device-bridge {} of {desired} are ready, {} as it is written now",
        counted(
            usize::try_from(number("numberReady")).unwrap_or(usize::MAX),
            "pod"
        ),
        number("updatedNumberScheduled"),
    ))
}

/// Whether the node is one for the agent: Linux, and with the labels that the DaemonSet wants.
fn is_selected(node: &Value, daemon_set: Option<&Value>) -> bool {
    let labels = &node["metadata"]["labels"];
    if labels["kubernetes.io/os"]
        .as_str()
        .is_some_and(|os| os != "linux")
    {
        return false;
    }
    let selector =
        daemon_set.and_then(|set| set.pointer("/spec/template/spec/nodeSelector")?.as_object());
    let mut wanted = selector.into_iter().flatten();
    // Of a node without that label nobody has said that it is another system's.
    wanted.all(|(key, value)| {
        labels[key] == *value || (key == "kubernetes.io/os" && labels[key].is_null())
    })
}

fn is_ready(node: &Value) -> bool {
    let conditions = node.pointer("/status/conditions").and_then(Value::as_array);
    let mut conditions = conditions.into_iter().flatten();
    conditions.any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

#[cfg(test)]
#[path = "bridges_tests.rs"]
mod tests;
