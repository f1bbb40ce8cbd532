//! What a run is like.

use super::{demand::Demand, machine::Fleet};

/// A run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) seed: u64,
    pub(crate) nodes: usize,
    pub(crate) pods: usize,
    /// How many nodes kube-scheduler shows the extender.
    pub(crate) sampled: usize,
    pub(crate) fleet: Fleet,
    pub(crate) demand: Demand,
    /// Milliseconds between two pods, at most.
    pub(crate) between: u64,
    /// Seconds that a pod runs, at most.
    pub(crate) life: u64,
    pub(crate) delays: Delays,
    pub(crate) rule: Rule,
    /// How many refusals of a pod are put before the judge.
    pub(crate) appeals: usize,
}

/// Milliseconds, at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delays {
    /// Until a kubelet sees a pod that is bound to it.
    pub(crate) kubelet: u64,
    /// Until an agent looks after something changed.
    pub(crate) look: u64,
    /// Until its report arrives.
    pub(crate) report: u64,
    /// Of a hundred reports, how many are lost.
    pub(crate) lost: u64,
    /// Of a thousand looks, how many are the first of an agent that was started again.
    pub(crate) restarts: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// The engine's.
    Ours,
    /// The engine's among the nodes that the pessimistic rule leaves.
    Pessimistic,
}
