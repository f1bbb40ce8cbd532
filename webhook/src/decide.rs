//! From a request to a decision.

use admission::{Cluster, Denial, Plan, Policy, Refusal, View};
use json_patch::Patch;
use spec::NameError;

use crate::{asked::Asked, hook::Hook, review::Request};

/// What is answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// The object may be stored as it is. The plan adds nothing; that of other objects than pods is only its warnings.
    Allowed(Plan),
    /// The object may be stored with this patch.
    Patched {
        /// What was decided.
        plan: Plan,
        /// How the API server is told.
        patch: Patch,
    },
    /// The object may not be stored.
    Denied(Denial),
}

/// Why there is no decision. The webhook configuration's `failurePolicy` says what happens then.
#[derive(Debug, thiserror::Error)]
pub enum Undecided {
    /// The networks have not been read yet.
    #[error("the networks of the cluster are not known yet; try again")]
    NotSynced,
    /// The object is not of the kind that the request says.
    #[error("reading the {what} of the request as a {kind}: {problem}")]
    Unreadable {
        /// `object` or `oldObject`.
        what: &'static str,
        /// The kind.
        kind: &'static str,
        /// What is wrong.
        #[source]
        problem: serde_json::Error,
    },
    /// The request does not say where the pod is to be.
    #[error("reading the namespace of the request: {0}")]
    Namespace(#[source] NameError),
    /// A pod that was read cannot be patched: a defect of Polypod.
    #[error(transparent)]
    Refusal(Refusal),
}

/// Decides by what is known. `cluster` is `None` while it is not known yet.
///
/// # Errors
/// There is no decision.
pub fn decide(
    hook: Hook,
    request: &Request<'_>,
    cluster: Option<&Cluster>,
    policy: &Policy,
) -> Result<Decision, Undecided> {
    let asked = Asked::read(hook, request, policy, true)?;
    let judgement = asked.judge(cluster.map(View::from), policy)?;
    asked.conclude(judgement, None)
}

#[cfg(test)]
mod tests;
