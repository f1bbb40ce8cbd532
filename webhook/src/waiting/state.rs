//! What the leader knows: pods without a node, the nodes as pods select them, and what was promised.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use kube::runtime::watcher::Event;
use scheduler::{
    candidate::Candidate,
    engine::{Engine, Outcome},
    moment::Moment,
    promises::{Promise, Promises},
    unbound::{Unbound, Wait, is_at_gate},
    waiting::Waiting,
};
use serde::Deserialize;
use tracing::{debug, warn};

use super::{
    budget::Budget,
    overdue::{Overdue, Verdict},
    plan::GatesPlan,
    told::{About, Told},
};
use crate::extender::watched::Watched;

/// How long a pod that is not without a node any more is still counted where it was promised devices, unless the engine
/// has seen it on its node before.
const LINGER: Duration = Duration::from_secs(2);

/// How many writes may follow each other at once, and when there may be one more: fifty a second.
const BUDGET: (u32, Duration) = (100, Duration::from_millis(20));

/// What the leader knows.
#[derive(Debug)]
pub(super) struct State {
    pub(super) waiting: Waiting,
    pub(super) promises: Promises,
    pub(super) candidates: Candidates,
    pub(super) told: Told,
    pub(super) budget: Budget,
    /// Pods that were let go and are on no node in time.
    pub(super) overdue: Overdue,
    /// Pods at the gate of which nobody can say what they demand, by UID, and why.
    pub(super) uncounted: HashMap<Box<str>, (About, String)>,
    /// Pods that say of themselves where they were promised something. It is looked at when all nodes are known.
    claims: Vec<Box<str>>,
    pods: List,
    nodes: List,
    gates: Option<GatesPlan>,
}

/// The nodes as pods select them.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    pub(super) all: HashMap<Box<str>, Candidate>,
    /// How many nodes have the same label `kubernetes.io/hostname`.
    hostnames: HashMap<Box<str>, usize>,
}

/// A list that is coming, or has come.
#[derive(Debug, Default)]
struct List {
    coming: HashSet<Box<str>>,
    is_complete: bool,
}

impl State {
    /// Nothing is known yet.
    pub(super) fn new(gates: Option<GatesPlan>, now: Moment) -> Self {
        Self {
            waiting: Waiting::default(),
            promises: Promises::default(),
            candidates: Candidates::default(),
            told: Told::default(),
            budget: Budget::new(BUDGET.0, BUDGET.1, now),
            pods: List::default(),
            nodes: List::default(),
            overdue: Overdue::default(),
            uncounted: HashMap::new(),
            claims: Vec::new(),
            gates,
        }
    }

    /// Whether all pods without a node have been listed, and all nodes.
    pub(super) const fn is_complete(&self) -> bool {
        self.pods.is_complete && self.nodes.is_complete
    }

    /// Takes what the watch of pods without a node brought.
    pub(super) fn take_pod(&mut self, event: Event<Watched>, now: Moment) {
        match event {
            Event::Init => self.pods.coming.clear(),
            Event::InitApply(pod) => {
                if let Some(uid) = self.apply_pod(&pod, now) {
                    self.claims.push(uid.clone());
                    self.pods.coming.insert(uid);
                }
            }
            Event::InitDone => {
                let listed = std::mem::take(&mut self.pods.coming);
                for gone in self.waiting.retain(|uid| listed.contains(uid)) {
                    self.gone(&gone.demand.uid, now);
                }
                self.uncounted.retain(|uid, _| listed.contains(uid));
                self.pods.is_complete = true;
            }
            Event::Apply(pod) => {
                let uid = pod.metadata.uid.as_deref().unwrap_or_default();
                let known = self.waiting.get(uid);
                let was_at_gate = known.is_some_and(|pod| pod.wait == Wait::Gate);
                let applied = self.apply_pod(&pod, now);
                // A lift that was made without an answer is one.
                if was_at_gate {
                    self.claims.extend(applied);
                }
            }
            Event::Delete(pod) => {
                if let Some(uid) = &pod.metadata.uid {
                    self.gone(uid, now);
                }
            }
        }
    }

    /// Takes a pod, and says which it is, if it waits for anything.
    fn apply_pod(&mut self, pod: &Watched, now: Moment) -> Option<Box<str>> {
        let mut uncounted = None;
        match Unbound::of(&pod.object) {
            Ok(Some(unbound)) => {
                let uid = unbound.demand.uid.clone();
                self.uncounted.remove(&uid);
                self.waiting.insert(unbound, now);
                return Some(uid);
            }
            Ok(None) => {}
            Err(error) => {
                debug!(%error, uid = pod.metadata.uid, "A pod without a node is passed over");
                if is_at_gate(&pod.object) {
                    uncounted = Some(error.to_string());
                } else {
                    warn!("A pod without a node is passed over; log at debug level to see which");
                }
            }
        }
        let about = About::of(&pod.metadata)?;
        match uncounted {
            Some(why) => {
                let uid = about.uid.clone();
                self.waiting.remove(&uid);
                self.uncounted.insert(uid.clone(), (about, why));
                Some(uid)
            }
            None => {
                self.gone(&about.uid, now);
                None
            }
        }
    }

