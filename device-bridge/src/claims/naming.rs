//! Gives claimed devices their resource and their id: functions of what was told and read.

use std::collections::BTreeMap;

use super::{
    objects::{ClaimResults, PodClaims},
    slices::Slices,
};
use crate::allocation::{Allocation, ClaimedDevice};

/// What the slices left open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Open {
    /// Devices that no whole pool has: the slices are behind, or are not those of this node.
    pub missing: Vec<ClaimedDevice>,
    /// Devices whose slice names no resource, with their ids. They may be behind an extended resource.
    pub nameless: Vec<(ClaimedDevice, String)>,
}

/// Names the devices as their drivers say. What has no id is no network's.
pub fn by_slices(allocation: &mut Allocation, slices: &Slices) -> Open {
    let mut open = Open::default();
    for device in allocation.claimed().to_vec() {
        let Some(advertised) = slices.find(&device.id) else {
            open.missing.push(device);
            continue;
        };
        match (&advertised.resource, &advertised.id) {
            (Some(resource), Some(id)) => allocation.name(&device, resource, id),
            (None, Some(id)) => open.nameless.push((device, id.clone())),
            (_, None) => {}
        }
    }
    open
}

/// Adds the devices of claims that the kubelet is too old to tell of.
pub fn by_claims(
    allocation: &mut Allocation,
    pod: &PodClaims,
    claims: &BTreeMap<String, ClaimResults>,
) {
    for (claim, results) in claims {
        let container = |request: &str| match &pod.extended {
            Some(extended) if extended.claim == *claim => {
                let mapping = extended.mappings.iter().find(|one| one.request == request);
                mapping.map(|mapping| mapping.container.clone())
            }
            Some(_) | None => pod.claims.get(claim).cloned(),
        };
        for device in results.devices(claim, container) {
            allocation.claim(device);
        }
    }
}

/// Names devices whose slice says no resource, as the pod's extended resources say. `claims` is needed where a container
/// has several extended resources of one claim.
pub fn by_extended_resources(
    allocation: &mut Allocation,
    nameless: &[(ClaimedDevice, String)],
    pod: &PodClaims,
    claims: &BTreeMap<String, ClaimResults>,
) {
    let Some(extended) = &pod.extended else {
        return;
    };
    let of_claim = nameless
        .iter()
        .filter(|(device, _)| device.claim == extended.claim);
    for (device, id) in of_claim {
        let request = claims.get(&device.claim).and_then(|results| {
            let of_device = results.0.iter().find(|(_, id)| *id == device.id);
            of_device.map(|(request, _)| request.as_str())
        });
        let mut mappings = extended.mappings.iter().filter(|mapping| {
            mapping.container == device.container
                && request.is_none_or(|request| mapping.request == request)
        });
        if let Some(first) = mappings.next()
            && mappings.all(|other| other.resource == first.resource)
        {
            allocation.name(device, &first.resource, id);
        }
    }
}

#[cfg(test)]
#[path = "naming_tests.rs"]
mod tests;
