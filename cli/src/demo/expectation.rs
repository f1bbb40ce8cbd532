//! What a pod must get: a function of its annotations and of the networks that exist.
//!
//! The checks of the demo compare with this and not with fixed values, so that they hold for a pod the user brings.

use anyhow::{Context, Result};
use api::{network::Network, pod::Pod, quantity};
use spec::network::parse_networks;

/// One interface that the pod must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expected {
    /// The interface.
    pub(super) interface: String,
    /// The network as network-status names it.
    pub(super) network: String,
    /// Whether the attachment needs a device of the node's resource.
    pub(super) needs_device: bool,
}

/// The interfaces in order: the cluster network, then the pod's networks.
pub(super) fn expected(
    pod: &Pod,
    networks: &[Network],
    cluster_network: &str,
    resource: &str,
) -> Result<Vec<Expected>> {
    let cluster = Expected {
        interface: "eth0".to_owned(),
        network: cluster_network.to_owned(),
        needs_device: false,
    };
    let namespace = pod
        .metadata
        .namespace
        .parse()
        .context("the pod's namespace")?;
    let annotation = pod.network_annotations().networks.unwrap_or_default();
    let selections = parse_networks(&annotation, &namespace)?;
    let secondary = selections.iter().enumerate().map(|(at, selection)| {
        let network = networks
            .iter()
            .find(|network| network.reference == selection.network);
        let needed = network.and_then(|network| network.resource.as_ref().ok()?.as_ref());
        let interface = match &selection.interface {
            Some(interface) => interface.to_string(),
            None => format!("net{}", at + 1),
        };
        Expected {
            interface,
            network: selection.network.to_string(),
            needs_device: needed.is_some_and(|needed| needed.as_str() == resource),
        }
    });
    Ok([cluster].into_iter().chain(secondary).collect())
}

/// A pod's requests and limits of a resource, over the containers that run together.
pub(super) fn asked(pod: &Pod, resource: &str) -> (u64, u64) {
    let running = pod.spec.containers.iter();
    let running = running.chain(
        pod.spec
            .init_containers
            .iter()
            .filter(|one| one.is_sidecar()),
    );
    let (mut requests, mut limits) = (0, 0);
    for resources in running.filter_map(|container| container.resources.as_ref()) {
        let of = |list: &Option<std::collections::BTreeMap<String, serde_json::Value>>| {
            let value = list.as_ref().and_then(|list| list.get(resource));
            value
                .and_then(|value| quantity::whole(value).ok())
                .unwrap_or(0)
        };
        requests += of(&resources.requests);
        limits += of(&resources.limits);
    }
    (requests, limits)
}

#[cfg(test)]
mod tests {
    use api::objects;

    use super::*;

    fn pod(text: &str) -> Pod {
        let object = objects::parse(text, "pod").unwrap().remove(0);
        serde_json::from_value(object.value).unwrap()
    }

    #[test]
    fn the_demos_pod() {
        let networks = objects::parse(include_str!("networks.yaml"), "networks.yaml").unwrap();
        let networks = objects::networks(&networks, "default").unwrap();
        let pod = pod(include_str!("pod.yaml"));
        let all = expected(&pod, &networks, "cluster-net", "intel.com/sriov").unwrap();
        let summary: Vec<_> = all
            .iter()
            .map(|one| {
                (
                    one.interface.as_str(),
                    one.network.as_str(),
                    one.needs_device,
                )
            })
            .collect();
        assert_eq!(
            summary,
            [
                ("eth0", "cluster-net", false),
                ("net1", "default/macvlan-conf", false),
                ("net2", "default/sriov-net-a", true),
                ("net3", "default/sriov-net-a", true),
            ]
        );
        assert_eq!(asked(&pod, "intel.com/sriov"), (0, 0));
    }

    #[test]
    fn what_runs_together_is_counted() {
        let pod = pod(
            "{apiVersion: v1, kind: Pod, spec: {initContainers: [{restartPolicy: Always, resources: {requests: {r: '1'}, limits: {r: 1}}}, \
             {resources: {requests: {r: 7}}}], containers: [{resources: {requests: {r: 2}, limits: {r: '2'}}}, {}]}}",
        );
        assert_eq!(asked(&pod, "r"), (3, 3));
    }
}
