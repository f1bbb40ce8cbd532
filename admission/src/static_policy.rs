//! The part of admission that the API server can do by itself: ValidatingAdmissionPolicies, rendered from the same policy.
//!
//! CEL reads no JSON and looks up no network, so a static policy knows less than [`crate::admit`]. It must never know
//! better: what it denies, `admit` denies, whatever the cluster holds. Where it cannot be certain, it lets pass.

mod annotation_checks;
mod cel;
mod check;
mod entry_checks;
mod mode_of;
mod network_checks;
mod object;

use std::collections::BTreeSet;

use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
};
use spec::network::Namespace;

use crate::{Mode, Policy};

/// A policy and what puts it in force.
#[derive(Clone, Debug, PartialEq)]
pub struct StaticPolicy {
    /// What is checked.
    pub policy: ValidatingAdmissionPolicy,
    /// That it is, in all namespaces but some.
    pub binding: ValidatingAdmissionPolicyBinding,
}

/// The static policies of an administrator's policy: for pods and for NetworkAttachmentDefinitions one for each mode that
/// some rule has somewhere, and one that warns of pods whose networks are not attached. They hold in all namespaces but
/// `excluded`: those that the webhook's registration leaves out too, so that the cluster can be mended whatever happens.
#[must_use]
pub fn static_policies(policy: &Policy, excluded: &BTreeSet<Namespace>) -> Vec<StaticPolicy> {
    let pods = annotation_checks::all(policy);
    let networks = network_checks::all();
    let mut all = Vec::new();
    for mode in [Mode::Enforce, Mode::Warn, Mode::Monitor] {
        all.extend(object::of_pods(&pods, policy, mode));
    }
    all.push(object::of_host_network());
    for mode in [Mode::Enforce, Mode::Warn, Mode::Monitor] {
        all.extend(object::of_networks(&networks, policy, mode));
    }
    for StaticPolicy { binding, .. } in &mut all {
        binding.spec.match_resources = object::all_but(excluded);
    }
    all
}

#[cfg(test)]
mod tests;
