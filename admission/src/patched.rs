//! A pod as the mutating hook gives it back: plan, patch, and the patch applied.
//!
//! The server and `kubectl-polypod render` both call this, so that what a person sees before `kubectl apply` is what the
//! API server will be told.

use api::pod::Pod;
use json_patch::{Patch, PatchError};
use serde::Deserialize;
use serde_json::Value;
use spec::network::Namespace;

use crate::{Denial, Plan, Policy, View, admit};

/// An admitted pod.
#[derive(Clone, Debug, PartialEq)]
pub struct Patched {
    /// What was decided.
    pub plan: Plan,
    /// The difference between the pod and [`Patched::object`]; empty when there is none.
    pub patch: Patch,
    /// The whole pod with the patch applied.
    pub object: Value,
}

/// Why there is no patched pod.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The object is no pod.
    #[error("reading the pod: {0}")]
    NotAPod(#[source] serde_json::Error),
    /// The pod is denied.
    #[error(transparent)]
    Denied(#[from] Denial),
    /// The patch does not fit the pod it was made for: a defect of Polypod, not of the pod.
    #[error("applying the patch to the pod it was made for: {0}")]
    Patch(#[source] PatchError),
}

/// Admits a raw pod and applies the patch, because one that does not apply must never be sent: the API server answers
/// it with an internal error whatever the failure policy says.
///
/// # Errors
/// The object is no pod, or it is denied.
pub fn patched<'a>(
    object: Value,
    namespace: &Namespace,
    cluster: impl Into<View<'a>>,
    policy: &Policy,
) -> Result<Patched, Refusal> {
    let pod = Pod::deserialize(&object).map_err(Refusal::NotAPod)?;
    let plan = admit(&pod, namespace, cluster, policy)?;
    let patch = plan.patch(&pod);
    Patched::apply(plan, patch, object)
}

impl Patched {
    /// Applies `patch`, that of `plan`, to the object that it was made for.
    ///
    /// # Errors
    /// It does not apply.
    pub fn apply(plan: Plan, patch: Patch, mut object: Value) -> Result<Self, Refusal> {
        json_patch::patch(&mut object, &patch).map_err(Refusal::Patch)?;
        Ok(Self {
            plan,
            patch,
            object,
        })
    }
}
