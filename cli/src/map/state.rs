//! How a node is, out of what its Node, its report and its agent say.

use std::time::SystemTime;

use api::{
    node_inventory::{NodeInventory, READY},
    pod::PodCondition,
};
use scheduler::policy::STALE_AFTER;

use super::{
    document::{Amount, Reason, State, Zone},
    seen::NodeSeen,
};

/// What of a node is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    /// Its Node; the outer `None` where no Node was seen at all, so that nothing can be said of one.
    pub(super) node: Option<Option<&'a NodeSeen>>,
    pub(super) inventory: Option<&'a NodeInventory>,
    /// Whether a NodeResourceTopology reports.
    pub(super) has_topology: bool,
    pub(super) zones: &'a [Zone],
    pub(super) amounts: &'a [Amount],
    /// The moment that the document is of.
    pub(super) now: Option<SystemTime>,
}

/// How a node is, and why it is not simply ready.
pub(super) fn of(known: &Known<'_>) -> (State, Vec<Reason>) {
    let mut found = Vec::new();
    match known.node {
        Some(None) => found.push((State::Degraded, plain("there is no Node of this name"))),
        Some(Some(node)) => found.extend(not_ready(node.ready.as_ref())),
        None => {}
    }
    match known.inventory {
        Some(inventory) => {
            found.extend(agent(inventory));
            found.extend(stale(inventory, known.now));
        }
        None if !known.has_topology => {
            let text = "no NodeInventory: the device-bridge does not report from there";
            found.push((State::Unreported, plain(text)));
        }
        None => {}
    }
    for function in known.zones.iter().flat_map(|zone| &zone.functions) {
        // Drivers of claims tell of every port, whether anybody means to use it or not.
        let mut groups = function.groups.iter();
        let is_used = groups.any(|group| group.driver.is_none() || !group.held.is_empty());
        if function.link_up == Some(false) && is_used {
            let name = function.interface.as_ref().or(function.address.as_ref());
            let name = name.map_or("a physical function", String::as_str);
            found.push((State::Degraded, plain(&format!("{name} has no link"))));
        }
    }
    for amount in known.amounts.iter().filter(|amount| amount.unhealthy > 0) {
        let text = format!("{} of {} not healthy", amount.unhealthy, amount.resource);
        found.push((State::Degraded, plain(&text)));
    }
    found.sort_by_key(|(state, _)| std::cmp::Reverse(*state));
    let worst = found.first().map_or(State::Ready, |(state, _)| *state);
    (worst, found.into_iter().map(|(_, reason)| reason).collect())
}

fn plain(text: &str) -> Reason {
    Reason {
        text: text.to_owned(),
        since: None,
    }
}

fn not_ready(condition: Option<&PodCondition>) -> Option<(State, Reason)> {
    // A Node in a manifest has no conditions.
    let condition = condition.filter(|condition| condition.status != "True")?;
    let words = match (condition.message.as_str(), condition.reason.as_str()) {
        ("", "") => "it does not say why",
        ("", reason) => reason,
        (message, _) => message,
    };
    let reason = Reason {
        text: format!("the Node is not ready: {words}"),
        since: condition.last_transition_time.clone(),
    };
    Some((State::Down, reason))
}

fn agent(inventory: &NodeInventory) -> Option<(State, Reason)> {
    let ready = inventory.status.as_ref()?.condition(READY)?;
    (ready.status != "True").then(|| {
        let reason = Reason {
            text: format!("the device-bridge: {}: {}", ready.reason, ready.message),
            since: Some(ready.last_transition_time.0.to_string()),
        };
        (State::Degraded, reason)
    })
}

fn stale(inventory: &NodeInventory, now: Option<SystemTime>) -> Option<(State, Reason)> {
    let observed = SystemTime::from(inventory.observed_at.as_ref()?.0);
    let is_stale = now?.duration_since(observed).ok()? > STALE_AFTER;
    is_stale.then(|| {
        let reason = Reason {
            text: "its NodeInventory is not renewed".to_owned(),
            since: Some(humantime::format_rfc3339_seconds(observed).to_string()),
        };
        (State::Degraded, reason)
    })
}
