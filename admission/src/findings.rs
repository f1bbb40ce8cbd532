//! What was found wrong, sorted by how seriously the administrator takes it.

use spec::network::Namespace;

use crate::{
    AccessFault, Cluster, Denial, Fault, Labels, Mode, Place, Plan, Policy, Rule, Warning,
    known_labels::KnownLabels, one_line::one_line, permissions::UseQuestion,
};

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
    labels: KnownLabels,
    enforced: Vec<Fault>,
    passed: Vec<Finding>,
    open: Vec<Fault>,
    /// Other namespaces whose labels are still to be read.
    unread: Vec<Namespace>,
}

impl<'a> Findings<'a> {
    /// Nothing is wrong yet with an object of `namespace`.
    pub(crate) fn new(namespace: &'a Namespace, cluster: &Cluster, policy: &'a Policy) -> Self {
        Self {
            policy,
            namespace,
            labels: KnownLabels::of(namespace, cluster),
            unread: Vec::new(),
            enforced: Vec::new(),
            passed: Vec::new(),
            open: Vec::new(),
        }
    }

    /// Takes a fault.
    pub(crate) fn add(&mut self, fault: Fault) {
        self.refuse(fault);
    }

    /// Takes a fault and says whether its rule is enforced.
    pub(crate) fn refuse(&mut self, fault: Fault) -> bool {
        let mode = self.mode(fault.rule());
        self.take(fault, mode)
    }

    /// Takes a fault that is about the pods of another namespace, and concludes what its labels have decided.
    pub(crate) fn add_of(&mut self, fault: Fault, namespace: &Namespace, labels: &KnownLabels) {
        let modes = &self.policy.modes;
        let mode = modes.of(fault.rule(), namespace, &|| labels.get());
        self.take(fault, mode);
    }

    fn take(&mut self, fault: Fault, mode: Mode) -> bool {
        let rule = fault.rule();
        match mode {
            Mode::Enforce => self.enforced.push(fault),
            mode => {
                self.passed.push(Finding {
                    rule,
                    mode,
                    message: one_line(&fault.to_string()),
                });
                return false;
            }
        }
        true
    }

    /// Takes a question that is open. One that was asked and not answered stays open only where the rule is enforced.
    pub(crate) fn ask(&mut self, place: Place, question: UseQuestion, was_asked: bool) {
        let can_do_without = self.mode(Rule::UsePermission) != Mode::Enforce;
        if was_asked && can_do_without {
            return self.add(AccessFault::Unanswered { place, question }.into());
        }
        let is_known = self.open.iter().any(|fault| {
            fault
                .question()
                .is_some_and(|(known, _)| *known == question)
        });
        if !is_known {
            let fault = AccessFault::Unasked {
                place,
                question,
                can_do_without,
            };
            self.open.push(fault.into());
        }
    }

    /// Leaves the open questions to a later decision about the same object.
    pub(crate) fn leave_questions(&mut self) {
        self.open.clear();
    }

    /// The object's namespace.
    pub(crate) const fn namespace(&self) -> &Namespace {
        self.namespace
    }

    /// The labels of the object's namespace. Whoever takes them makes the decision depend on them.
    pub(crate) fn labels(&self) -> &Labels {
        self.labels.get()
    }

    /// Takes notice of what was decided by the labels of another namespace.
    pub(crate) fn depend_on(&mut self, namespace: Namespace, labels: &KnownLabels) {
        if labels.are_missed() {
            self.unread.push(namespace);
        }
    }

    fn mode(&self, rule: Rule) -> Mode {
        self.policy
            .modes
            .of(rule, self.namespace, &|| self.labels())
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

    /// A denial if any enforced rule is broken, or a question is open; else the rest is noted in the plan. What is denied
    /// anyhow needs no answers; but what was decided by labels that nobody has read is not decided.
    pub(crate) fn conclude(self, plan: &mut Plan, subject: String) -> Result<(), Denial> {
        let own = self.labels.are_missed().then(|| self.namespace.clone());
        let unread = own.into_iter().chain(self.unread);
        let unread: Vec<Fault> = unread
            .map(|namespace| AccessFault::UnreadNamespace(namespace).into())
            .collect();
        if !unread.is_empty() {
            return Err(Denial::new(subject, unread));
        }
        if !self.enforced.is_empty() {
            return Err(Denial::new(subject, self.enforced));
        }
        if !self.open.is_empty() {
            return Err(Denial::open(subject, self.open));
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
