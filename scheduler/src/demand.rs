//! What a pod demands of a node, as the kubelet counts it.

mod amounts;
mod bounded;
mod qos;
mod spread;
mod total;

use api::pod::Pod;
pub use spec::network::Spread;

pub use self::amounts::Amounts;
use self::amounts::Requirements;
use crate::need::Role;

/// What a pod demands. Made once of a pod, kept while the pod is known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PodDemand {
    /// The pod's identity.
    pub uid: Box<str>,
    /// Its namespace.
    pub namespace: Box<str>,
    /// Its name.
    pub name: Box<str>,
    /// The UID of the controller that made it and will make the next one like it, if any.
    pub owner: Option<Box<str>>,
    /// Its quality of service, which decides what the kubelet aligns.
    pub qos: Qos,
    /// Its containers, init containers and sidecars in their order first.
    pub containers: Vec<ContainerDemand>,
    /// What the whole pod requests of a node, with its overhead, as kube-scheduler counts it (`PodRequests`).
    pub total: Amounts,
    /// Whether the pod has CPU, memory or huge pages of its own beside its containers (`spec.resources`). Of such a pod
    /// the kubelet pins neither CPUs nor memory.
    pub has_pod_level_resources: bool,
    /// Over what its devices of one resource are to be spread, where it says so.
    pub spread: Option<Spread>,
}

/// What a container demands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ContainerDemand {
    /// Its name.
    pub name: Box<str>,
    /// Its part in the pod.
    pub role: Role,
    /// Its requests (limits where there is no request), in units of [`crate::resource::Kind`]; none is nought or less.
    pub amounts: Amounts,
}

/// A pod's quality of service (Kubernetes `PodQOSClass`), from requests and limits and never from the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Qos {
    /// Every container's limits of CPU and memory are its requests.
    Guaranteed,
    /// Some container asks for CPU or memory.
    Burstable,
    /// None does.
    BestEffort,
}

/// Why a pod cannot be counted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DemandError {
    /// It cannot be told from others of its name.
    #[error("the pod {namespace}/{name} has no UID; send it as the API server has it")]
    NoUid {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// A quantity that is none, is negative, or is more than any machine has.
    #[error(
        "{place} of the pod {namespace}/{name} asks for {found} of {resource}, which is no quantity that a node could have"
    )]
    Quantity {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Which part of the pod: `container app`, `overhead`, `spec.resources`.
        place: String,
        /// The resource.
        resource: String,
        /// What stands there.
        found: String,
    },
    /// An annotation that says something else than what devices can be spread over.
    #[error(
        "the pod {namespace}/{name} has the annotation {key}: {found:?}; write physical-function or switch, or leave it away",
        key = spec::network::SPREAD
    )]
    Spread {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// What stands there.
        found: String,
    },
}

impl PodDemand {
    /// The demand of a pod that is bound, or over: it holds what it holds, however it is written. A spread that cannot be
    /// read is none, and a quantity that is more than can be counted is the most that can.
    ///
    /// # Errors
    /// It has no UID.
    pub fn of_bound(pod: &Pod) -> Result<Self, DemandError> {
        Self::of(pod).or_else(|_| Self::of(&bounded::of(pod)))
    }

    /// The demand of a pod.
    ///
    /// # Errors
    /// See [`DemandError`].
    pub fn of(pod: &Pod) -> Result<Self, DemandError> {
        let metadata = &pod.metadata;
        if metadata.uid.is_empty() {
            return Err(DemandError::NoUid {
                namespace: metadata.namespace.clone(),
                name: pod.display_name(),
            });
        }
        let inits = pod.spec.init_containers.iter().map(|container| {
            let role = match container.is_sidecar() {
                true => Role::Sidecar,
                false => Role::Init,
            };
            (container, role)
        });
        let apps = pod.spec.containers.iter().map(|own| (own, Role::App));
        let containers = inits.chain(apps).map(|(container, role)| {
            let place = || format!("container {}", container.name);
            let own = Requirements::of(container.resources.as_ref(), pod, place)?;
            Ok((container.name.as_str(), role, own))
        });
        let containers = containers.collect::<Result<Vec<_>, DemandError>>()?;
        let whole = match &pod.spec.resources {
            None => None,
            Some(own) => Some(Requirements::of(Some(own), pod, || {
                "spec.resources".to_owned()
            })?),
        };
        let overhead = amounts::read(pod.spec.overhead.as_ref(), pod, || "overhead".to_owned())?;

        let parts = || containers.iter().map(|(_, role, own)| (*role, own));
        let sum = total::sum(parts().map(|(role, own)| (role, own.all_requests())));
        let whole = whole.map(|whole| whole.completed(&sum));
        Ok(Self {
            uid: metadata.uid.as_str().into(),
            namespace: metadata.namespace.as_str().into(),
            name: pod.display_name().into(),
            owner: pod.controller().map(Box::from),
            qos: qos::of(whole.as_ref(), parts().map(|(_, own)| own)),
            total: total::of(sum, whole.as_ref(), &overhead),
            has_pod_level_resources: whole.as_ref().is_some_and(Requirements::has_pod_level),
            spread: spread::of(pod)?,
            containers: containers
                .into_iter()
                .map(|(name, role, own)| ContainerDemand {
                    name: name.into(),
                    role,
                    amounts: amounts::above_zero(own.into_requests()),
                })
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests;
