//! What is known of all nodes and pods, and the answers to the scheduler's questions.

mod account;
mod aside;
mod census;
mod facts;
mod fall;
mod growth;
mod hidden;
mod layout;
mod ledger;
mod nodes;
mod pods;
mod prediction;
mod question;
mod site;
mod worlds;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use foldhash::fast::RandomState;

pub use self::{
    account::{Account, HeldAmount, Holding, Reporting},
    census::Census,
    ledger::Standing,
    question::{AT_ONCE, Question},
};
use self::{facts::Texts, pods::Whereabouts, site::Site};
use crate::{
    align::Scratch,
    demand::PodDemand,
    moment::Moment,
    node::Node,
    policy::Policy,
    report::{Report, Source},
    resource::{ResourceId, Resources},
};

/// What is known of all nodes and pods.
#[derive(Clone, Debug, Default)]
pub struct Engine {
    policy: Policy,
    resources: Resources,
    /// Those of which a node was ever seen to have any, or none left: pods' wishes alone do not make a resource.
    offered: HashSet<ResourceId>,
    texts: Texts,
    sites: HashMap<Arc<str>, Box<Site>, RandomState>,
    pods: HashMap<Arc<str>, Whereabouts>,
    /// How many events there were.
    turn: u64,
    scratch: Scratch,
}

/// Something was learnt. Events of different objects may come in any order, and each twice; of one object older ones may
/// come again as long as the newest comes after them. Each carries all there is to know of its object.
#[derive(Clone, Debug)]
pub enum Event {
    /// A Node is there, with `status.allocatable` in units of [`crate::resource::Kind`].
    NodeSeen {
        /// Its name.
        name: Box<str>,
        /// What pods may get of it.
        allocatable: BTreeMap<Box<str>, i64>,
    },
    /// A Node is gone.
    NodeGone {
        /// Its name.
        name: Box<str>,
    },
    /// A report came, perhaps before its Node.
    Reported {
        /// The node.
        node: Box<str>,
        /// The report.
        report: Box<Report>,
    },
    /// The object that reported was deleted.
    ReportGone {
        /// The node.
        node: Box<str>,
        /// Whose report: the sequence does not matter.
        source: Source,
    },
    /// A pod is there.
    PodSeen(Box<PodFacts>),
    /// A pod's object is gone.
    PodGone {
        /// Its UID.
        uid: Box<str>,
    },
    /// Nothing but that time has passed.
    Tick,
    /// Every object that there is has been told of, for the first time: what was thought before, when some were missing, is
    /// forgotten.
    AllListed,
}

/// What is known of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodFacts {
    /// What it demands.
    pub demand: PodDemand,
    /// The node it is bound to.
    pub node: Option<Box<str>>,
    /// How far it is.
    pub stage: Stage,
}

/// How far a pod is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Not started: perhaps the kubelet has not heard of it.
    Pending,
    /// A container runs or has run: the kubelet has given it all it gets.
    Started,
    /// Refused by the kubelet for want of alignment or devices (`TopologyAffinityError`, `UnexpectedAdmissionError`): it
    /// holds nothing.
    RefusedByKubelet,
    /// Succeeded or failed otherwise: it holds nothing, as soon as the kubelet has noticed.
    Ended,
}

/// What came of an event, for those who wait or count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A node has more of these resources, or may be offered again: pods that were refused may fit now.
    Freed {
        /// The node.
        node: Box<str>,
        /// Of which resources; empty when it is not about any one.
        resources: Vec<ResourceId>,
    },
    /// A pod is elsewhere than was predicted; the node is not offered to its owner for a while.
    Mispredicted {
        /// The node.
        node: Box<str>,
        /// The pod's namespace.
        namespace: Box<str>,
        /// The pod's name.
        name: Box<str>,
        /// The kernel's numbers of the zones that were predicted.
        predicted: Vec<u32>,
        /// Those it is in.
        actual: Vec<u32>,
        /// The PCI addresses of the physical functions that were predicted and are not those of its devices; none where
        /// there was more than one that they could have been.
        predicted_functions: Vec<Box<str>>,
        /// Those they are behind.
        actual_functions: Vec<Box<str>>,
    },
    /// A kubelet refused a pod; the node is not offered to its owner for a while.
    SetAside {
        /// The node.
        node: Box<str>,
        /// The pod's namespace.
        namespace: Box<str>,
        /// The pod's name.
        name: Box<str>,
    },
    /// An event was not taken, and why: a sequence that goes back, a report that contradicts itself.
    Ignored {
        /// The object and the reason, in words.
        reason: String,
    },
}

impl Engine {
    /// An engine that knows nothing yet.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            ..Self::default()
        }
    }

    /// Learns something.
    pub fn apply(&mut self, event: Event, now: Moment) -> Vec<Outcome> {
        self.turn += 1;
        let known = self.resources.count();
        let mut outcomes = match event {
            Event::NodeSeen { name, allocatable } => self.node_seen(&name, &allocatable, now),
            Event::NodeGone { name } => self.node_gone(&name, now),
            Event::Reported { node, report } => self.reported(&node, *report, now),
            Event::ReportGone { node, source } => self.report_gone(&node, source, now),
            Event::PodSeen(facts) => self.pod_seen(*facts, now),
            Event::PodGone { uid } => self.pod_gone(&uid, now),
            Event::Tick => self.tick(now),
            Event::AllListed => self.all_listed(now),
        };
        if self.resources.count() > known {
            outcomes.extend(self.renumber(now));
        }
        outcomes
    }

    /// How nodes are judged, and for how long things are remembered.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// All resources that were heard of.
    #[must_use]
    pub const fn resources(&self) -> &Resources {
        &self.resources
    }

    /// A node of which something is known, as decisions see it.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.sites.get(name).map(|site| &site.node)
    }

    /// The names of all Nodes that were seen, in no order.
    pub fn nodes(&self) -> impl Iterator<Item = &str> {
        let seen = self.sites.iter();
        let seen = seen.filter(|(_, site)| site.allocatable.is_some());
        seen.map(|(name, _)| &**name)
    }

    /// The node that a pod is bound to, of a pod that holds or will hold something that is counted.
    #[must_use]
    pub fn node_of(&self, uid: &str) -> Option<&str> {
        match self.pods.get(uid)? {
            Whereabouts::On(node) => Some(node),
            Whereabouts::Over => None,
        }
    }

    /// Prepares a question about a pod.
    #[must_use]
    pub fn question<'e>(&'e self, demand: &'e PodDemand, now: Moment) -> Question<'e> {
        Question::new(self, demand, now)
    }

    /// Makes a node anew after a change; `was_open` says whether it could be had before.
    fn settle(&mut self, name: &str, was_open: bool, now: Moment) -> Vec<Outcome> {
        let Some(site) = self.sites.get_mut(name) else {
            return Vec::new();
        };
        let context = (&self.policy, &self.resources, now);
        let outcomes = site.settle(name, was_open, context, &mut self.scratch);
        if site.is_empty() {
            self.sites.remove(name);
        }
        outcomes
    }

    /// The node of this name, and whether it can be had as it is.
    fn site(&mut self, name: &str, now: Moment) -> (&mut Site, bool) {
        if !self.sites.contains_key(name) {
            self.sites.insert(name.into(), Box::default());
        }
        let site = self.sites.entry(name.into()).or_default();
        let is_open = site.is_open(&self.policy, now);
        (site, is_open)
    }
}

#[cfg(test)]
mod tests;
