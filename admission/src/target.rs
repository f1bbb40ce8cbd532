//! Which container gets the devices that are missing.
//!
//! The interface moves into the network namespace that all containers share, but the environment variables and device
//! nodes of a device plugin appear in one container only: that should be the application's.

use api::pod::Pod;

use crate::{ContainerKind, ContainerRef, Warning};

/// Containers that other injectors put in front of the application. Istio's `holdApplicationUntilProxyStarts` makes its
/// proxy the first container, where injectors that always take the first one give it the devices.
const PROXIES: [&str; 6] = [
    "istio-proxy",
    "linkerd-proxy",
    "envoy-sidecar",
    "consul-dataplane",
    "kuma-sidecar",
    "cilium-envoy",
];

/// The first app container that is no known proxy, else the first; `None` where there is none.
pub(crate) fn choose(pod: &Pod, warnings: &mut Vec<Warning>) -> Option<ContainerRef> {
    let containers = &pod.spec.containers;
    let index = containers
        .iter()
        .position(|container| !PROXIES.contains(&container.name.as_str()))
        .unwrap_or(0);
    let name = containers.get(index)?.name.clone();
    if PROXIES.contains(&name.as_str()) {
        warnings.push(Warning::new(&format!(
            "container {name:?} gets the devices of the pod's networks, as every container is a known proxy"
        )));
    }
    Some(ContainerRef {
        kind: ContainerKind::App,
        index,
        name,
    })
}
