//! What is true of every pod that is judged, whatever it selects.

use admission::{Cluster, Denial, Policy, Refusal, patched, review_final};
use api::pod::Pod;
use serde::Deserialize as _;
use serde_json::Value;
use spec::network::INJECT;

use super::world::NAMESPACE;

/// Judges a pod by both hooks. What the first returns, the second lets in, and nothing is left to be added.
pub(super) fn judge(object: &Value, cluster: &Cluster, policy: &Policy) -> Result<(), Denial> {
    match patched(object.clone(), &NAMESPACE, cluster, policy) {
        Ok(first) => {
            let again = patched(first.object.clone(), &NAMESPACE, cluster, policy)
                .unwrap_or_else(|refusal| panic!("{refusal}, once it was patched"));
            assert!(again.patch.is_empty(), "still to add: {:?}", again.patch);
            if !opts_out(&first.object) {
                let pod = Pod::deserialize(&first.object).expect("it was a pod before");
                if let Err(denial) = review_final(&pod, &NAMESPACE, cluster, policy) {
                    assert!(is_open(&denial), "the patched pod is denied: {denial}");
                }
            }
            Ok(())
        }
        Err(Refusal::Denied(denial)) => {
            explained(&denial);
            Err(denial)
        }
        // The pod does not fit its type.
        Err(Refusal::NotAPod(_)) => Ok(()),
        Err(refusal) => panic!("{refusal}"),
    }
}

/// Whether the pod's author wants nothing added: it may then lack devices when it is stored.
pub(super) fn opts_out(object: &Value) -> bool {
    object["metadata"]["annotations"][INJECT] == "false"
}

/// Whether it is no denial yet: the API server is to be asked who may use a network, which only the last hook does.
pub(super) fn is_open(denial: &Denial) -> bool {
    denial.questions().next().is_some()
}

/// A denial tells at least one thing that is wrong, and where.
pub(super) fn explained(denial: &Denial) {
    assert!(!denial.faults().is_empty());
    assert!(matches!(denial.code(), 403 | 422), "{}", denial.code());
    for cause in denial.causes() {
        assert!(!cause.field.is_empty() && !cause.message.is_empty());
        assert!(
            !cause.message.contains(char::is_control),
            "{:?}",
            cause.message
        );
    }
}
