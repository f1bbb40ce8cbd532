//! A node: its agent by its own account, its pods with networks, its devices.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::SystemTime,
};

use api::{
    node_inventory::{NodeInventory, READY},
    pod::Metadata,
};
use scheduler::{policy::STALE_AFTER, resource::Kind};
use serde::{Deserialize as _, Serialize};
use serde_json::Value;

use super::{component::Wanted, degraded::Degraded};
use crate::{attachments::Attachment, output::instant};

/// What is read of a Node.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Its name.
    pub(super) name: String,
    labels: BTreeMap<String, String>,
    /// Since when the kubelet has not been well (RFC 3339), if it is not.
    not_ready_since: Option<String>,
}

/// A node at a glance. The fields are the documented form of `-o json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NodeAtAGlance {
    /// The node.
    pub(super) node: String,
    /// How its agent is.
    pub(super) agent: Agent,
    /// Since when (RFC 3339), where anybody says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) since: Option<String>,
    /// The version of the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) agent_version: Option<String>,
    /// The version of the plugin that is installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) plugin_version: Option<String>,
    /// When it was reported last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) observed_at: Option<String>,
    /// Pods with attachments beside the cluster network's, had or wanted.
    pub(super) pods: usize,
    /// These attachments.
    pub(super) attachments: usize,
    /// Those of them that are failing or missing.
    pub(super) degraded_attachments: usize,
    /// The networks that they are of.
    pub(super) networks: BTreeSet<String>,
    /// Its healthy devices of all resources.
    pub(super) devices: u64,
    /// Those that pods hold.
    pub(super) held_devices: u64,
}

/// How a node's agent is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) enum Agent {
    /// It says so.
    Ready,
    /// It reports, and says nothing of how it is.
    Reporting,
    /// It says that it is not.
    NotReady,
    /// Its last report is old.
    Silent,
    /// It ought to be there and has never reported.
    Absent,
    /// No agent is wanted on this node.
    NotWanted,
    /// It cannot be seen whether there is one.
    #[default]
    Unknown,
}

impl Node {
    /// What a Node says.
    pub(super) fn of(object: &Value) -> Option<Self> {
        let metadata = Metadata::deserialize(&object["metadata"]).ok()?;
        let conditions = object
            .pointer("/status/conditions")
            .and_then(Value::as_array);
        let mut conditions = conditions.into_iter().flatten();
        let ready = conditions.find(|condition| condition["type"] == "Ready");
        let not_ready = ready.filter(|ready| ready["status"] != "True");
        let since = not_ready.map(|ready| ready["lastTransitionTime"].as_str().unwrap_or_default());
        Some(Self {
            name: metadata.name,
            labels: metadata.labels,
            not_ready_since: since.map(str::to_owned),
        })
    }

    fn has(&self, labels: &[(String, String)]) -> bool {
        let has = |(key, value): &(String, String)| self.labels.get(key) == Some(value);
        labels.iter().all(has)
    }
}

/// A node at a glance, and what is wrong with it. `wanted` says which nodes are to have an agent; `is_seen` is whether reports
/// can be seen at all.
pub(super) fn node(
    name: &str,
    node: Option<&Node>,
    inventory: Option<&NodeInventory>,
    attachments: &[Attachment],
    wanted: &Wanted,
    is_seen: bool,
    now: SystemTime,
) -> (NodeAtAGlance, Option<Degraded>) {
    let (agent, degraded) = judged(name, node, inventory, wanted, is_seen, now);
    let status = inventory.and_then(|inventory| inventory.status.as_ref());
    let ready = status.and_then(|status| status.condition(READY));
    let observed = inventory.and_then(|inventory| inventory.observed_at.as_ref());
    let resources = inventory.map_or(&[][..], |inventory| &inventory.inventory.resources);
    let devices = resources
        .iter()
        .filter(|amount| Kind::of(&amount.name) == Kind::Device);
    let (mut count, mut free) = (0_u64, 0_u64);
    for amount in devices {
        count = count.saturating_add(amount.allocatable);
        free = free.saturating_add(amount.available.min(amount.allocatable));
    }
    let pods: BTreeSet<(&str, &str)> = attachments
        .iter()
        .map(|one| (one.namespace.as_str(), one.pod.as_str()))
        .collect();
    let is_degraded = |one: &&Attachment| one.state.is_degraded();
    let since = degraded.as_ref().map_or_else(
        || ready.map(|ready| ready.last_transition_time.0.to_string()),
        |degraded| degraded.since.clone(),
    );
    let glance = NodeAtAGlance {
        node: name.to_owned(),
        agent,
        since,
        agent_version: status.and_then(|status| status.agent_version.clone()),
        plugin_version: status.and_then(|status| status.plugin_version.clone()),
        observed_at: observed.map(|at| at.0.to_string()),
        pods: pods.len(),
        attachments: attachments.len(),
        degraded_attachments: attachments.iter().filter(is_degraded).count(),
        networks: attachments.iter().map(|one| one.network.clone()).collect(),
        devices: count,
        held_devices: count.saturating_sub(free),
    };
    (glance, degraded)
}

fn judged(
    name: &str,
    node: Option<&Node>,
    inventory: Option<&NodeInventory>,
    wanted: &Wanted,
    is_seen: bool,
    now: SystemTime,
) -> (Agent, Option<Degraded>) {
    let wrong = |since: Option<String>, reason: &str, message: String| {
        Some(Degraded {
            what: format!("node/{name}"),
            since: since.filter(|since| !since.is_empty()),
            reason: reason.to_owned(),
            message,
        })
    };
    let not_ready = node.and_then(|node| node.not_ready_since.clone());
    let is_wanted = match wanted {
        Wanted::Labelled(labels, _) => Some(node.is_none_or(|node| node.has(labels))),
        Wanted::Nowhere => Some(false),
        Wanted::Unseen => None,
    };
    let Some(inventory) = inventory else {
        return match is_wanted.filter(|_| is_seen) {
            None => (Agent::Unknown, None),
            Some(false) => (Agent::NotWanted, None),
            Some(true) => {
                let message = "no agent has reported from it, or not so that it can be read; its pod of the DaemonSet and that one's log say why";
                (
                    Agent::Absent,
                    wrong(not_ready, "NoReport", message.to_owned()),
                )
            }
        };
    };
    let observed = inventory.observed_at.as_ref().map(|at| at.0.to_string());
    let at = observed.as_deref().and_then(instant);
    let age = at.map(|at| now.duration_since(at).unwrap_or_default());
    if age.is_some_and(|age| age > STALE_AFTER) {
        // One that has no business there any more has left its last word.
        if is_wanted == Some(false) {
            return (Agent::NotWanted, None);
        }
        let (reason, why) = match not_ready {
            Some(_) => ("NodeNotReady", "the node itself is not ready"),
            None => (
                "Silent",
                "its pod of the DaemonSet and that one's log say why",
            ),
        };
        let message = format!("its agent has not reported for more than three minutes; {why}");
        return (Agent::Silent, wrong(observed, reason, message));
    }
    let status = inventory.status.as_ref();
    let Some(ready) = status.and_then(|status| status.condition(READY)) else {
        return (Agent::Reporting, None);
    };
    if ready.status == "True" {
        return (Agent::Ready, None);
    }
    let since = ready.last_transition_time.0.to_string();
    let degraded = wrong(Some(since), &ready.reason, ready.message.clone());
    (Agent::NotReady, degraded)
}
