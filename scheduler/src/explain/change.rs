//! What would have to change on a node, in words.

use std::fmt::Write as _;

use api::topology_manager::Policy;
use serde::Serialize;

use super::{
    demanded::{Quantities, quantities},
    node::numbers,
};
use crate::{
    demand::Spread,
    engine::{Account, Engine, Question},
    missing::{self, Missing},
    moment::Moment,
    node::Node,
    placement::Refusal,
    resource::{Kind, ResourceId, Resources},
    words::Amount,
    zones::ZoneMask,
};

/// What would have to change for a pod to fit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// In words.
    pub words: String,
    /// How much more of which resources, where that is it.
    #[serde(skip_serializing_if = "Quantities::is_empty")]
    pub more: Quantities,
    /// The sets of zones, by the kernel's numbers, in any one of which; none where it does not matter where.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<Vec<u32>>,
    /// Whether the pod would fit then. Where it is false, more is missing after that.
    pub is_enough: bool,
    /// Whether it could be had of pods that leave.
    pub can_be_freed: bool,
}

pub(super) fn changes(
    refusal: Refusal,
    account: Option<Account<'_>>,
    engine: &Engine,
    question: &Question<'_>,
    now: Moment,
) -> Vec<Change> {
    let nothing = Node::default();
    let node = account.as_ref().map_or(&nothing, |account| account.node());
    let said = |words: String| vec![Change::of(words)];
    match refusal {
        Refusal::UnknownNode => said("a Node of this name".to_owned()),
        Refusal::NoReport => said(
            "a NodeInventory or NodeResourceTopology of this node: the device-bridge must run there"
                .to_owned(),
        ),
        Refusal::Stale => said("a new report: see whether the device-bridge runs there".to_owned()),
        Refusal::Faulty => said("a report that does not contradict itself".to_owned()),
        Refusal::NoSuchResource => {
            let names = question.need().unknown.join(", ");
            let names = if names.is_empty() { "what the pod demands" } else { &names };
            said(format!("a device plugin that has {names}, on any node"))
        }
        Refusal::SetAside => said(set_aside(account, question, now)),
        Refusal::LinkDown { .. } => {
            let down = account.map(|account| without_link(&account).join(" or "));
            said(format!("a link on {}", down.unwrap_or_default()))
        }
        Refusal::Spread { found, wanted } => {
            let what = match question.demand().spread {
                Some(Spread::Switch) => "switches",
                Some(Spread::PhysicalFunction) | None => "physical functions",
            };
            let more = wanted.saturating_sub(found);
            said(format!("a free device on {more} more {what} in the pod's zones"))
        }
        Refusal::Short { .. } | Refusal::Container { .. } | Refusal::Pod { .. } => {
            of_amounts(node, engine, question)
        }
    }
}

impl Change {
    /// Something that nobody can give back.
    fn of(words: String) -> Self {
        Self {
            words,
            ..Self::default()
        }
    }

    fn more(missing: &Missing, node: &Node, resources: &Resources) -> Self {
        let mut words = join(
            missing.more.iter().map(|more| amount(*more, resources)),
            " and ",
        );
        words.push_str(&place(&missing.zones, node));
        if !missing.can_be_freed {
            words.push_str(", which is more than it has in all");
        }
        if !missing.is_enough {
            words.push_str("; more is missing then");
        }
        Self {
            words,
            more: quantities(&missing.more, resources),
            zones: missing
                .zones
                .iter()
                .map(|zones| numbers(node, *zones))
                .collect(),
            is_enough: missing.is_enough,
            can_be_freed: missing.can_be_freed,
        }
    }
}

/// More of something, or less insisted on by the kubelet.
fn of_amounts(node: &Node, engine: &Engine, question: &Question<'_>) -> Vec<Change> {
    let need = question.need();
    let missing = missing::missing(node, need);
    let more = missing
        .iter()
        .map(|one| Change::more(one, node, engine.resources()));
    let mut changes: Vec<Change> = more.collect();
    let policy = node.policy;
    let is_strict = matches!(policy, Policy::Restricted | Policy::SingleNumaNode);
    if is_strict && missing::fits_unaligned(node, need) {
        let mut words = format!(
            "the kubelet's policy, which is {policy}: with best-effort there would be enough on the node as a whole"
        );
        if changes.is_empty() {
            // Writing to a text cannot fail.
            let _ = write!(
                words,
                "; with {policy} no pod that leaves makes a difference"
            );
        }
        changes.push(Change {
            words,
            is_enough: true,
            ..Change::default()
        });
    }
    changes
}

fn amount((resource, more): (ResourceId, i64), resources: &Resources) -> String {
    let (name, kind) = (resources.name(resource), resources.kind(resource));
    let amount = Amount(kind, more);
    match kind {
        Kind::Cpu if more == 1000 => format!("{amount} more CPU"),
        Kind::Cpu => format!("{amount} more CPUs"),
        Kind::Memory | Kind::HugePages | Kind::HostLevel | Kind::Device => {
            format!("{amount} more {name}")
        }
    }
}

/// ` in zone 0 or 1`, ` in zones 0+1 or 2+3`, ` on the node`.
fn place(zones: &[ZoneMask], node: &Node) -> String {
    let set = |zones: &ZoneMask| join(numbers(node, *zones).iter().map(u32::to_string), "+");
    match zones {
        [] => " on the node".to_owned(),
        [first, ..] => {
            let zone = if first.count() == 1 { "zone" } else { "zones" };
            format!(" in {zone} {}", join(zones.iter().map(set), " or "))
        }
    }
}

fn join(parts: impl Iterator<Item = String>, between: &str) -> String {
    parts.collect::<Vec<_>>().join(between)
}

fn set_aside(account: Option<Account<'_>>, question: &Question<'_>, now: Moment) -> String {
    let demand = question.demand();
    let until = account.zip(demand.owner.as_deref());
    let until = until.and_then(|(account, owner)| account.set_aside(&demand.namespace, owner, now));
    match until {
        Some(until) => format!("{} seconds have to pass", until.since(now).as_secs() + 1),
        None => "some time has to pass".to_owned(),
    }
}

/// The PCI addresses of the physical functions that are known to have no link.
fn without_link<'e>(account: &Account<'e>) -> Vec<&'e str> {
    let all = account.node().functions.iter().zip(account.functions());
    let down = all.filter(|(function, _)| function.link_up == Some(false));
    down.map(|(_, address)| address).collect()
}
