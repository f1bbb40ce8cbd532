//! Claims of devices (DRA): what a ResourceClaim, a ResourceClaimTemplate or a DeviceClass says about resource names.
//!
//! Which devices a claim gets is decided when its pod is scheduled. What can be known before is what a request demands: its
//! class, and the resource name that its selectors compare with. Only that is kept.

mod index;
mod selector;
mod supply;

use k8s_openapi::api::resource::v1::{
    DeviceClass, DeviceRequest, DeviceSelector, ResourceClaimSpec,
};
use spec::device::ResourceName;

pub use index::{ClaimIndex, ClassIndex, Devices, TemplateIndex};
pub(crate) use supply::Supply;

/// What one claim asks for.
pub type Claimed = Vec<ClaimedRequest>;

/// One request of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedRequest {
    /// Its name within the claim.
    name: String,
    /// What may be allocated for it: one alternative, or the first of several that is available.
    alternatives: Vec<Alternative>,
}

/// Devices that may be allocated for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Alternative {
    class: String,
    /// The resource names that its selectors demand.
    demands: Vec<ResourceName>,
    /// How many devices; `None` for all there are.
    count: Option<u64>,
}

/// A DeviceClass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Class {
    /// The extended resource that containers may request instead of claiming devices of the class.
    extended_resource: Option<String>,
    /// The resource names that its selectors demand.
    demands: Vec<ResourceName>,
}

/// What a class is called where it is requested as an extended resource and gives no other name for that (KEP-5004).
const IMPLICIT: &str = "deviceclass.resource.kubernetes.io/";

/// What a claim of this specification asks for.
#[must_use]
pub fn claimed(spec: &ResourceClaimSpec) -> Claimed {
    let devices = spec.devices.as_ref();
    let requests = devices.and_then(|devices| devices.requests.as_ref());
    requests.into_iter().flatten().map(request).collect()
}

fn request(request: &DeviceRequest) -> ClaimedRequest {
    let exactly = request.exactly.iter().map(|exactly| {
        // A device that is looked at for administration is another pod's.
        let for_administration = exactly.admin_access == Some(true);
        let mode = exactly.allocation_mode.as_deref();
        Alternative {
            class: exactly.device_class_name.clone(),
            demands: demands(exactly.selectors.as_deref()),
            count: if for_administration {
                Some(0)
            } else {
                count(mode, exactly.count)
            },
        }
    });
    let several = request
        .first_available
        .iter()
        .flatten()
        .map(|one| Alternative {
            class: one.device_class_name.clone(),
            demands: demands(one.selectors.as_deref()),
            count: count(one.allocation_mode.as_deref(), one.count),
        });
    ClaimedRequest {
        name: request.name.clone(),
        alternatives: exactly.chain(several).collect(),
    }
}

/// Kubernetes's defaults; a mode that is not known promises nothing.
fn count(mode: Option<&str>, count: Option<i64>) -> Option<u64> {
    match mode {
        None | Some("" | "ExactCount") => {
            Some(count.map_or(1, |count| count.try_into().unwrap_or(0)))
        }
        Some("All") => None,
        Some(_) => Some(0),
    }
}

fn demands(selectors: Option<&[DeviceSelector]>) -> Vec<ResourceName> {
    let expressions = selectors
        .into_iter()
        .flatten()
        .filter_map(|selector| selector.cel.as_ref());
    expressions
        .flat_map(|cel| selector::resource_names(&cel.expression))
        .collect()
}

impl Class {
    /// What a DeviceClass says.
    #[must_use]
    pub fn of(class: &DeviceClass) -> Self {
        Self {
            extended_resource: class.spec.extended_resource_name.clone(),
            demands: demands(class.spec.selectors.as_deref()),
        }
    }

    /// Whether containers get its devices by requesting this extended resource.
    fn gives(&self, resource: &str) -> bool {
        self.extended_resource.as_deref() == Some(resource)
    }

    /// Whether all devices of the class, which is called `name`, are of `resource`.
    fn is_of(&self, name: &str, resource: &ResourceName) -> bool {
        self.extended_resource.as_deref() == Some(resource.as_str())
            || resource.as_str().strip_prefix(IMPLICIT) == Some(name)
            || self.demands.contains(resource)
    }
}

impl ClaimedRequest {
    /// How many devices of `resource` the request gets at least, whichever alternative it will be; `None` for all there are.
    fn devices(&self, resource: &ResourceName, classes: &ClassIndex) -> Option<u64> {
        let counts = self.alternatives.iter().map(|alternative| {
            let is_of_class = classes
                .get(&alternative.class)
                .is_some_and(|class| class.is_of(&alternative.class, resource));
            if is_of_class || alternative.demands.contains(resource) {
                alternative.count
            } else {
                Some(0)
            }
        });
        // All there are is more than any number.
        counts
            .min_by_key(|count| count.unwrap_or(u64::MAX))
            .unwrap_or(Some(0))
    }
}

#[cfg(test)]
mod tests;
