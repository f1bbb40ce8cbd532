//! What is counted of pods without a node.

use std::sync::atomic::AtomicU64;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::write::Outcome;

/// Counters and gauges; clones count together.
#[derive(Clone, Debug)]
pub struct Counts {
    /// 1 where this replica helps.
    pub(super) leader: Gauge,
    waiting: Family<For, Gauge>,
    /// Pods to which devices are promised.
    pub(super) promises: Gauge,
    written: Family<Written, Counter>,
    /// Lifted pods whose nodes cannot take them any more.
    pub(super) stranded: Counter<u64, AtomicU64>,
}

/// What is written to a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Its scheduler is asked to try it again.
    WakeUp,
    /// Its gate is lifted.
    Lift,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct For {
    wait: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Written {
    act: &'static str,
    outcome: &'static str,
}

impl Act {
    const ALL: [Self; 2] = [Self::WakeUp, Self::Lift];

    const fn as_str(self) -> &'static str {
        match self {
            Self::WakeUp => "wake-up",
            Self::Lift => "lift",
        }
    }
}

impl Default for Counts {
    /// Everything begins at 0, so that the first one is an increase.
    fn default() -> Self {
        let counts = Self {
            leader: Gauge::default(),
            waiting: Family::default(),
            promises: Gauge::default(),
            written: Family::default(),
            stranded: Counter::default(),
        };
        for act in Act::ALL {
            for outcome in Outcome::ALL {
                drop(counts.written.get_or_create(&Written::of(act, outcome)));
            }
        }
        counts.set_waiting(0, 0);
        counts
    }
}

impl Written {
    const fn of(act: Act, outcome: Outcome) -> Self {
        Self {
            act: act.as_str(),
            outcome: outcome.as_str(),
        }
    }
}

impl Counts {
    /// Tells of them.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "scheduling_leader",
            "1 where this replica helps pods without a node",
            self.leader.clone(),
        );
        registry.register(
            "scheduling_waiting_pods",
            "Pods that wait at the gate, or that a scheduler found no node for, as the leader knows them",
            self.waiting.clone(),
        );
        registry.register(
            "scheduling_promises",
            "Pods whose gate was lifted and that are not on their node yet",
            self.promises.clone(),
        );
        registry.register(
            "scheduling_writes",
            "Writes to pods without a node, by what was to be done and what came of it",
            self.written.clone(),
        );
        registry.register(
            "scheduling_stranded_pods",
            "Pods whose gate was lifted and whose nodes could not take them any more",
            self.stranded.clone(),
        );
    }

    pub(super) fn set_waiting(&self, gated: usize, refused: usize) {
        for (wait, count) in [("gate", gated), ("retry", refused)] {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            self.waiting.get_or_create(&For { wait }).set(count);
        }
    }

    pub(super) fn count(&self, act: Act, outcome: Outcome) {
        self.written.get_or_create(&Written::of(act, outcome)).inc();
    }
}
