//! The pods that are bound to a node, and whether its report tells of them.

use std::sync::Arc;

use super::{
    facts::{Arrived, Facts, Holder},
    prediction::Prediction,
};
use crate::{moment::Moment, need::Need, placement::Placement, policy::Policy, report::Source};

/// A pod that is bound to a node and holds, or will hold, something that is counted.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) uid: Arc<str>,
    pub(super) namespace: Arc<str>,
    pub(super) name: Box<str>,
    pub(super) need: Box<Need>,
    /// When it was first seen bound.
    pub(super) since: Moment,
    /// The place among all events of its being seen started.
    pub(super) started: Option<u64>,
    /// Whether a report has told of it.
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
        let is_over = now.since(self.since) >= policy.assumed_for;
        match report.facts.source {
            Source::Inventory(_) if listed.is_some() => Standing::Confirmed,
            Source::Inventory(_) if self.was_listed => Standing::Released,
            // A node that has been silent since has not had the chance to tell.
            Source::Inventory(_) if is_over && report.at > self.since => Standing::Released,
            Source::Inventory(_) => Standing::Assumed,
            // Sums tell of nobody. Those that came after the pod had started are taken to have it, and so are all others
            // after a while: not everybody reports again when nothing has changed.
            Source::Topology if is_over || self.started.is_some_and(|turn| report.turn > turn) => {
                Standing::Confirmed
            }
            Source::Topology => Standing::Assumed,
        }
    }
}

/// What `facts` say of a pod among all that are bound to the node. A report that does not know a pod's UID means the
/// only one of its name.
pub(super) fn listed<'f>(facts: &'f Facts, entry: &Entry, all: &[Entry]) -> Option<&'f Holder> {
    let key = |entry: &Entry| (Arc::clone(&entry.namespace), entry.name.clone());
    facts.holder(&entry.uid).or_else(|| {
        let mut unidentified = facts.unidentified().iter();
        let holder = unidentified
            .find(|holder| *holder.namespace == *entry.namespace && holder.name == entry.name)?;
        let wanted = key(entry);
        let namesakes = all.iter().filter(|other| key(other) == wanted).count();
        (namesakes == 1).then_some(holder)
    })
}
