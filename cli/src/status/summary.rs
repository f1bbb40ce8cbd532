//! An installation at a glance; a function of what was seen.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::SystemTime,
};

use api::{network::Network, node_inventory::NodeInventory, pod::Pod};
use serde::Serialize;
use serde_json::Value;

use super::{
    component::{self, Component, Wanted},
    degraded::Degraded,
    node::{Agent, Node, NodeAtAGlance, node},
};
use crate::{
    attachments::{Attachment, State, Surroundings, Told},
    cluster::{Cause, Listed, Unseen},
    output::instant,
};

/// What is said of a part of which nothing is seen.
const UNSEEN: &str = "cannot be seen";

/// What was seen of a cluster.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// The namespace of the installation.
    pub(super) installed_in: String,
    pub(super) deployments: Listed,
    pub(super) daemon_sets: Listed,
    pub(super) nodes: Listed<Node>,
    pub(super) inventories: Listed<NodeInventory>,
    pub(super) networks: Listed,
    pub(super) pods: Listed<Pod>,
    pub(super) told: Listed<Told>,
}

/// How an installation is. The fields are the documented form of `-o json`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    /// Its parts, each in a line.
    pub(super) summary: Vec<Line>,
    /// What is not as it ought to be.
    pub(super) degraded: Vec<Degraded>,
    /// Its nodes.
    pub(super) nodes: Vec<NodeAtAGlance>,
    /// What could not be seen.
    pub(super) unseen: Vec<Unseen>,
}

/// A part of an installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Line {
    /// The part.
    pub(super) part: &'static str,
    /// How it is.
    pub(super) state: Health,
    /// How much of it is how.
    pub(super) text: String,
}

/// How a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) enum Health {
    /// As it ought to be.
    Ok,
    /// Not as it ought to be.
    Degraded,
    /// It cannot be seen, or not all of it.
    Unknown,
}

impl Seen {
    /// Why nothing was seen, if nothing was.
    pub(super) fn blind(&self) -> Option<String> {
        let all: Vec<&Unseen> = self.unseen().collect();
        let is_blind = all.len() == 7
            && self.nodes.items.is_empty()
            && self.inventories.items.is_empty()
            && self.pods.items.is_empty();
        is_blind.then(|| all.iter().map(|one| format!("\n  {one}")).collect())
    }

    /// When the newest report was written.
    pub(super) fn newest(&self) -> Option<SystemTime> {
        let reports = self.inventories.items.iter();
        let times = reports.filter_map(|report| report.observed_at.as_ref());
        times.filter_map(|at| instant(&at.0.to_string())).max()
    }

    fn unseen(&self) -> impl Iterator<Item = &Unseen> {
        let all = [
            &self.deployments.unseen,
            &self.daemon_sets.unseen,
            &self.nodes.unseen,
            &self.inventories.unseen,
            &self.networks.unseen,
            &self.pods.unseen,
            &self.told.unseen,
        ];
        all.into_iter().flatten()
    }
}

/// How the installation is.
pub(super) fn status(seen: Seen, now: SystemTime) -> Status {
    let unseen: Vec<Unseen> = seen.unseen().cloned().collect();
    let mut degraded = Vec::new();
    let webhook = named(&seen.deployments, "polypod-webhook");
    let webhook = component::deployment(webhook, "polypod-webhook", &seen.installed_in);
    let agents = named(&seen.daemon_sets, "polypod-device-bridge");
    let wanted = component::wanted(
        agents,
        seen.nodes.items.len(),
        seen.daemon_sets.unseen.is_none(),
    );
    let agents = component::daemon_set(agents, "polypod-device-bridge", &seen.installed_in);
    let mut summary = vec![
        line(
            "webhook",
            &seen.deployments,
            &webhook,
            "replicas",
            &mut degraded,
        ),
        line(
            "device-bridge",
            &seen.daemon_sets,
            &agents,
            "agents",
            &mut degraded,
        ),
    ];
    let counted = seen.networks.items.len();
    // One that cannot be read hides no other.
    let unseen_reports = seen.inventories.unseen.as_ref();
    let is_seen = unseen_reports.is_none_or(|unseen| unseen.cause == Cause::Malformed);
    let is_whole = unseen_reports.is_none();
    let surroundings =
        Surroundings::of(seen.networks.items, seen.inventories.items, seen.told.items);
    let attachments: Vec<Attachment> = seen
        .pods
        .items
        .iter()
        .flat_map(|pod| surroundings.attachments(pod))
        .filter(|one| !one.is_default)
        .collect();
    let nodes = nodes(
        &seen.nodes.items,
        &surroundings,
        &attachments,
        &wanted,
        is_seen,
        now,
    );
    let (nodes, wrong): (Vec<_>, Vec<_>) = nodes.into_iter().unzip();
    let before = degraded.len();
    degraded.extend(wrong.into_iter().flatten());
    let is_partial = !is_whole || seen.nodes.unseen.is_some();
    summary.push(told(
        "nodes",
        degraded.len() - before,
        is_partial,
        nodes_in_words(&nodes),
    ));
    let before = degraded.len();
    degraded.extend(broken(&surroundings));
    let count = degraded.len() - before;
    let text = match count {
        0 if counted == 0 && seen.networks.unseen.is_some() => UNSEEN.to_owned(),
        0 => format!("NetworkAttachmentDefinitions: {counted}"),
        count => format!("NetworkAttachmentDefinitions: {counted}, of which broken: {count}"),
    };
    summary.push(told(
        "networks",
        count,
        seen.networks.unseen.is_some(),
        text,
    ));
    let before = degraded.len();
    degraded.extend(by_pod(&attachments));
    summary.push(told(
        "attachments",
        degraded.len() - before,
        seen.pods.unseen.is_some(),
        attachments_in_words(&attachments),
    ));
    summary.push(devices_in_words(&nodes, !is_whole));
    Status {
        summary,
        degraded,
        nodes,
        unseen,
    }
}

