//! The pods that are bound to a node, and whether its report tells of them.

use std::sync::Arc;

use super::{
    facts::{Arrived, Holder},
    prediction::Prediction,
};
use crate::{
    demand::PodDemand, moment::Moment, need::Need, placement::Placement, policy::Policy,
    report::Source,
};

/// A pod that is bound to a node and holds, or will hold, something that is counted.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) uid: Arc<str>,
    pub(super) namespace: Arc<str>,
    pub(super) name: Box<str>,
    /// The UID of the controller that made it.
    pub(super) owner: Option<Arc<str>>,
    pub(super) need: Box<Need>,
    /// What it demands, as long as no node was ever heard to have some of that.
    pub(super) unnumbered: Option<Box<PodDemand>>,
    /// When it was first seen bound.
    pub(super) since: Moment,
    /// The place among all events of its being seen bound.
    pub(super) bound: u64,
    /// The place among all events of its being seen started.
    pub(super) started: Option<u64>,
    /// Whether a report has told of its UID. One that tells of its name alone may have meant another of the name.
    pub(super) was_listed: bool,
    pub(super) standing: Standing,
    /// Where it was taken to be, while it is assumed.
    pub(super) prediction: Option<Box<Prediction>>,
    /// Where it may have been put as well, because something was released while the kubelet looked for a place.
    pub(super) alternatives: Vec<Placement>,
    /// Where it was put for certain, of a pod with init containers, which reports do not show.
    pub(super) placement: Option<Box<Placement>>,
}

/// How a pod that is bound to a node is counted there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// The node's report does not tell of it yet: what it demands is deducted from what is free.
    #[default]
    Assumed,
    /// The report has what it holds: nothing is deducted.
    Confirmed,
    /// The report does not tell of it (any more), and will not: nothing is deducted.
    Released,
}

/// More places than this are not remembered of a pod.
const MOST: usize = 8;

impl Entry {
    /// Remembers that it may have been put there.
    pub(super) fn may_be(&mut self, placement: Placement) {
        let is_known = |known: &Placement| known.zones == placement.zones;
        if !self.alternatives.iter().any(is_known) && self.alternatives.len() < MOST {
            self.alternatives.push(placement);
        }
    }

    /// How it is counted beside a report.
    pub(super) fn standing(
        &self,
        report: Option<&Arrived>,
        listed: Option<&Holder>,
        policy: &Policy,
        now: Moment,
    ) -> Standing {
        let Some(report) = report else {
            return Standing::Assumed;
        };
        let is_over = |by: Moment| by.since(self.since) >= policy.assumed_for;
        match report.facts.source {
            Source::Inventory(_) if listed.is_some() => Standing::Confirmed,
            Source::Inventory(_) if self.was_listed => Standing::Released,
            // A report that came soon after it was bound may have been made before the kubelet had it.
            Source::Inventory(_) if is_over(report.at) => Standing::Released,
            Source::Inventory(_) => Standing::Assumed,
            // Sums tell of nobody. Those that came after the pod had started are taken to have it; after a while also
            // those that came after it was bound, as the kubelet gives before it starts. Earlier ones never have it.
            Source::Topology if self.started.is_some_and(|turn| report.turn > turn) => {
                Standing::Confirmed
            }
            Source::Topology if is_over(now) && report.turn > self.bound => Standing::Confirmed,
            Source::Topology => Standing::Assumed,
        }
    }

    /// Whether a report that knows a name alone can mean it: one that came before it was bound means another of the name,
    /// unless this one has started already.
    pub(super) fn may_be_named_in(&self, report: &Arrived) -> bool {
        self.started.is_some() || report.turn > self.bound
    }
}

/// What a report says of a pod among all that are bound to the node. A report that does not know a pod's UID means the
/// only one of its name.
pub(super) fn listed<'f>(report: &'f Arrived, entry: &Entry, all: &[Entry]) -> Option<&'f Holder> {
    let facts = &report.facts;
    let key = |entry: &Entry| (Arc::clone(&entry.namespace), entry.name.clone());
    facts.holder(&entry.uid).or_else(|| {
        if !entry.may_be_named_in(report) {
            return None;
        }
        let mut unidentified = facts.unidentified().iter();
        let holder = unidentified
            .find(|holder| *holder.namespace == *entry.namespace && holder.name == entry.name)?;
        let wanted = key(entry);
        let namesakes = all.iter().filter(|other| key(other) == wanted).count();
        (namesakes == 1).then_some(holder)
    })
}
