//! What is counted of questions and of what came of events.

use std::{fmt, time::Duration};

use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder},
    metrics::{
        counter::Counter,
        family::Family,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};
use scheduler::{engine::Outcome, placement::Refusal};

use super::verb::Verb;

/// Counters and histograms; clones count together.
#[derive(Clone, Debug)]
pub struct Counts {
    duration: Family<Asked, Histogram>,
    asked: Family<Asked, Counter>,
    fit: Counter,
    refused: Family<Refused, Counter>,
    failed: Family<Failed, Counter>,
    mispredicted: Counter,
    set_aside: Counter,
    ignored: Counter,
}

/// Why a question was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// It is none, or about a pod that cannot be counted.
    BadRequest,
    /// It is larger than is read.
    TooLarge,
    /// The bodies of other requests take all the room there is.
    NoRoom,
    /// The cluster is not known yet.
    NotSynced,
    /// The client did not prove who it is.
    Client,
    /// It took too long.
    Timeout,
    /// A defect of the extender.
    Defect,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    verb: Verb,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refused {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failed {
    verb: Verb,
    reason: Failure,
}

/// The reasons of refusals, in the order of [`place`].
const REASONS: [&str; 11] = [
    "unknown-node",
    "no-report",
    "stale",
    "faulty",
    "no-such-resource",
    "short",
    "container",
    "pod",
    "spread",
    "link-down",
    "set-aside",
];

/// The place of a refusal in [`REASONS`].
const fn place(refusal: Refusal) -> usize {
    match refusal {
        Refusal::UnknownNode => 0,
        Refusal::NoReport => 1,
        Refusal::Stale => 2,
        Refusal::Faulty => 3,
        Refusal::NoSuchResource => 4,
        Refusal::Short { .. } => 5,
        Refusal::Container { .. } => 6,
        Refusal::Pod { .. } => 7,
        Refusal::Spread { .. } => 8,
        Refusal::LinkDown { .. } => 9,
        Refusal::SetAside => 10,
    }
}

impl Default for Counts {
    /// Everything begins at 0, so that the first one is an increase.
    fn default() -> Self {
        let counts = Self {
            // From 50 µs, for a handful of nodes, to 3.3 s, where kube-scheduler gives up soon.
            duration: Family::new_with_constructor(|| {
                Histogram::new(exponential_buckets(0.000_05, 2.0, 17))
            }),
            asked: Family::default(),
            fit: Counter::default(),
            refused: Family::default(),
            failed: Family::default(),
            mispredicted: Counter::default(),
            set_aside: Counter::default(),
            ignored: Counter::default(),
        };
        for verb in Verb::ALL {
            // Nobody asks for an explanation about nodes that he names.
            if verb != Verb::Explain {
                drop(counts.asked.get_or_create(&Asked { verb }));
            }
            for reason in Failure::ALL {
                drop(counts.failed.get_or_create(&Failed { verb, reason }));
            }
        }
        for reason in REASONS {
            drop(counts.refused.get_or_create(&Refused { reason }));
        }
        counts
    }
}

impl Counts {
    /// Lets them be read.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "scheduler_request_duration_seconds",
            "Time from the headers of a scheduler's question to its answer",
            self.duration.clone(),
        );
        registry.register(
            "scheduler_nodes_asked",
            "Nodes that schedulers asked about",
            self.asked.clone(),
        );
        registry.register(
            "scheduler_nodes_fit",
            "Nodes that were said to fit",
            self.fit.clone(),
        );
        registry.register(
            "scheduler_refusals",
            "Nodes that were refused, by reason",
            self.refused.clone(),
        );
        registry.register(
            "scheduler_requests_failed",
            "Questions that were not answered, by reason",
            self.failed.clone(),
        );
        registry.register(
            "scheduler_mispredictions",
            "Pods that are in other zones than was predicted",
            self.mispredicted.clone(),
        );
        registry.register(
            "scheduler_kubelet_refusals",
            "Pods that a kubelet refused, for which their node was set aside",
            self.set_aside.clone(),
        );
        registry.register(
            "scheduler_ignored",
            "Reports and other events that were not taken",
            self.ignored.clone(),
        );
    }

    /// Counts what came of an event.
    pub fn count(&self, outcome: &Outcome) {
        match outcome {
            Outcome::Freed { .. } => {}
            Outcome::Mispredicted { .. } => drop(self.mispredicted.inc()),
            Outcome::SetAside { .. } => drop(self.set_aside.inc()),
            Outcome::Ignored { .. } => drop(self.ignored.inc()),
        }
    }

    /// Notes how long a question took.
    pub fn observe(&self, verb: Verb, duration: Duration) {
        let histogram = self.duration.get_or_create(&Asked { verb });
        histogram.observe(duration.as_secs_f64());
    }

    /// Counts the nodes of a question.
    pub fn ask(&self, verb: Verb, nodes: usize) {
        let asked = self.asked.get_or_create(&Asked { verb });
        asked.inc_by(u64::try_from(nodes).unwrap_or(u64::MAX));
    }

    /// Counts what became of the nodes of a question.
    pub fn judge(&self, verdicts: &[Option<Refusal>]) {
        let mut fit = 0;
        let mut refused = [0; REASONS.len()];
        for verdict in verdicts {
            match verdict {
                None => fit += 1,
                Some(refusal) => refused[place(*refusal)] += 1,
            }
        }
        self.fit.inc_by(fit);
        for (reason, count) in REASONS.into_iter().zip(refused) {
            if count > 0 {
                self.refused
                    .get_or_create(&Refused { reason })
                    .inc_by(count);
            }
        }
    }

    /// Counts a question that was not answered.
    pub fn fail(&self, verb: Verb, reason: Failure) {
        self.failed.get_or_create(&Failed { verb, reason }).inc();
    }
}

