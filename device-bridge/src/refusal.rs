//! A question that cannot be answered: what the plugin is told, and what the pod's owner is told beside it.

use spec::bridge::Failure;

use crate::{
    fault::{Fault, FaultKind},
    place::Place,
    pod_event::PodEvent,
};

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What the plugin is told.
    pub failure: Failure,
    /// The Event that says the same where Multus sends one.
    pub event: Option<Box<PodEvent>>,
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            event: None,
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        refusal.failure
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        let event = match &fault.kind {
            FaultKind::NotFound {
                place: Place::DefaultNetwork | Place::Networks { .. },
                network,
            } => Some(Box::new(PodEvent::no_network_found(&fault.pod, network))),
            FaultKind::NotFound {
                place: Place::ClusterNetwork | Place::DefaultNetworks { .. } | Place::Legacy { .. },
                ..
            }
            | FaultKind::PodUnknown
            | FaultKind::AnotherPod { .. }
            | FaultKind::PerhapsV1
            | FaultKind::Annotation(_)
            | FaultKind::LegacyNotFound { .. }
            | FaultKind::Legacy { .. }
            | FaultKind::Isolated(_)
            | FaultKind::Network { .. }
            | FaultKind::DefaultRoute { .. }
            | FaultKind::TooLarge { .. }
            | FaultKind::TooFewDevices(_)
            | FaultKind::Device(_)
            | FaultKind::DeviceId { .. }
            | FaultKind::SharedDevice { .. } => None,
        };
        Self {
            failure: fault.into(),
            event,
        }
    }
}
