//! What the kubelet would allocate: a function of the pod and of the node's devices.

use anyhow::{Result, bail};
use api::{pod::Pod, quantity};
use spec::device::DeviceId;

/// The devices of one container, in the kubelet's order, which is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ContainerAllocation {
    /// The container.
    pub(super) container: String,
    /// Its devices.
    pub(super) devices: Vec<DeviceId>,
}

/// Gives every container as many devices as its limit says: sidecars first, then app containers.
pub(super) fn allocate(
    pod: &Pod,
    resource: &str,
    inventory: &[DeviceId],
) -> Result<Vec<ContainerAllocation>> {
    let sidecars = pod
        .spec
        .init_containers
        .iter()
        .filter(|container| container.is_sidecar());
    let mut free = inventory.iter();
    let mut allocations = Vec::new();
    for container in sidecars.chain(&pod.spec.containers) {
        let limits = container
            .resources
            .as_ref()
            .and_then(|all| all.limits.as_ref());
        let wanted = match limits.and_then(|limits| limits.get(resource)) {
            Some(value) => quantity::whole(value)?,
            None => 0,
        };
        let wanted = usize::try_from(wanted)?;
        let mut devices: Vec<DeviceId> = free.by_ref().take(wanted).cloned().collect();
        if devices.len() < wanted {
            bail!(
                "container {} has a limit of {wanted} {resource}, but the node has {} in all: the pod would stay Pending",
                container.name,
                inventory.len()
            );
        }
        // The kubelet answers from a map, in no order. The last first is the least helpful one.
        devices.reverse();
        allocations.push(ContainerAllocation {
            container: container.name.clone(),
            devices,
        });
    }
    Ok(allocations)
}

/// The order in which the pod's networks must get the devices: containers in their order, devices sorted within one.
pub(super) fn in_order(allocations: &[ContainerAllocation]) -> Vec<DeviceId> {
    let mut all = Vec::new();
    for allocation in allocations {
        let mut devices = allocation.devices.clone();
        devices.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        all.extend(devices);
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn devices(texts: &[&str]) -> Vec<DeviceId> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn containers_get_their_limits_and_no_more() {
        let pod: Pod = serde_json::from_value(json!({"spec": {"containers": [
            {"name": "a"}, {"name": "b", "resources": {"limits": {"r": "2"}}}, {"name": "c", "resources": {"limits": {"r": 1}}}]}}))
        .unwrap();
        let allocations = allocate(&pod, "r", &devices(&["0", "1", "2"])).unwrap();
        assert_eq!(allocations[0].devices, []);
        assert_eq!(allocations[1].devices, devices(&["1", "0"]));
        assert_eq!(in_order(&allocations), devices(&["0", "1", "2"]));
        let error = allocate(&pod, "r", &devices(&["0", "1"])).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("container c has a limit of 1 r, but the node has 2 in all")
        );
    }
}
