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
    unbound::{Unbound, Wait},
    waiting::Waiting,
};
use serde::Deserialize;
use tracing::{debug, warn};

use super::{budget::Budget, told::Told};
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
    pods: List,
    nodes: List,
    /// How long a promise holds.
    hold: Duration,
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
    /// Nothing is known yet; `hold` is how long a promise holds.
    pub(super) fn new(hold: Duration, now: Moment) -> Self {
        Self {
            waiting: Waiting::default(),
            promises: Promises::default(),
            candidates: Candidates::default(),
            told: Told::default(),
            budget: Budget::new(BUDGET.0, BUDGET.1, now),
            pods: List::default(),
            nodes: List::default(),
            hold,
        }
    }

    /// Whether all pods without a node have been listed, and all nodes where they matter (`with_nodes`).
    pub(super) const fn is_complete(&self, with_nodes: bool) -> bool {
        self.pods.is_complete && (!with_nodes || self.nodes.is_complete)
    }

    /// Takes what the watch of pods without a node brought.
    pub(super) fn take_pod(&mut self, event: Event<Watched>, now: Moment) {
        match event {
            Event::Init => self.pods.coming.clear(),
            Event::InitApply(pod) => {
                if let Some(uid) = self.apply_pod(&pod, now) {
                    self.promise_again(&uid, now);
                    self.pods.coming.insert(uid);
                }
            }
            Event::InitDone => {
                let listed = std::mem::take(&mut self.pods.coming);
                for gone in self.waiting.retain(|uid| listed.contains(uid)) {
                    self.gone(&gone.demand.uid, now);
                }
                self.pods.is_complete = true;
            }
            Event::Apply(pod) => {
                self.apply_pod(&pod, now);
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
        match Unbound::of(&pod.object) {
            Ok(Some(unbound)) => {
                let uid = unbound.demand.uid.clone();
                self.waiting.insert(unbound, now);
                return Some(uid);
            }
            Ok(None) => {}
            Err(error) => {
                warn!(
                    uid = pod.metadata.uid,
                    "A pod without a node is passed over"
                );
                debug!(%error, "The pod without a node that is passed over");
            }
        }
        if let Some(uid) = &pod.metadata.uid {
            self.gone(uid, now);
        }
        None
    }

    /// What another leader promised is kept.
    fn promise_again(&mut self, uid: &str, now: Moment) {
        let Some(pod) = self.waiting.get(uid) else {
            return;
        };
        if pod.wait != Wait::Gate && !pod.chosen.is_empty() && !self.promises.is_made_to(uid) {
            let (demand, nodes) = (pod.demand.clone(), pod.chosen.clone());
            let until = now.plus(self.hold);
            self.promises.make(Promise {
                demand,
                nodes,
                until,
            });
        }
    }

    /// Notes what a pod was promised.
    pub(super) fn promise(&mut self, pod: &Unbound, nodes: Vec<Box<str>>, now: Moment) {
        self.promises.make(Promise {
            demand: pod.demand.clone(),
            nodes,
            until: now.plus(self.hold),
        });
    }

    fn gone(&mut self, uid: &str, now: Moment) {
        self.waiting.remove(uid);
        self.told.forget(uid);
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

    /// Ends promises that are over; what was promised is free for others. Gives those that were not kept in time.
    pub(super) fn expire(&mut self, engine: &Engine, now: Moment) -> Vec<Promise> {
        let is_kept = |uid: &str| engine.node_of(uid).is_some();
        let ended = self.promises.expire(now, is_kept);
        for promise in &ended {
            for node in &promise.nodes {
                self.waiting.freed(node, &[], now);
            }
        }
        let mut broken = ended;
        broken.retain(|promise| self.waiting.get(&promise.demand.uid).is_some());
        broken
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
