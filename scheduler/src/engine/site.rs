//! One node: what was reported of it, who is bound to it, and what follows.

use std::{mem, sync::Arc};

use super::{
    Outcome,
    aside::{Aside, set_aside},
    facts::{Arrived, Holder},
    growth::growth,
    hidden,
    layout::layout,
    ledger::{Entry, Standing, listed},
    prediction::Prediction,
    worlds::Worlds,
};
use crate::{
    align::{Scratch, align},
    moment::Moment,
    need::Need,
    node::Node,
    placement::Refusal,
    policy::{Openness, Policy},
    report::Source,
    resource::{Kind, ResourceId, Resources},
    zones::ZoneMask,
};

/// A node.
#[derive(Clone, Debug, Default)]
pub(super) struct Site {
    /// Extended resources of `status.allocatable`, sorted; nothing while the Node was not seen.
    pub(super) allocatable: Option<Box<[(ResourceId, i64)]>>,
    pub(super) inventory: Option<Box<Arrived>>,
    pub(super) topology: Option<Box<Arrived>>,
    /// In the order in which they were bound.
    pub(super) ledger: Vec<Entry>,
    /// Owners whose pods the kubelet refused, or put elsewhere than was predicted.
    pub(super) set_aside: Vec<Aside>,
    /// What follows from all that: what is free at least.
    pub(super) node: Node,
    /// How it may be, where more than one way is possible.
    pub(super) worlds: Box<[Node]>,
}

impl Site {
    /// The report that holds.
    pub(super) fn report(&self) -> Option<&Arrived> {
        self.inventory.as_deref().or(self.topology.as_deref())
    }

    /// Reads a little of each place that decisions read.
    pub(super) fn touch(&self) -> u64 {
        let node = &self.node;
        let stocks = node.stocks.iter().step_by(2);
        let stocks = stocks.fold(0, |sum, stock| sum ^ stock.free);
        let cells = node.cells.iter().step_by(2);
        let cells = cells.fold(stocks, |sum, cell| sum ^ cell.free);
        let devices = node.function_cells.iter().step_by(2);
        let devices = devices.fold(cells, |sum, cell| sum ^ cell.free);
        let function = node.functions.first();
        let is_known = function.is_some_and(|function| function.link_up.is_some());
        let is_inventory = self
            .report()
            .is_some_and(|report| matches!(report.facts.source, Source::Inventory(_)));
        let turn = self.report().map_or(0, |report| report.turn);
        let flags = u64::from(is_known) ^ u64::from(is_inventory);
        turn ^ flags ^ devices.unsigned_abs() ^ self.set_aside.len() as u64
    }

    /// Whether nothing is known of it any more.
    pub(super) fn is_empty(&self) -> bool {
        self.allocatable.is_none()
            && self.report().is_none()
            && self.ledger.is_empty()
            && self.set_aside.is_empty()
    }

    /// Whether the report is so old that it cannot be relied on.
    pub(super) fn is_stale(&self, policy: &Policy, now: Moment) -> bool {
        self.report().is_some_and(|report| {
            matches!(report.facts.source, Source::Inventory(_))
                && now.since(report.at) > policy.stale_after
        })
    }

    /// Why pods that demand devices are not offered the node, whatever it has.
    pub(super) fn closed(&self, policy: &Policy, now: Moment) -> Option<Refusal> {
        if self.report().is_none() && policy.unreported == Openness::Closed {
            return Some(Refusal::NoReport);
        }
        let is_closed = policy.stale == Openness::Closed && self.is_stale(policy, now);
        is_closed.then_some(Refusal::Stale)
    }

    /// Whether pods that demand devices may be bound to it.
    pub(super) fn is_open(&self, policy: &Policy, now: Moment) -> bool {
        self.allocatable.is_some() && self.closed(policy, now).is_none()
    }

    /// Whether time alone changes something.
    pub(super) fn is_due(&self, policy: &Policy, now: Moment) -> bool {
        let report = self.report();
        let mut assumed = self.ledger.iter();
        assumed.any(|entry| {
            entry.standing == Standing::Assumed
                && entry.standing(report, None, policy, now) != Standing::Assumed
        })
    }

    /// Makes the node anew. `was_open` says whether it could be had before whatever has changed.
    pub(super) fn settle(
        &mut self,
        name: &str,
        was_open: bool,
        (policy, resources, now): (&Policy, &Resources, Moment),
        scratch: &mut Scratch,
    ) -> Vec<Outcome> {
        let mut outcomes = self.stand(name, policy, now);
        let node = self.replay(resources, scratch);
        let mut before = mem::replace(&mut self.node, node);
        let is_open = self.is_open(policy, now);
        if is_open && !was_open {
            before = Node::default();
        }
        let Some(mut grown) = growth(&before, &self.node) else {
            return outcomes;
        };
        let is_about_some = !grown.is_empty();
        if self.closed(policy, now).is_some() {
            grown.retain(|resource| resources.kind(*resource) != Kind::Device);
        }
        if !grown.is_empty() || !is_about_some {
            outcomes.push(Outcome::Freed {
                node: name.into(),
                resources: grown,
            });
        }
        outcomes
    }

