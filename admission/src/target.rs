//! Which containers get the devices that are missing.
//!
//! The interface moves into the network namespace that all containers share, but the environment variables and device
//! nodes of a device plugin appear in one container only: that should be the application's, or the one its author names.

use std::collections::{BTreeMap, BTreeSet};

use api::pod::Pod;
use spec::network::{CONTAINER, Namespace, NetworkRef};

use crate::{
    ContainerKind, ContainerRef,
    container::holders,
    placement_fault::{PlacementFault, shown},
};

/// What the pod's author says about containers: nothing, by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Targets {
    of_all: Option<ContainerRef>,
    of_network: BTreeMap<NetworkRef, ContainerRef>,
}

impl Targets {
    /// The container that is named for `network`.
    pub(crate) fn of(&self, network: &NetworkRef) -> Option<&ContainerRef> {
        self.of_network.get(network).or(self.of_all.as_ref())
    }
}

/// Reads the annotation [`CONTAINER`] of a pod that selects the networks `selected`.
pub(crate) fn parse(
    pod: &Pod,
    namespace: &Namespace,
    selected: &[&NetworkRef],
) -> Result<Targets, PlacementFault> {
    let mut targets = Targets::default();
    let text = pod.metadata.annotations.get(CONTAINER);
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
        return Ok(targets);
    };
    for (at, entry) in text.split(',').enumerate() {
        let entry = entry.trim();
        let fault = |problem: String| PlacementFault::Entry {
            annotation: CONTAINER,
            index: at + 1,
            text: shown(entry),
            problem,
        };
        let (network, name) = match entry.split_once('=') {
            None => (None, entry),
            Some((network, name)) => (Some(network.trim()), name.trim()),
        };
        if name.is_empty() {
            return Err(fault(
                "there is no name of a container; write container or network=container".to_owned(),
            ));
        }
        let Some(network) = network else {
            if targets.of_all.is_some() {
                return Err(fault(
                    "it is a second container for all networks; write network=container".to_owned(),
                ));
            }
            targets.of_all = Some(container(pod, name)?);
            continue;
        };
        let network = reference(network, namespace).map_err(fault)?;
        if !selected.contains(&&network) {
            return Err(PlacementFault::NoNetwork {
                network,
                selected: selected.iter().copied().cloned().collect(),
            });
        }
        if targets.of_network.contains_key(&network) {
            return Err(fault(format!(
                "network {network} has a container already; write one for each network"
            )));
        }
        targets.of_network.insert(network, container(pod, name)?);
    }
    Ok(targets)
}

/// The container for networks that none is named for: the first app container that is no known sidecar, else the first;
/// `None` where there is none.
pub(crate) fn first(pod: &Pod, sidecars: &BTreeSet<String>) -> Option<ContainerRef> {
    let containers = &pod.spec.containers;
    let index = containers
        .iter()
        .position(|container| !sidecars.contains(&container.name))
        .unwrap_or(0);
    let name = containers.get(index)?.name.clone();
    Some(ContainerRef {
        kind: ContainerKind::App,
        index,
        name,
    })
}

fn reference(text: &str, pod_namespace: &Namespace) -> Result<NetworkRef, String> {
    let (namespace, name) = match text.split_once('/') {
        None => (Ok(pod_namespace.clone()), text),
        Some((namespace, name)) => (namespace.trim().parse(), name.trim()),
    };
    Ok(NetworkRef {
        namespace: namespace.map_err(|error| error.to_string())?,
        name: name.parse().map_err(|error| format!("{error}"))?,
    })
}

fn container(pod: &Pod, name: &str) -> Result<ContainerRef, PlacementFault> {
    if let Some((found, _)) = holders(pod).find(|(container, _)| container.name == name) {
        return Ok(found);
    }
    let candidates = holders(pod).map(|(container, _)| container.name).collect();
    let mut init_containers = pod.spec.init_containers.iter();
    let found = shown(name);
    Err(if init_containers.any(|container| container.name == name) {
        PlacementFault::InitContainer { found, candidates }
    } else {
        PlacementFault::NoContainer { found, candidates }
    })
}
