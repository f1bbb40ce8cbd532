//! What was found wrong, sorted by how seriously the administrator takes it.

use spec::network::Namespace;

use crate::{Cluster, Denial, Fault, Labels, Mode, Plan, Policy, Rule, Warning};

/// A fault that is let pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule that is broken.
    pub rule: Rule,
    /// Why it is let pass: [`Mode::Warn`] or [`Mode::Monitor`].
    pub mode: Mode,
    /// The fault in words.
    pub message: String,
}

/// Takes faults as they are found.
#[derive(Debug)]
pub(crate) struct Findings<'a> {
    policy: &'a Policy,
    namespace: &'a Namespace,
    labels: Labels,
    enforced: Vec<Fault>,
    passed: Vec<Finding>,
}

impl<'a> Findings<'a> {
    /// Nothing is wrong yet with an object of `namespace`.
    pub(crate) fn new(namespace: &'a Namespace, cluster: &Cluster, policy: &'a Policy) -> Self {
        Self {
            policy,
            namespace,
            labels: cluster.namespaces.labels(namespace),
            enforced: Vec::new(),
            passed: Vec::new(),
        }
    }

    /// Takes a fault.
    pub(crate) fn add(&mut self, fault: Fault) {
        let rule = fault.rule();
        match self.policy.modes.of(rule, self.namespace, &self.labels) {
            Mode::Enforce => self.enforced.push(fault),
            mode => self.passed.push(Finding {
                rule,
                mode,
                message: fault.to_string(),
            }),
        }
    }

    /// Takes several.
    pub(crate) fn extend(&mut self, faults: impl IntoIterator<Item = Fault>) {
        faults.into_iter().for_each(|fault| self.add(fault));
    }

    /// Whether a denial is certain and cannot tell more.
    pub(crate) fn are_enough(&self) -> bool {
        self.enforced.len() >= Denial::MOST_FAULTS
    }

    /// Whether a denial is certain.
    pub(crate) fn deny(&self) -> bool {
        !self.enforced.is_empty()
    }

    /// A denial if any enforced rule is broken; else the rest is noted in the plan.
    pub(crate) fn conclude(self, plan: &mut Plan, subject: String) -> Result<(), Denial> {
        if !self.enforced.is_empty() {
            return Err(Denial::new(subject, self.enforced));
        }
        let told = self
            .passed
            .iter()
            .filter(|passed| passed.mode == Mode::Warn);
        plan.warnings
            .extend(told.map(|passed| Warning::new(&passed.message)));
        plan.findings.extend(self.passed);
        Ok(())
    }
}
