//! The networks of a sandbox, as its pod and the plugin's configuration select them.
//!
//! This is apart from [`crate::answer::resolve`], because the objects have to be looked up in between.

use std::borrow::Cow;

use spec::{
    bridge::{Failure, Isolation, Legacy, Question},
    network::{
        NetworkRef, ObjectName, Selection, is_within_reach, parse_default_network,
        parse_legacy_networks, parse_networks,
    },
};

use crate::{
    fault::{Fault, FaultKind, Isolated},
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
        self.of(|place| !place.is_of_configuration() && place.legacy().is_none())
    }

    /// The cluster network and the default networks, which need not be NetworkAttachmentDefinitions.
    pub fn optional(&self) -> impl Iterator<Item = &NetworkRef> {
        self.of(Place::is_of_configuration)
    }

    /// The objects of an old release of Multus, which have to be there.
    pub fn legacy(&self) -> impl Iterator<Item = (Legacy, &NetworkRef)> {
        self.0.iter().filter_map(|placed| {
            let legacy = placed.place.legacy()?;
            Some((legacy, &placed.selection.network))
        })
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
    if question.perhaps_v1 && pod.is_some_and(PodFacts::asks_multus_v1_alone) {
        return Err(FaultKind::PerhapsV1);
    }
    let annotations = question
        .annotations
        .as_ref()
        .map(Cow::Borrowed)
        .or_else(|| pod.map(|pod| pod.chosen(question.legacy)))
        .ok_or(FaultKind::PodUnknown)?;
    let networks = networks(question, annotations.networks.as_deref())?;
    // The annotation is younger than those releases.
    let default_network = match question.legacy {
        None => annotations.default_network.as_deref(),
        Some(Legacy::V1 | Legacy::V2) => None,
    };
    let of_system = |name: &ObjectName| {
        Selection::of(NetworkRef {
            namespace: question.system_namespace.clone(),
            name: name.clone(),
        })
    };
    let first = match (default_network, &question.cluster_network) {
        (Some(text), _) => Some(Placed {
            place: Place::DefaultNetwork,
            selection: parse_default_network(text, &question.system_namespace)?,
        }),
        (None, Some(name)) if !networks.iter().any(|placed| placed.place.is_first()) => {
            Some(Placed {
                place: Place::ClusterNetwork,
                selection: of_system(name),
            })
        }
        (None, Some(_) | None) => None,
    };
    let of_configuration = question.default_networks.iter().enumerate();
    let of_configuration = of_configuration.map(|(index, name)| Placed {
        place: Place::DefaultNetworks { entry: index + 1 },
        selection: of_system(name),
    });
    // The order in which they take their devices: the cluster network, the default networks, the pod's own.
    let (of_legacy, networks): (Vec<_>, Vec<_>) = networks
        .into_iter()
        .partition(|placed| placed.place.is_first());
    let placed: Vec<Placed> = first
        .into_iter()
        .chain(of_legacy)
        .chain(of_configuration)
        .chain(networks)
        .collect();
    check_namespaces(question, &placed)?;
    check_default_routes(&placed)?;
    Ok(placed)
}

/// What the pod's networks annotation selects.
fn networks(question: &Question, text: Option<&str>) -> Result<Vec<Placed>, FaultKind> {
    let text = text.unwrap_or_default();
    let namespace = &question.pod.namespace;
    let selections = match question.legacy {
        None => parse_networks(text, namespace)?,
        Some(legacy) => parse_legacy_networks(legacy, text, namespace)?,
    };
    let selections = selections.into_iter().zip(1..);
    let placed = selections.map(|(selection, entry)| Placed {
        place: match question.legacy {
            None => Place::Networks { entry },
            Some(legacy) => Place::Legacy { legacy, entry },
        },
        selection,
    });
    Ok(placed.collect())
}

/// `namespaceIsolation`. What the administrator's configuration names is the administrator's business.
fn check_namespaces(question: &Question, placed: &[Placed]) -> Result<(), FaultKind> {
    let Some(Isolation { global_namespaces }) = &question.isolation else {
        return Ok(());
    };
    let pod = &question.pod.namespace;
    let is_refused = |placed: &&Placed| {
        let is_the_pods = match placed.place {
            Place::ClusterNetwork | Place::DefaultNetworks { .. } => false,
            // The pod does not choose the namespace there.
            Place::Legacy { legacy, .. } => matches!(legacy, Legacy::V2),
            Place::DefaultNetwork | Place::Networks { .. } => true,
        };
        let target = &placed.selection.network.namespace;
        is_the_pods && !is_within_reach(pod, target, global_namespaces)
    };
    match placed.iter().find(is_refused) {
        None => Ok(()),
        Some(Placed { place, selection }) => Err(FaultKind::Isolated(Box::new(Isolated {
            place: *place,
            pod: pod.clone(),
            network: selection.network.clone(),
            global: global_namespaces.clone(),
        }))),
    }
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

#[cfg(test)]
#[path = "selected_tests.rs"]
mod tests;
