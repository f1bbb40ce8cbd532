//! The networks of a sandbox, as its pod and the plugin's configuration select them.
//!
//! This is apart from [`crate::answer::resolve`], because the objects have to be looked up in between.

use spec::{
    bridge::{Failure, Question},
    network::{NetworkRef, Selection, parse_default_network, parse_networks},
};

use crate::{
    fault::{Fault, FaultKind},
    place::Place,
    pod_facts::PodFacts,
};

/// The selections in the order of the attachments.
#[derive(Clone, Debug, PartialEq)]
pub struct Selected(pub(crate) Vec<Placed>);

/// A selection, and where it is written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Placed {
    pub(crate) place: Place,
    pub(crate) selection: Selection,
}

impl Selected {
    /// The NetworkAttachmentDefinitions that have to be there.
    pub fn required(&self) -> impl Iterator<Item = &NetworkRef> {
        self.of(|place| place != Place::ClusterNetwork)
    }

    /// The cluster network, which need not be a NetworkAttachmentDefinition.
    pub fn optional(&self) -> impl Iterator<Item = &NetworkRef> {
        self.of(|place| place == Place::ClusterNetwork)
    }

    fn of(&self, which: fn(Place) -> bool) -> impl Iterator<Item = &NetworkRef> {
        let placed = self.0.iter().filter(move |placed| which(placed.place));
        placed.map(|placed| &placed.selection.network)
    }
}

/// Reads the selections: from the question where the runtime gave the annotations, else from the pod.
///
/// # Errors
/// The pod is not known or another one of its name; an annotation is broken.
pub fn select(question: &Question, pod: Option<&PodFacts>) -> Result<Selected, Failure> {
    placed(question, pod).map(Selected).map_err(|kind| {
        Failure::from(Fault {
            pod: question.pod.clone(),
            kind,
        })
    })
}

fn placed(question: &Question, pod: Option<&PodFacts>) -> Result<Vec<Placed>, FaultKind> {
    if let Some(pod) = pod
        && !pod.may_have(question.pod.uid.as_deref())
    {
        return Err(FaultKind::AnotherPod {
            asked: question.pod.uid.clone().unwrap_or_default(),
            known: pod.uid.clone().unwrap_or_default(),
        });
    }
    let annotations = question
        .annotations
        .as_ref()
        .or_else(|| pod.map(|pod| &pod.annotations))
        .ok_or(FaultKind::PodUnknown)?;
    let first = match (&annotations.default_network, &question.cluster_network) {
        (Some(text), _) => Some(Placed {
            place: Place::DefaultNetwork,
            selection: parse_default_network(text, &question.system_namespace)?,
        }),
        (None, Some(name)) => Some(Placed {
            place: Place::ClusterNetwork,
            selection: Selection::of(NetworkRef {
                namespace: question.system_namespace.clone(),
                name: name.clone(),
            }),
        }),
        (None, None) => None,
    };
    let networks = annotations.networks.as_deref().unwrap_or_default();
    let networks = parse_networks(networks, &question.pod.namespace)?;
    let networks = networks.into_iter().enumerate();
    let networks = networks.map(|(index, selection)| Placed {
        place: Place::Networks { entry: index + 1 },
        selection,
    });
    let placed: Vec<Placed> = first.into_iter().chain(networks).collect();
    check_default_routes(&placed)?;
    Ok(placed)
}

/// The parser sees to it within an annotation; here the annotations are compared with each other.
fn check_default_routes(placed: &[Placed]) -> Result<(), FaultKind> {
    let mut gateways = [None, None];
    for Placed { place, selection } in placed {
        for gateway in selection.default_route.iter().flatten() {
            let of_family = &mut gateways[usize::from(gateway.is_ipv4())];
            if let Some((first_place, first)) = of_family.replace((*place, *gateway)) {
                return Err(FaultKind::DefaultRoute {
                    first_place,
                    first,
                    place: *place,
                    second: *gateway,
                });
            }
        }
    }
    Ok(())
}
