//! Which service accounts may use which networks, as far as the API server has said.

use std::collections::BTreeMap;

use spec::network::{Namespace, NetworkRef, ObjectName};

/// The RBAC verb that a service account needs on a NetworkAttachmentDefinition where the policy asks for it.
pub const VERB: &str = "use";

/// Whether a service account may use a network.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UseQuestion {
    /// The namespace of the pod and its service account.
    pub namespace: Namespace,
    /// The service account.
    pub service_account: ObjectName,
    /// The network.
    pub network: NetworkRef,
}

/// What is known of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UseAnswer {
    /// It may.
    Allowed,
    /// It may not.
    Refused,
    /// The API server was asked and did not answer. Where the rule is enforced it is asked again.
    Unanswered,
}

/// The answers, kept by whoever can ask. Where nobody can, as with files, there are none and none are asked for.
#[derive(Clone, Debug, Default)]
pub struct Permissions(Option<BTreeMap<UseQuestion, UseAnswer>>);

impl Permissions {
    /// Nothing is known yet, and the API server can be asked.
    #[must_use]
    pub const fn to_be_asked() -> Self {
        Self(Some(BTreeMap::new()))
    }

    /// Whether questions can be asked at all.
    #[must_use]
    pub const fn can_be_asked(&self) -> bool {
        self.0.is_some()
    }

    /// What is known.
    #[must_use]
    pub fn answer(&self, question: &UseQuestion) -> Option<UseAnswer> {
        self.0.as_ref()?.get(question).copied()
    }

    /// Notes an answer.
    pub fn insert(&mut self, question: UseQuestion, answer: UseAnswer) {
        self.0.get_or_insert_default().insert(question, answer);
    }

    /// Forgets an answer, which is too old.
    pub fn remove(&mut self, question: &UseQuestion) {
        if let Some(answers) = &mut self.0 {
            answers.remove(question);
        }
    }

    /// How many answers are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, BTreeMap::len)
    }

    /// Whether none is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl UseQuestion {
    /// The account's name among the users of the cluster.
    #[must_use]
    pub fn user(&self) -> String {
        format!(
            "system:serviceaccount:{}:{}",
            self.namespace, self.service_account
        )
    }

    /// The groups that every service account is in.
    #[must_use]
    pub fn groups(&self) -> [String; 3] {
        [
            "system:serviceaccounts".to_owned(),
            format!("system:serviceaccounts:{}", self.namespace),
            "system:authenticated".to_owned(),
        ]
    }
}