    /// Finds out how each pod is counted.
    fn stand(&mut self, name: &str, policy: &Policy, now: Moment) -> Vec<Outcome> {
        let report = self.inventory.as_deref().or(self.topology.as_deref());
        let mut outcomes = Vec::new();
        let mut ledger = mem::take(&mut self.ledger);
        for at in 0..ledger.len() {
            let facts = report.map(|report| &report.facts);
            let holder = report.and_then(|report| listed(report, &ledger[at], &ledger));
            let entry = &mut ledger[at];
            entry.standing = entry.standing(report, holder, policy, now);
            entry.was_listed |= holder.is_some_and(|holder| holder.uid.is_some());
            if entry.standing != Standing::Assumed {
                let prediction = entry.prediction.take();
                entry.alternatives = Vec::new();
                if let (Some(prediction), Some(facts), Some(holder)) = (prediction, facts, holder) {
                    let outcome = prediction.compared(name, entry, facts, holder);
                    let is_certain = outcome.is_none() && prediction.placement.is_certain;
                    if is_certain && hidden::is_possible(&entry.need) {
                        entry.placement = Some(Box::new(prediction.placement));
                    }
                    // What is thought of this node is wrong in a way that is about pods like this one.
                    if let (Some(_), Some(owner)) = (&outcome, &entry.owner) {
                        let aside = Aside {
                            namespace: Arc::clone(&entry.namespace),
                            owner: Arc::clone(owner),
                            until: now.plus(policy.set_aside_for),
                        };
                        set_aside(&mut self.set_aside, aside);
                    }
                    outcomes.extend(outcome);
                }
            }
        }
        self.ledger = ledger;
        outcomes
    }

    /// The node with everything deducted that is not in its report, in the order in which it was bound.
    fn replay(&mut self, resources: &Resources, scratch: &mut Scratch) -> Node {
        let report = self.inventory.as_deref().or(self.topology.as_deref());
        let facts = report.map(|report| &report.facts);
        let settled = self.ledger.iter();
        let settled: Vec<&Entry> = settled
            .filter(|entry| entry.standing != Standing::Assumed)
            .collect();
        let demanded = |resource: ResourceId| {
            settled.iter().fold(0_i64, |sum, entry| {
                sum.saturating_add(amount(&entry.need.total, resource))
            })
        };
        let allocatable = self.allocatable.as_deref().unwrap_or_default();
        let mut node = layout(facts, allocatable, demanded, resources);
        let mut freed = report.and_then(|report| freed(&node, report, &self.ledger));
        for entry in &self.ledger {
            let holder = report.filter(|_| entry.standing == Standing::Confirmed);
            let holder = holder.and_then(|report| listed(report, entry, &self.ledger));
            if let Some(holder) = holder {
                for node in [Some(&mut node), freed.as_mut()].into_iter().flatten() {
                    hidden::deduct(node, &entry.need, entry.placement.as_deref(), holder);
                }
            }
        }
        // What was thought of zones that are no more tells nothing.
        if node.zones != self.node.zones {
            for entry in &mut self.ledger {
                entry.alternatives.clear();
            }
        }
        let mut worlds = Worlds::new(node, freed);
        for entry in &mut self.ledger {
            if entry.standing == Standing::Assumed {
                let placement = worlds.put(entry, scratch);
                let prediction = Prediction::of(facts, &entry.need, &placement);
                entry.prediction = Some(Box::new(prediction));
            }
        }
        let node = worlds.common();
        self.worlds = worlds.into_several();
        node
    }
}

/// The node as it is if the pods that its report lists and that are gone have left it already; nothing where there are none.
/// Whether a kubelet that puts a pod somewhere has noticed their end, nobody knows until the next report.
fn freed(node: &Node, report: &Arrived, ledger: &[Entry]) -> Option<Node> {
    let is_known = |holder: &Holder| {
        ledger.iter().any(|entry| match &holder.uid {
            Some(uid) => *uid == entry.uid,
            None => {
                (&*holder.namespace, &*holder.name) == (&*entry.namespace, &*entry.name)
                    && entry.may_be_named_in(report)
            }
        })
    };
    let mut gone = report
        .facts
        .holders
        .iter()
        .filter(|holder| !is_known(holder))
        .peekable();
    gone.peek()?;
    let mut freed = node.clone();
    for held in gone.flat_map(|holder| &holder.held) {
        let Some(stock) = freed
            .stocks
            .iter_mut()
            .find(|stock| stock.resource == held.resource)
        else {
            continue;
        };
        stock.free = stock
            .free
            .saturating_add(held.amount)
            .min(stock.allocatable);
        let cells = usize::from(stock.cells.start)..usize::from(stock.cells.end);
        let of_stock = &mut freed.cells[cells];
        if let Some(cell) = of_stock.iter_mut().find(|cell| cell.zones == held.zones) {
            cell.free = cell.free.saturating_add(held.amount).min(cell.allocatable);
        }
    }
    Some(freed)
}

/// Leaves in `scratch.placement` where a pod that is bound is. One that does not fit, by all that is known, may be in any
/// zone.
pub(super) fn predict(node: &Node, need: &Need, scratch: &mut Scratch) {
    if align(node, need, scratch).is_err() {
        let all = ZoneMask::first(node.zones.len());
        scratch.placement.is_certain = false;
        scratch.placement.zones.clear();
        let containers = need.containers.iter();
        scratch.placement.zones.extend(containers.map(|container| {
            if container.aligned.is_empty() {
                ZoneMask::NONE
            } else {
                all
            }
        }));
    }
}

/// How much of a resource there is in a sorted list.
pub(super) fn amount(amounts: &[(ResourceId, i64)], resource: ResourceId) -> i64 {
    let at = amounts.binary_search_by_key(&resource, |(resource, _)| *resource);
    at.map_or(0, |at| amounts[at].1)
}
