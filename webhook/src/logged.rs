//! What is logged of a review.
//!
//! Above debug a line tells that there was one and how it ended, and nothing of the object: no name, no namespace, no word
//! of an annotation, which a denial quotes. The uid finds the request in the API server's audit log, which tells the rest.

use tracing::{debug, info};

use crate::{
    answer::shortened, audit, decide::Decision, hook::Hook, metrics::Outcome, review::Request,
};

/// Logs a review that was decided.
pub(crate) fn decided(hook: Hook, request: &Request<'_>, decision: &Decision) {
    let hook = hook.as_str();
    let uid = request.uid.as_ref();
    let kind = request.kind.kind.as_ref();
    let operation = request.operation.as_ref();
    let outcome = Outcome::from(decision).as_str();
    match decision {
        Decision::Denied(denial) => {
            let rules: Vec<&str> = denial
                .faults()
                .iter()
                .map(|fault| fault.rule().as_str())
                .collect();
            let rules = rules.join(",");
            info!(
                hook,
                uid,
                kind,
                operation,
                decision = outcome,
                rules,
                "Review answered"
            );
        }
        Decision::Allowed(_) | Decision::Patched { .. } if audit::is_of_interest(decision) => {
            info!(
                hook,
                uid,
                kind,
                operation,
                decision = outcome,
                "Review answered"
            );
        }
        // Most pods of a cluster: nothing was asked of this webhook.
        Decision::Allowed(_) | Decision::Patched { .. } => {}
    }
    if tracing::enabled!(tracing::Level::DEBUG) {
        let namespace = request.namespace.as_deref();
        let name = request.name.as_deref();
        let (networks, denial) = match decision {
            Decision::Denied(denial) => (None, Some(shortened(denial.to_string()))),
            Decision::Allowed(plan) | Decision::Patched { plan, .. } => {
                (Some(plan.networks.len()), None)
            }
        };
        debug!(
            hook,
            uid,
            kind,
            operation,
            namespace,
            name,
            decision = outcome,
            networks,
            denial,
            "Review in full"
        );
    }
}
