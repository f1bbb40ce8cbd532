//! What a pod's containers already have of a resource.

use std::collections::BTreeMap;

use api::{
    pod::{Pod, Resources},
    quantity::whole,
};
use serde_json::Value;
use spec::device::ResourceName;

use crate::{ContainerRef, Fault, container::holders};

/// What one container has of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holding {
    pub(crate) container: ContainerRef,
    /// In `requests`.
    pub(crate) request: Option<u64>,
    /// In `limits`.
    pub(crate) limit: Option<u64>,
}

impl Holding {
    /// The devices the kubelet allocates: the API server completes the one number from the other.
    pub(crate) fn devices(&self) -> u64 {
        self.request.max(self.limit).unwrap_or(0)
    }
}

/// What every app container and sidecar of `pod` has of `resource`, containers without any included.
pub(crate) fn of(pod: &Pod, resource: &ResourceName) -> Result<Vec<Holding>, Fault> {
    holders(pod)
        .map(|(container, found)| {
            let resources = found.resources.as_ref();
            let read = |list, of: fn(&Resources) -> &Option<BTreeMap<String, Value>>| {
                let quantities = resources.and_then(|resources| of(resources).as_ref());
                quantity(quantities, resource).map_err(|problem| Fault::Quantity {
                    container: container.clone(),
                    resource: resource.clone(),
                    list,
                    problem,
                })
            };
            let request = read("requests", |resources| &resources.requests)?;
            let limit = read("limits", |resources| &resources.limits)?;
            match (request, limit) {
                (Some(request), Some(limit)) if request != limit => Err(Fault::RequestIsNotLimit {
                    container,
                    resource: resource.clone(),
                    request,
                    limit,
                }),
                (request, limit) => Ok(Holding {
                    container,
                    request,
                    limit,
                }),
            }
        })
        .collect()
}

fn quantity(
    quantities: Option<&BTreeMap<String, Value>>,
    resource: &ResourceName,
) -> Result<Option<u64>, api::quantity::QuantityError> {
    quantities
        .and_then(|quantities| quantities.get(resource.as_str()))
        .filter(|value| !value.is_null())
        .map(whole)
        .transpose()
}
