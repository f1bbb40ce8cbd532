//! What the administrator decides about scheduling.

use std::time::Duration;

/// [`Policy::stale_after`] unless somebody says another: three of the device-bridge's heartbeats.
pub const STALE_AFTER: Duration = Duration::from_secs(180);

/// How nodes are judged of which too little is known, and for how long things are remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Whether a pod that demands devices may go to a node that never reported. A pod that would only like its CPUs
    /// aligned always may: not every node has an agent.
    pub unreported: Openness,
    /// Whether such a pod may go to a node whose report is older than [`Policy::stale_after`].
    pub stale: Openness,
    /// A NodeInventory is stale after so long without a report. The device-bridge reports every minute at least.
    /// NodeResourceTopologies of others have no heartbeat that could be relied on and are never stale.
    pub stale_after: Duration,
    /// For how long a pod that is bound is counted on a node that reports and does not tell of it.
    pub assumed_for: Duration,
    /// For how long a node that was offered as the best for a pod is less attractive for others.
    pub tentative_for: Duration,
    /// For how long a node whose kubelet refused a pod is not offered to pods of the same owner.
    pub set_aside_for: Duration,
}

/// What becomes of a question about a node of which too little is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Openness {
    /// The node is offered, as the last choice.
    Open,
    /// The node is refused.
    Closed,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            unreported: Openness::Closed,
            stale: Openness::Closed,
            stale_after: STALE_AFTER,
            assumed_for: Duration::from_secs(300),
            tentative_for: Duration::from_secs(2),
            set_aside_for: Duration::from_secs(60),
        }
    }
}