    /// Keeps what was promised by another leader, or by a write that was not answered: what pods say of themselves, as far
    /// as their spec lets them go there. Called when all is known. A promise that was not kept in time stays ended.
    pub(super) fn believe(&mut self, now: Moment) {
        let claims = std::mem::take(&mut self.claims);
        let Some(gates) = self.gates else {
            return;
        };
        for uid in claims {
            let Some(pod) = self.waiting.get(&uid) else {
                continue;
            };
            let is_known = self.promises.is_made_to(&uid) || self.overdue.is_known(&uid);
            if pod.wait == Wait::Gate || is_known {
                continue;
            }
            let mut nodes: Vec<Box<str>> = Vec::new();
            for name in &pod.chosen {
                let node = self.candidates.all.get(name);
                let is_allowed = node.is_some_and(|node| pod.constraints.allow(node).is_ok());
                if is_allowed && nodes.len() < gates.nodes && !nodes.contains(name) {
                    nodes.push(name.clone());
                }
            }
            if !nodes.is_empty() {
                let pod = pod.clone();
                self.promise(&pod, nodes, now);
            }
        }
    }

    /// Notes what a pod was promised.
    pub(super) fn promise(&mut self, pod: &Unbound, nodes: Vec<Box<str>>, now: Moment) {
        self.promises.make(Promise {
            demand: pod.demand.clone(),
            nodes,
            until: now.plus(self.hold()),
        });
    }

    /// How long a promise holds.
    fn hold(&self) -> Duration {
        self.gates.map_or(Duration::ZERO, |gates| gates.hold)
    }

    /// Notes whether one of its nodes can take a pod that is overdue.
    pub(super) fn look_again(&mut self, uid: &str, can_go: bool, now: Moment) -> Verdict {
        let again = now.plus(self.hold());
        self.overdue.looked(uid, can_go, again)
    }

    fn gone(&mut self, uid: &str, now: Moment) {
        self.waiting.remove(uid);
        self.told.forget(uid);
        self.overdue.forget(uid);
        self.uncounted.remove(uid);
        self.promises.shorten(uid, now.plus(LINGER));
    }

    /// Takes what the watch of nodes brought. A node that changes may be one for pods that it was none for.
    pub(super) fn take_node(&mut self, event: Event<Watched>, now: Moment) {
        match event {
            Event::Init => self.nodes.coming.clear(),
            Event::InitApply(node) => {
                if let Some(name) = self.apply_node(&node, now) {
                    self.nodes.coming.insert(name);
                }
            }
            Event::InitDone => {
                let listed = std::mem::take(&mut self.nodes.coming);
                let gone = self.candidates.all.keys();
                let gone = gone.filter(|name| !listed.contains(*name)).cloned();
                for name in gone.collect::<Vec<_>>() {
                    self.candidates.remove(&name);
                }
                self.nodes.is_complete = true;
            }
            Event::Apply(node) => {
                self.apply_node(&node, now);
            }
            Event::Delete(node) => {
                if let Some(name) = &node.metadata.name {
                    self.candidates.remove(name);
                }
            }
        }
    }

    fn apply_node(&mut self, node: &Watched, now: Moment) -> Option<Box<str>> {
        match Candidate::deserialize(&node.object) {
            Ok(candidate) => {
                let name = candidate.name.clone();
                if self.candidates.insert(candidate) {
                    self.waiting.freed(&name, &[], now);
                }
                Some(name)
            }
            // What was known of it stays.
            Err(error) => {
                warn!(%error, name = node.metadata.name, "A node is passed over");
                node.metadata.name.as_deref().map(Box::from)
            }
        }
    }

    /// Takes what came of events in the engine.
    pub(super) fn take_outcomes(&mut self, outcomes: &[Outcome], engine: &Engine, now: Moment) {
        for outcome in outcomes {
            if let Outcome::Freed { node, resources } = outcome {
                let names = resources.iter();
                let names = names.map(|id| Box::from(engine.resources().name(*id)));
                let names: Vec<Box<str>> = names.collect();
                self.waiting.freed(node, &names, now);
            }
        }
    }

    /// Ends promises that are over; what was promised is free for others, unless the pod is still on its way.
    pub(super) fn expire(&mut self, engine: &Engine, now: Moment) {
        let is_kept = |uid: &str| engine.node_of(uid).is_some();
        for promise in self.promises.expire(now, is_kept) {
            for node in &promise.nodes {
                self.waiting.freed(node, &[], now);
            }
            let uid = &promise.demand.uid;
            if self.waiting.get(uid).is_some() && !is_kept(uid) {
                self.overdue.note(&promise, now);
            }
        }
    }
}

impl Candidates {
    /// Notes a node, and says whether it was not known as it is.
    fn insert(&mut self, node: Candidate) -> bool {
        if self.all.get(&node.name) == Some(&node) {
            return false;
        }
        self.remove(&node.name);
        if let Some(hostname) = node.hostname() {
            *self.hostnames.entry(hostname.into()).or_default() += 1;
        }
        self.all.insert(node.name.clone(), node);
        true
    }

    fn remove(&mut self, name: &str) {
        let Some(node) = self.all.remove(name) else {
            return;
        };
        if let Some(hostname) = node.hostname()
            && let Some(count) = self.hostnames.get_mut(hostname)
        {
            *count -= 1;
            if *count == 0 {
                self.hostnames.remove(hostname);
            }
        }
    }

    /// Whether no two nodes have this label `kubernetes.io/hostname`.
    pub(super) fn is_unique(&self, hostname: &str) -> bool {
        self.hostnames.get(hostname) == Some(&1)
    }
}