fn named<'a>(listed: &'a Listed, name: &str) -> Option<&'a Value> {
    let mut items = listed.items.iter();
    items.find(|object| object["metadata"]["name"] == name)
}

/// A part of which something is seen.
fn told(part: &'static str, degraded: usize, is_partial: bool, text: String) -> Line {
    let state = match (degraded, is_partial) {
        (1.., _) => Health::Degraded,
        (0, true) => Health::Unknown,
        (0, false) => Health::Ok,
    };
    Line { part, state, text }
}

fn line(
    part: &'static str,
    listed: &Listed,
    found: &Component,
    of: &str,
    degraded: &mut Vec<Degraded>,
) -> Line {
    let Component { ready, wanted, .. } = found;
    if listed.unseen.is_some() {
        return told(part, 0, true, UNSEEN.to_owned());
    }
    degraded.extend(found.degraded.clone());
    let text = match found.degraded.as_ref() {
        Some(degraded) if degraded.reason == "NotInstalled" => "not installed".to_owned(),
        _ => format!("{ready} of {wanted} {of} ready"),
    };
    told(part, usize::from(found.degraded.is_some()), false, text)
}

fn nodes(
    seen: &[Node],
    surroundings: &Surroundings,
    attachments: &[Attachment],
    wanted: &Wanted,
    is_seen: bool,
    now: SystemTime,
) -> Vec<(NodeAtAGlance, Option<Degraded>)> {
    let by_name: BTreeMap<&str, &Node> = seen.iter().map(|node| (&*node.name, node)).collect();
    let mut on: BTreeMap<&str, Vec<Attachment>> = BTreeMap::new();
    for one in attachments.iter().filter(|one| !one.node.is_empty()) {
        on.entry(&one.node).or_default().push(one.clone());
    }
    let reported = surroundings.inventories();
    let names: BTreeSet<&str> = by_name
        .keys()
        .copied()
        .chain(reported.keys().map(String::as_str))
        .chain(on.keys().copied())
        .collect();
    let nodes = names.into_iter().map(|name| {
        let attachments = on.get(name).map_or(&[][..], Vec::as_slice);
        let (object, inventory) = (by_name.get(name).copied(), reported.get(name));
        node(name, object, inventory, attachments, wanted, is_seen, now)
    });
    let mut nodes: Vec<_> = nodes.collect();
    if let Wanted::Labelled(_, spared) = wanted {
        let has_none = |agent: Agent| matches!(agent, Agent::Absent | Agent::NotWanted);
        let without = nodes
            .iter()
            .filter(|(node, _)| has_none(node.agent))
            .count();
        let absent = nodes
            .iter_mut()
            .filter(|(node, _)| node.agent == Agent::Absent);
        if without <= *spared {
            // The DaemonSet has a pod for every other node, and none for these.
            for (node, degraded) in absent {
                node.agent = Agent::NotWanted;
                node.since = None;
                *degraded = None;
            }
        }
    }
    nodes
}

