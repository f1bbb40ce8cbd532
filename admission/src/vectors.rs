//! The conformance vectors that concern annotations, counting and injection, named by their numbers.

mod annotations;
mod final_pod;
mod injection;

use serde_json::Value;

use crate::{Addition, Denial, fixture::decide};

/// What a pod with this annotation gets, as `container resource=total`.
pub(super) fn gets(pod: &Value) -> Vec<String> {
    let plan = decide(pod).unwrap_or_else(|denial| panic!("{pod}: {denial}"));
    plan.additions
        .iter()
        .map(|addition| {
            let Addition {
                container,
                resource,
                total,
                ..
            } = addition;
            format!("{} {resource}={total}", container.name)
        })
        .collect()
}

pub(super) fn denial(pod: &Value) -> Denial {
    match decide(pod) {
        Err(denial) => denial,
        Ok(plan) => panic!("{pod}: {plan:?}"),
    }
}

pub(super) fn warnings(pod: &Value) -> Vec<String> {
    let plan = decide(pod).unwrap_or_else(|denial| panic!("{pod}: {denial}"));
    plan.warnings.iter().map(ToString::to_string).collect()
}
