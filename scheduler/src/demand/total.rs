//! What a whole pod requests of a node (`PodRequests` of Kubernetes).

use super::amounts::{Amounts, Requirements, above_zero, add, is_pod_level};
use crate::need::Role;

/// What the containers need together; of what the pod has as a whole exactly that; and the overhead.
pub(super) fn of(mut sum: Amounts, whole: Option<&Requirements>, overhead: &Amounts) -> Amounts {
    let whole = whole.into_iter().flat_map(Requirements::requests);
    for (resource, amount) in whole.filter(|(resource, _)| is_pod_level(resource)) {
        sum.insert(resource.clone(), *amount);
    }
    add(
        &mut sum,
        overhead
            .iter()
            .map(|(resource, amount)| (&**resource, *amount)),
    );
    above_zero(sum)
}

/// What containers need together: app containers and sidecars, or what an init container needs beside the sidecars that
/// were started before it, if that is more.
pub(super) fn sum<'a>(
    containers: impl IntoIterator<Item = (Role, impl IntoIterator<Item = (&'a str, i64)>)>,
) -> Amounts {
    let mut running = Amounts::new();
    let mut highest = Amounts::new();
    for (role, own) in containers {
        if role == Role::Init {
            for (resource, amount) in own {
                let before = running.get(resource).copied().unwrap_or_default();
                let highest = highest.entry(resource.into()).or_default();
                *highest = before.saturating_add(amount).max(*highest);
            }
        } else {
            add(&mut running, own);
        }
    }
    for (resource, amount) in running {
        let highest = highest.entry(resource).or_default();
        *highest = amount.max(*highest);
    }
    highest
}
