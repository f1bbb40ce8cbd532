//! Whether a pod would get at most one default route per family.
//!
//! The parser sees to it within an annotation; here the two annotations are compared with each other.

use crate::{Fault, Place, selections::Placed};

/// Compares the default network's gateways with those of the networks.
pub(crate) fn check(selections: &[Placed]) -> Vec<Fault> {
    let gateways = |of_default_network: bool| {
        selections
            .iter()
            .filter(move |placed| (placed.place == Place::DefaultNetwork) == of_default_network)
            .flat_map(|placed| {
                let gateways = placed.selection.default_route.iter().flatten();
                gateways.map(|gateway| (placed.place, *gateway))
            })
    };
    gateways(false)
        .flat_map(|(place, second)| {
            gateways(true)
                .filter(move |(_, first)| first.is_ipv4() == second.is_ipv4())
                .map(move |(_, first)| Fault::DefaultRoute {
                    place,
                    first,
                    second,
                })
        })
        .collect()
}
