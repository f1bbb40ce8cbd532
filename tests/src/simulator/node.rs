//! A node of the simulation: its kubelet, its agent, and what the scheduler itself counts.

use std::collections::{BTreeSet, VecDeque};

use super::{
    kubelet::Kubelet,
    pessimistic::Pessimistic,
    pod::{Amounts, SimPod},
};

#[derive(Debug)]
pub(crate) struct SimNode {
    pub(crate) kubelet: Kubelet,
    /// Pods that are bound and that the kubelet has yet to see, in the order of their binding.
    pub(crate) bound: VecDeque<Bound>,
    /// When it sees the last of them.
    pub(crate) seen_at: u64,
    /// The sum of the requests of all pods bound here that the API server has not seen the end of.
    pub(crate) requested: Amounts,
    /// The agent's start and its last report.
    pub(crate) epoch: u64,
    pub(crate) sequence: u64,
    /// When the last report arrives.
    pub(crate) reported_at: u64,
    pub(crate) is_looking: bool,
    /// How often the kubelet's state has changed, how often by an end, and how much of that has been reported.
    pub(crate) changes: Changes,
    pub(crate) told: Changes,
    /// What the pessimistic rule knows.
    pub(crate) pessimistic: Pessimistic,
    /// Pods bound here, by UID.
    pub(crate) pods: BTreeSet<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    pub(crate) all: u64,
    pub(crate) ends: u64,
}

/// A pod on its way to the kubelet.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    pub(crate) pod: SimPod,
    /// Whether the engine said that it is sure of the zones.
    pub(crate) is_certain: bool,
    /// Whether every end on the node had been reported when the node was chosen.
    pub(crate) is_told: bool,
    /// How many ends there had been.
    pub(crate) ends: u64,
}

impl SimNode {
    pub(crate) fn new(kubelet: Kubelet, start: u64) -> Self {
        Self {
            kubelet,
            bound: VecDeque::new(),
            seen_at: 0,
            requested: Amounts::new(),
            epoch: start,
            sequence: 0,
            reported_at: 0,
            is_looking: false,
            changes: Changes::default(),
            told: Changes::default(),
            pessimistic: Pessimistic::default(),
            pods: BTreeSet::new(),
        }
    }

    /// NodeResourcesFit of kube-scheduler, which goes before every extender.
    pub(crate) fn fits(&self, pod: &SimPod, allocatable: &Amounts) -> bool {
        pod.requests().iter().all(|(resource, amount)| {
            let requested = self.requested.get(resource).copied().unwrap_or(0);
            let allocatable = allocatable.get(resource).copied().unwrap_or(0);
            requested + amount <= allocatable
        })
    }

    pub(crate) fn request(&mut self, pod: &SimPod) {
        for (resource, amount) in pod.requests() {
            *self.requested.entry(resource).or_default() += amount;
        }
        self.pods.insert(pod.uid.clone());
    }

    /// Whether it was there.
    pub(crate) fn release(&mut self, pod: &SimPod) -> bool {
        let was_there = self.pods.remove(&pod.uid);
        if was_there {
            for (resource, amount) in pod.requests() {
                *self.requested.entry(resource).or_default() -= amount;
            }
        }
        was_there
    }

    /// Whether all that has happened on it has been reported, and nothing is on its way.
    pub(crate) fn is_quiet(&self) -> bool {
        self.told == self.changes && self.bound.is_empty()
    }
}