fn nodes_in_words(nodes: &[NodeAtAGlance]) -> String {
    let mut by_agent: BTreeMap<Agent, usize> = BTreeMap::new();
    let mut versions: BTreeSet<&str> = BTreeSet::new();
    for node in nodes {
        *by_agent.entry(node.agent).or_default() += 1;
        versions.extend(node.agent_version.as_deref());
    }
    let agents = by_agent.into_iter().map(|(agent, count)| {
        let words = match agent {
            Agent::Ready => "ready",
            Agent::Reporting => "reporting",
            Agent::NotReady => "not ready",
            Agent::Silent => "silent",
            Agent::Absent => "without an agent",
            Agent::NotWanted => "without need of one",
            Agent::Unknown => "unknown",
        };
        format!("{count} {words}")
    });
    let agents: Vec<String> = agents.collect();
    let mut text = format!("nodes: {}", nodes.len());
    if !agents.is_empty() {
        text = format!("{text}, {}", agents.join(", "));
    }
    if !versions.is_empty() {
        let versions: Vec<&str> = versions.into_iter().collect();
        text = format!("{text}; agents of {}", versions.join(", "));
    }
    text
}

/// Networks that no pod can be attached to as they stand.
fn broken(surroundings: &Surroundings) -> Vec<Degraded> {
    let fault = |network: &Network| {
        let conf = network.conf.as_ref().err().map(ToString::to_string);
        conf.or_else(|| network.resource.as_ref().err().map(ToString::to_string))
    };
    let networks = surroundings.networks().iter();
    let mut broken: Vec<Degraded> = networks
        .filter_map(|(name, network)| {
            Some(Degraded {
                what: format!("network/{name}"),
                since: None,
                reason: "BrokenNetwork".to_owned(),
                message: format!("pods that select it do not start: {}", fault(network)?),
            })
        })
        .collect();
    broken.sort_by(|one, other| one.what.cmp(&other.what));
    broken
}

/// Pods with an attachment that is failing or missing; each once, with what is said first.
fn by_pod(attachments: &[Attachment]) -> Vec<Degraded> {
    let mut pods: BTreeMap<String, Vec<&Attachment>> = BTreeMap::new();
    for one in attachments.iter().filter(|one| one.state.is_degraded()) {
        let what = format!("pod/{}/{}", one.namespace, one.pod);
        pods.entry(what).or_default().push(one);
    }
    let degraded = pods.into_iter().map(|(what, attachments)| {
        let networks: Vec<&str> = attachments.iter().map(|one| one.network.as_str()).collect();
        let first = attachments.first();
        let why = first
            .and_then(|one| one.message.as_deref())
            .unwrap_or_default();
        let state = first.map_or(State::Missing, |one| one.state);
        Degraded {
            what,
            since: first.and_then(|one| one.since.clone()),
            reason: format!("Attachment{state:?}"),
            message: format!("{}: {why}", networks.join(", ")),
        }
    });
    degraded.collect()
}

fn attachments_in_words(attachments: &[Attachment]) -> String {
    let pods: BTreeSet<(&str, &str)> = attachments
        .iter()
        .map(|one| (one.namespace.as_str(), one.pod.as_str()))
        .collect();
    let count = |state| attachments.iter().filter(|one| one.state == state).count();
    let states = [
        (State::Attached, "attached"),
        (State::Awaited, "awaited"),
        (State::Failing, "failing"),
        (State::Missing, "missing"),
        (State::Unknown, "unknown"),
    ];
    let states = states.map(|(state, words)| (count(state), words));
    let states = states.iter().filter(|(count, _)| *count > 0);
    let states: Vec<String> = states
        .map(|(count, words)| format!("{count} {words}"))
        .collect();
    match states.is_empty() {
        true => "no pod has networks beside the cluster's".to_owned(),
        false => format!(
            "pods: {}; attachments: {}, {}",
            pods.len(),
            attachments.len(),
            states.join(", ")
        ),
    }
}

fn devices_in_words(nodes: &[NodeAtAGlance], is_partial: bool) -> Line {
    let sum = |of: fn(&NodeAtAGlance) -> u64| nodes.iter().map(of).fold(0, u64::saturating_add);
    let (devices, held) = (sum(|node| node.devices), sum(|node| node.held_devices));
    let with = nodes.iter().filter(|node| node.devices > 0).count();
    let text = format!(
        "devices: {devices} on {with} of {} nodes, {held} held, {} free",
        nodes.len(),
        devices.saturating_sub(held)
    );
    let text = if is_partial && devices == 0 {
        UNSEEN.to_owned()
    } else {
        text
    };
    told("devices", 0, is_partial, text)
}
