//! Whether every attachment of a pod would have an interface name of its own.

use std::collections::BTreeMap;

use spec::cni::InterfaceName;

use crate::{Fault, Place, selections::Placed};

/// The interface that every container runtime asks the cluster network for (`CNI_IFNAME`).
const CLUSTER_INTERFACE: &str = "eth0";

/// Compares the requested names with each other's and with those that are given by position: the cluster's interface,
/// and `net1`, `net2`, … for the networks, where one that asks for a name uses up its number all the same.
pub(crate) fn check(selections: &[Placed]) -> Vec<Fault> {
    let mut taken: BTreeMap<String, String> = selections
        .iter()
        .filter_map(|placed| match (placed.place, &placed.selection.interface) {
            (Place::Networks { index }, None) => Some(index),
            _ => None,
        })
        .map(|index| {
            (
                format!("net{index}"),
                format!("entry {index} by its position"),
            )
        })
        .collect();
    let (of_cluster, of_networks): (Vec<&Placed>, Vec<&Placed>) = selections
        .iter()
        .partition(|placed| placed.place == Place::DefaultNetwork);
    let mut faults = clashes(&of_cluster, &taken);
    let requested = of_cluster
        .iter()
        .find_map(|placed| placed.selection.interface.as_ref());
    let cluster_interface = requested.map_or(CLUSTER_INTERFACE, InterfaceName::as_str);
    taken.insert(
        cluster_interface.to_owned(),
        "the cluster network".to_owned(),
    );
    faults.extend(clashes(&of_networks, &taken));
    faults
}

fn clashes(selections: &[&Placed], taken: &BTreeMap<String, String>) -> Vec<Fault> {
    selections
        .iter()
        .filter_map(|placed| {
            let interface = placed.selection.interface.as_ref()?;
            let taken_by = taken.get(interface.as_str())?;
            Some(Fault::Interface {
                place: placed.place,
                interface: interface.clone(),
                taken_by: taken_by.clone(),
            })
        })
        .collect()
}
