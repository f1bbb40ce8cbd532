//! Why an object is not let in.

use std::fmt;

use spec::network::Namespace;

use crate::{Fault, one_line::one_line, permissions::UseQuestion};

/// A refusal: the object, what it cannot do, and everything that was found wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{subject}: {}", Listed(.faults))]
pub struct Denial {
    subject: String,
    faults: Vec<Fault>,
}

/// One fault in the form of Kubernetes's `status.details.causes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Kubernetes's `CauseType`, such as `FieldValueInvalid`.
    pub reason: &'static str,
    /// The field of the manifest.
    pub field: String,
    /// The fault in words.
    pub message: String,
}

impl Denial {
    /// How many faults one denial tells. Who has more of them mends these first; and a hostile annotation of a hundred
    /// thousand entries is not looked up to its end.
    pub const MOST_FAULTS: usize = 10;

    /// A denial of what `subject` says, such as "pod default/web cannot get its networks". There is at least one fault.
    pub(crate) fn new(subject: String, mut faults: Vec<Fault>) -> Self {
        debug_assert!(!faults.is_empty(), "{subject}: denied for no reason");
        faults.truncate(Self::MOST_FAULTS);
        Self { subject, faults }
    }

    /// No denial yet: every question that is open, so that all are asked together.
    pub(crate) const fn open(subject: String, faults: Vec<Fault>) -> Self {
        Self { subject, faults }
    }

    /// The same denial of something else that was attempted.
    pub(crate) fn about(self, subject: String) -> Self {
        Self { subject, ..self }
    }

    /// What was found wrong, in the order of the manifest.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// What is to be asked before there is a decision, each with whether the pod is let in without an answer. A denial that
    /// has any is none: whoever can ask decides again, and nobody is told of it.
    pub fn questions(&self) -> impl Iterator<Item = (&UseQuestion, bool)> {
        self.faults.iter().filter_map(Fault::question)
    }

    /// The namespaces whose labels are to be read before there is a decision: as with questions, such a denial is none.
    pub fn unread_namespaces(&self) -> impl Iterator<Item = &Namespace> {
        self.faults.iter().filter_map(Fault::unread_namespace)
    }

    /// The HTTP code: 422 for an object that is wrong in itself, 403 for one that the cluster's networks do not let in.
    #[must_use]
    pub fn code(&self) -> u16 {
        if self.is_of_the_cluster() { 403 } else { 422 }
    }

    /// Kubernetes's `StatusReason` to that code.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        if self.is_of_the_cluster() {
            "Forbidden"
        } else {
            "Invalid"
        }
    }

    /// The faults as `status.details.causes`.
    pub fn causes(&self) -> impl Iterator<Item = Cause> {
        self.faults.iter().map(|fault| Cause {
            reason: fault.cause_type(),
            field: fault.field(),
            message: one_line(&fault.to_string()),
        })
    }

    fn is_of_the_cluster(&self) -> bool {
        self.faults.iter().all(Fault::is_of_the_cluster)
    }
}

struct Listed<'a>(&'a [Fault]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [only] => f.write_str(&one_line(&only.to_string())),
            several => several.iter().enumerate().try_for_each(|(at, fault)| {
                let separator = if at == 0 { "" } else { " " };
                let fault = one_line(&fault.to_string());
                write!(f, "{separator}({}) {fault}", at + 1)
            }),
        }
    }
}