impl Failure {
    const ALL: [Self; 7] = [
        Self::BadRequest,
        Self::TooLarge,
        Self::NoRoom,
        Self::NotSynced,
        Self::Client,
        Self::Timeout,
        Self::Defect,
    ];

    /// Its name in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "bad-request",
            Self::TooLarge => "too-large",
            Self::NoRoom => "no-room",
            Self::NotSynced => "not-synced",
            Self::Client => "client",
            Self::Timeout => "timeout",
            Self::Defect => "defect",
        }
    }
}

impl EncodeLabelValue for Failure {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
        self.as_str().encode(encoder)
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode_registry;

    use super::*;

    #[test]
    fn every_refusal_has_a_reason_of_its_own() {
        let counts = Counts::default();
        let refusals = [
            Refusal::UnknownNode,
            Refusal::NoReport,
            Refusal::Stale,
            Refusal::Faulty,
            Refusal::NoSuchResource,
            Refusal::Short {
                resource: scheduler::resource::ResourceId::CPU,
                free: 1,
                needed: 2,
            },
            Refusal::Container {
                index: 0,
                resource: None,
            },
            Refusal::Pod { resource: None },
            Refusal::Spread {
                found: 1,
                wanted: 2,
            },
            Refusal::LinkDown {
                resource: scheduler::resource::ResourceId::CPU,
            },
            Refusal::SetAside,
        ];
        let mut verdicts = vec![None, None];
        verdicts.extend(refusals.map(Some));
        counts.judge(&verdicts);
        let mut registry = Registry::default();
        counts.register(&mut registry);
        let mut text = String::new();
        encode_registry(&mut text, &registry).unwrap();
        assert!(text.contains("scheduler_nodes_fit_total 2\n"), "{text}");
        for reason in REASONS {
            let line = format!("scheduler_refusals_total{{reason=\"{reason}\"}} 1\n");
            assert!(text.contains(&line), "{line}{text}");
        }
    }
}
