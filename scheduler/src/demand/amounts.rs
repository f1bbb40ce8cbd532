//! Requests and limits as numbers.

use std::collections::BTreeMap;

use api::pod::{Pod, Resources};
use serde_json::Value;

use super::DemandError;
use crate::resource::Kind;

/// Amounts by resource, in units of [`Kind`].
pub type Amounts = BTreeMap<Box<str>, i64>;

/// Requests and limits of a container or of a pod.
pub(super) struct Requirements {
    requests: Amounts,
    limits: Amounts,
}

impl Requirements {
    /// What is written in `resources`.
    pub(super) fn of(
        resources: Option<&Resources>,
        pod: &Pod,
        place: impl Fn() -> String,
    ) -> Result<Self, DemandError> {
        let part = |list: fn(&Resources) -> Option<&BTreeMap<String, Value>>| {
            read(resources.and_then(list), pod, &place)
        };
        Ok(Self {
            requests: part(|resources| resources.requests.as_ref())?,
            limits: part(|resources| resources.limits.as_ref())?,
        })
    }

    /// What a pod has as a whole, with what the API server fills in beside limits: where a request is missing, what the
    /// containers request together, and the limit where they request nothing (`defaultPodRequests`).
    pub(super) fn completed(mut self, containers: &Amounts) -> Self {
        if !self.limits.is_empty() {
            let summed = containers
                .iter()
                .filter(|(resource, _)| matches!(Kind::of(resource), Kind::Cpu | Kind::Memory));
            for (resource, amount) in summed.chain(&self.limits) {
                if !self.requests.contains_key(resource) {
                    self.requests.insert(resource.clone(), *amount);
                }
            }
        }
        self
    }

    /// The request for a resource: where none is written, the API server takes the limit for it.
    pub(super) fn request(&self, resource: &str) -> Option<i64> {
        self.requests
            .get(resource)
            .or_else(|| self.limits.get(resource))
            .copied()
    }

    /// The limit of a resource.
    pub(super) fn limit(&self, resource: &str) -> Option<i64> {
        self.limits.get(resource).copied()
    }

    /// The requests that are written.
    pub(super) const fn requests(&self) -> &Amounts {
        &self.requests
    }

    /// All requests, those that are limits among them.
    pub(super) fn all_requests(&self) -> impl Iterator<Item = (&str, i64)> {
        let limits = self
            .limits
            .iter()
            .filter(|(resource, _)| !self.requests.contains_key(*resource));
        self.requests
            .iter()
            .chain(limits)
            .map(|(resource, amount)| (&**resource, *amount))
    }

    /// All requests, those that are limits among them.
    pub(super) fn into_requests(self) -> Amounts {
        let mut requests = self.limits;
        requests.extend(self.requests);
        requests
    }

    /// Whether one of the resources is among them that a pod can have as a whole (`IsPodLevelResourcesSet`).
    pub(super) fn has_pod_level(&self) -> bool {
        let mut names = self.requests.keys().chain(self.limits.keys());
        names.any(|resource| is_pod_level(resource))
    }
}

/// Whether a pod can have the resource as a whole (`IsSupportedPodLevelResource`).
pub(super) fn is_pod_level(resource: &str) -> bool {
    matches!(
        Kind::of(resource),
        Kind::Cpu | Kind::Memory | Kind::HugePages
    )
}

/// A list of quantities.
pub(super) fn read(
    list: Option<&BTreeMap<String, Value>>,
    pod: &Pod,
    place: impl Fn() -> String,
) -> Result<Amounts, DemandError> {
    let read = |(resource, quantity): (&String, &Value)| {
        let amount = Kind::of(resource).amount(quantity);
        let amount = amount.map_err(|error| DemandError::Quantity {
            namespace: pod.metadata.namespace.clone(),
            name: pod.display_name(),
            place: place(),
            resource: resource.clone(),
            found: error.found,
        })?;
        Ok((resource.as_str().into(), amount))
    };
    list.into_iter().flatten().map(read).collect()
}

/// Without the resources of which nothing is asked for.
pub(super) fn above_zero(mut amounts: Amounts) -> Amounts {
    amounts.retain(|_, amount| *amount > 0);
    amounts
}

/// As much more. Sums end at the largest number: no node has that much.
pub(super) fn add<'a>(to: &mut Amounts, more: impl IntoIterator<Item = (&'a str, i64)>) {
    for (resource, amount) in more {
        match to.get_mut(resource) {
            Some(sum) => *sum = sum.saturating_add(amount),
            None => {
                to.insert(resource.into(), amount);
            }
        }
    }
}
