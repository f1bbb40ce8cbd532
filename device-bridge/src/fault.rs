//! Why a sandbox cannot get its networks, in words that let somebody mend it.

use std::net::IpAddr;

use api::network_fault::NetworkFault;
use spec::{
    NameError,
    bridge::{Failure, Legacy, MAX_FRAME, PodRef},
    cni::code,
    device::{DeviceId, ResourceName},
    network::{AnnotationError, LegacyFault, Namespace, NetworkRef},
};

use crate::{allocation::AllocatedDevice, devices::DeviceFault, place::Place};

/// A fault of one pod's request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("pod {pod} cannot get its networks: {kind}")]
pub(crate) struct Fault {
    /// The pod.
    pub(crate) pod: PodRef,
    /// What is wrong.
    pub(crate) kind: FaultKind,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FaultKind {
    #[error(
        "the runtime did not give its annotations and no such pod is known; check that it still exists and that polypod-device-bridge may read pods"
    )]
    PodUnknown,
    #[error(
        "expected pod UID {asked:?} but got {known:?} from Kube API; one of the two pods of this name is going, the runtime should try again"
    )]
    AnotherPod { asked: String, known: String },
    #[error("it {}", Legacy::PERHAPS_V1)]
    PerhapsV1,
    #[error("{0}")]
    Annotation(#[from] AnnotationError),
    #[error(
        "{place}: cannot find a network-attachment-definition ({}) in namespace ({}); create it or correct the selection",
        network.name.as_str(), network.namespace.as_str()
    )]
    NotFound { place: Place, network: NetworkRef },
    #[error(
        "{place}: there is no Network {:?} of {}/v1 in namespace {:?}; create it or correct the annotation",
        network.name.as_str(), legacy.group(), network.namespace.as_str()
    )]
    LegacyNotFound {
        place: Place,
        legacy: Legacy,
        network: NetworkRef,
    },
    #[error(
        "{place}: Network {network} of {}/v1 cannot be attached to: {problem}; correct the object",
        legacy.group()
    )]
    Legacy {
        place: Place,
        legacy: Legacy,
        network: NetworkRef,
        problem: Box<LegacyFault>,
    },
    #[error("{place}: {0}", place = .0.place)]
    Isolated(Box<Isolated>),
    #[error("{place}: {problem}")]
    Network { place: Place, problem: NetworkFault },
    #[error(
        "{place}: field \"default-route\": a pod has one default route per family, but {first} of {first_place} and {second} are both {}, and Polypod does not support ECMP for default-route; remove one",
        if second.is_ipv4() { "IPv4" } else { "IPv6" }
    )]
    DefaultRoute {
        first_place: Place,
        first: IpAddr,
        place: Place,
        second: IpAddr,
    },
    #[error(
        "the configurations of its {networks} networks have more than {MAX_FRAME} bytes together; select fewer"
    )]
    TooLarge { networks: usize },
    #[error("{0}")]
    TooFewDevices(Box<TooFewDevices>),
    #[error("{0}")]
    Device(Box<DeviceFault>),
    #[error(
        "the kubelet allocated a device of {resource} that cannot be handed on: {problem}; check the device plugin of {resource}"
    )]
    DeviceId {
        resource: ResourceName,
        problem: NameError,
    },
    #[error(
        "device {device} would go to both {first} and {second}; a device serves one attachment, select another one"
    )]
    SharedDevice {
        device: DeviceId,
        first: String,
        second: String,
    },
}

/// A pod refers to a namespace that is none of its business.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "namespace isolation enabled, annotation violates permission: a pod of namespace {pod:?} may not use network {:?} of namespace \
     {:?}, only networks of its own namespace{}; use one of those, or have the administrator list {:?} in \
     \"globalNamespaces\" of the plugin's configuration",
    network.name.as_str(), network.namespace.as_str(), others(global), network.namespace.as_str(), pod = pod.as_str()
)]
pub(crate) struct Isolated {
    pub(crate) place: Place,
    /// The pod's namespace.
    pub(crate) pod: Namespace,
    pub(crate) network: NetworkRef,
    /// The namespaces that every pod may refer to.
    pub(crate) global: Vec<Namespace>,
}

fn others(global: &[Namespace]) -> String {
    let quoted: Vec<String> = global
        .iter()
        .map(|name| format!("{:?}", name.as_str()))
        .collect();
    match quoted.as_slice() {
        [] => String::new(),
        some => format!(" or of {}", some.join(", ")),
    }
}

/// The kubelet allocated fewer devices of a resource than the pod's networks need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TooFewDevices {
    /// The resource.
    pub(crate) resource: ResourceName,
    /// The networks that need a device of it.
    pub(crate) networks: Vec<String>,
    /// What the kubelet allocated of it.
    pub(crate) found: Vec<AllocatedDevice>,
    /// The other resources it allocated.
    pub(crate) others: Vec<String>,
    /// Whether it knows the pod at all.
    pub(crate) pod_is_known: bool,
}

impl std::error::Error for TooFewDevices {}

impl std::fmt::Display for TooFewDevices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            resource,
            networks,
            found,
            others,
            pod_is_known,
        } = self;
        let wanted = networks.len();
        let (noun, verb) = if wanted == 1 {
            ("network", "needs")
        } else {
            ("networks", "need")
        };
        let networks = networks.join(", ");
        write!(
            f,
            "{noun} {networks} {verb} {wanted} of resource {resource}, but "
        )?;
        if !pod_is_known {
            return f.write_str(
                "the kubelet's pod-resources API knows no such pod; check that it is running on this node and has not ended",
            );
        }
        let found: Vec<String> = found
            .iter()
            .map(|device| format!("{} to container {}", device.id, device.container))
            .collect();
        match found.as_slice() {
            [] => f.write_str("the kubelet allocated none")?,
            some => write!(
                f,
                "the kubelet allocated {}: {}",
                some.len(),
                some.join(", ")
            )?,
        }
        if !others.is_empty() {
            write!(f, " (it allocated devices of {})", others.join(", "))?;
        }
        write!(
            f,
            "; the containers must request {wanted} of {resource}: polypod-webhook adds that when a pod is created, so check \
             that it was not bypassed, and create the pod anew"
        )
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        let code = match fault.kind {
            FaultKind::PodUnknown | FaultKind::AnotherPod { .. } | FaultKind::Device(_) => {
                code::TRY_AGAIN_LATER
            }
            FaultKind::PerhapsV1
            | FaultKind::Annotation(_)
            | FaultKind::NotFound { .. }
            | FaultKind::LegacyNotFound { .. }
            | FaultKind::Legacy { .. }
            | FaultKind::Isolated(_)
            | FaultKind::Network { .. }
            | FaultKind::DefaultRoute { .. }
            | FaultKind::TooLarge { .. }
            | FaultKind::TooFewDevices(_)
            | FaultKind::DeviceId { .. }
            | FaultKind::SharedDevice { .. } => code::UNMET_REQUEST,
        };
        Self {
            code,
            message: fault.to_string(),
        }
    }
}
