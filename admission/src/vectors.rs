//! The conformance vectors that concern annotations, counting and injection, named by their numbers.

mod annotations;
mod final_pod;
mod inject;
mod injection;
mod node_selector;
mod pod_net_info;
mod reserve;
mod resource_names;
mod target;
mod user_defined;

use serde_json::Value;

use crate::{
    Addition, Denial, Policy,
    fixture::{decide, decide_by},
};

/// What a pod with this annotation gets, as `container resource=total`.
pub(super) fn gets(pod: &Value) -> Vec<String> {
    gets_by(pod, &Policy::default())
}

/// The same by a policy.
pub(super) fn gets_by(pod: &Value, policy: &Policy) -> Vec<String> {
    let plan = decide_by(pod, policy).unwrap_or_else(|denial| panic!("{pod}: {denial}"));
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
    denial_by(pod, &Policy::default())
}

pub(super) fn denial_by(pod: &Value, policy: &Policy) -> Denial {
    match decide_by(pod, policy) {
        Err(denial) => denial,
        Ok(plan) => panic!("{pod}: {plan:?}"),
    }
}

pub(super) fn warnings(pod: &Value) -> Vec<String> {
    warnings_by(pod, &Policy::default())
}

pub(super) fn warnings_by(pod: &Value, policy: &Policy) -> Vec<String> {
    let plan = decide_by(pod, policy).unwrap_or_else(|denial| panic!("{pod}: {denial}"));
    plan.warnings.iter().map(ToString::to_string).collect()
}

/// What is said about a denied pod: code, field and text of each fault.
pub(super) fn told(denial: &Denial) -> String {
    let causes: Vec<String> = denial
        .causes()
        .map(|cause| format!("{} {}", cause.reason, cause.field))
        .collect();
    format!("{} {denial}\n  {}\n", denial.code(), causes.join(", "))
}
