//! How reviews ended: decisions, the rules that were broken, the devices that were injected.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use admission::{Mode, Plan, Rule};
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder},
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

use crate::{decide::Decision, hook::Hook};

/// How many resources are counted by name. A cluster has a handful; what users write into networks must not make metrics
/// without end.
const MOST_RESOURCES: usize = 50;

/// What those beyond are counted as.
const OTHER: &str = "other";

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Allowed as it is.
    Allowed,
    /// Allowed with a patch.
    Patched,
    /// Denied.
    Denied,
    /// Not decided, so that the failure policy does.
    Failed,
}

/// Why it ended so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Nothing is wrong.
    None,
    /// The first rule that is broken.
    Rule(Rule),
    /// The request is no review, or not of the object it says.
    BadRequest,
    /// It is larger than is read.
    TooLarge,
    /// The bodies of other requests take all the room there is.
    NoRoom,
    /// The cluster is not known yet.
    NotSynced,
    /// The API server did not say whether a network is there.
    ApiServer,
    /// It took too long.
    Timeout,
    /// A defect of the webhook, that it noticed.
    Defect,
    /// A defect of the webhook, that it did not.
    Panic,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    hook: Hook,
    decision: Outcome,
    reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Found {
    rule: Reason,
    mode: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Injected {
    resource: String,
}

#[derive(Debug)]
pub(super) struct Decisions {
    ended: Family<Ended, Counter>,
    findings: Family<Found, Counter>,
    injected: Family<Injected, Counter>,
    resources: Arc<Mutex<BTreeSet<String>>>,
}

impl Decisions {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let decisions = Self {
            ended: Family::default(),
            findings: Family::default(),
            injected: Family::default(),
            resources: Arc::default(),
        };
        for hook in [Hook::Mutate, Hook::Validate] {
            let begin = |decision, reason| {
                drop(decisions.ended.get_or_create(&Ended {
                    hook,
                    decision,
                    reason,
                }));
            };
            begin(Outcome::Allowed, Reason::None);
            begin(Outcome::Patched, Reason::None);
            for rule in Rule::ALL {
                begin(Outcome::Denied, Reason::Rule(*rule));
            }
            for reason in Reason::FAILURES {
                begin(Outcome::Failed, reason);
            }
        }
        registry.register(
            "admission_decisions",
            "Admission reviews by hook, decision, and the first rule that is broken or what kept them from being decided",
            decisions.ended.clone(),
        );
        registry.register(
            "admission_findings",
            "Broken rules that were let pass, by rule and mode",
            decisions.findings.clone(),
        );
        registry.register(
            "injected_devices",
            "Devices added to pods, by resource",
            decisions.injected.clone(),
        );
        decisions
    }

    pub(super) fn count(&self, hook: Hook, decision: &Decision, is_dry_run: bool) {
        self.end(hook, Outcome::from(decision), Reason::of(decision));
        // The mutating hook sees every pod that the validating one sees: findings are counted where both hooks come by.
        let is_last = hook == Hook::Validate;
        match decision {
            Decision::Allowed(plan) | Decision::Patched { plan, .. } if is_last => self.find(plan),
            Decision::Patched { plan, .. } if !is_dry_run => self.inject(plan),
            Decision::Allowed(_) | Decision::Patched { .. } | Decision::Denied(_) => {}
        }
    }

    pub(super) fn count_failed(&self, hook: Hook, reason: Reason) {
        self.end(hook, Outcome::Failed, reason);
    }

    fn end(&self, hook: Hook, decision: Outcome, reason: Reason) {
        let ended = Ended {
            hook,
            decision,
            reason,
        };
        self.ended.get_or_create(&ended).inc();
    }

    fn find(&self, plan: &Plan) {
        for finding in &plan.findings {
            let found = Found {
                rule: Reason::Rule(finding.rule),
                mode: mode(finding.mode),
            };
            self.findings.get_or_create(&found).inc();
        }
    }

    fn inject(&self, plan: &Plan) {
        for addition in plan.additions.iter().filter(|addition| addition.add > 0) {
            let resource = self.bounded(addition.resource.as_str());
            self.injected
                .get_or_create(&Injected { resource })
                .inc_by(addition.add);
        }
    }

    fn bounded(&self, resource: &str) -> String {
        let mut resources = self
            .resources
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if !resources.contains(resource) {
            if resources.len() >= MOST_RESOURCES {
                return OTHER.to_owned();
            }
            resources.insert(resource.to_owned());
        }
        resource.to_owned()
    }
}

/// A mode's name in metrics and the audit log: that of the configuration.
pub(crate) const fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Enforce => "enforce",
        Mode::Warn => "warn",
        Mode::Monitor => "monitor",
    }
}

impl Outcome {
    /// Its name in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Patched => "patched",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }
}

impl From<&Decision> for Outcome {
    fn from(decision: &Decision) -> Self {
        match decision {
            Decision::Allowed(_) => Self::Allowed,
            Decision::Patched { .. } => Self::Patched,
            Decision::Denied(_) => Self::Denied,
        }
    }
}

impl Reason {
    const FAILURES: [Self; 8] = [
        Self::BadRequest,
        Self::TooLarge,
        Self::NoRoom,
        Self::NotSynced,
        Self::ApiServer,
        Self::Timeout,
        Self::Defect,
        Self::Panic,
    ];

    fn of(decision: &Decision) -> Self {
        match decision {
            Decision::Allowed(_) | Decision::Patched { .. } => Self::None,
            Decision::Denied(denial) => denial
                .faults()
                .first()
                .map_or(Self::None, |fault| Self::Rule(fault.rule())),
        }
    }

    /// Its name in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Rule(rule) => rule.as_str(),
            Self::BadRequest => "bad-request",
            Self::TooLarge => "too-large",
            Self::NoRoom => "no-room",
            Self::NotSynced => "not-synced",
            Self::ApiServer => "api-server",
            Self::Timeout => "timeout",
            Self::Defect => "defect",
            Self::Panic => "panic",
        }
    }
}

impl EncodeLabelValue for Outcome {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
        self.as_str().encode(encoder)
    }
}

impl EncodeLabelValue for Reason {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
        self.as_str().encode(encoder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_without_end_are_counted_as_others() {
        let decisions = Decisions::register(&mut Registry::default());
        for n in 0..MOST_RESOURCES {
            let name = format!("example.com/r{n}");
            assert_eq!(decisions.bounded(&name), name);
        }
        assert_eq!(decisions.bounded("example.com/one-more"), OTHER);
        assert_eq!(decisions.bounded("example.com/r0"), "example.com/r0");
    }
}
