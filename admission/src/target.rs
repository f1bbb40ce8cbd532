//! Which container gets the devices that are missing.
//!
//! The interface moves into the network namespace that all containers share, but the environment variables and device
//! nodes of a device plugin appear in one container only: that should be the application's.

use std::collections::BTreeSet;

use api::pod::Pod;

use crate::{ContainerKind, ContainerRef, Warning};

/// The first app container that is no known sidecar, else the first; `None` where there is none.
pub(crate) fn choose(
    pod: &Pod,
    sidecars: &BTreeSet<String>,
    warnings: &mut Vec<Warning>,
) -> Option<ContainerRef> {
    let containers = &pod.spec.containers;
    let index = containers
        .iter()
        .position(|container| !sidecars.contains(&container.name))
        .unwrap_or(0);
    let name = containers.get(index)?.name.clone();
    if sidecars.contains(&name) {
        warnings.push(Warning::new(&format!(
            "container {name:?} gets the devices of the pod's networks, as every container is a known sidecar"
        )));
    }
    Some(ContainerRef {
        kind: ContainerKind::App,
        index,
        name,
    })
}
