//! What the kubelet gave the pod, as the agent of its node reports it.

use api::node_inventory::{ContainerAllocation, DeviceGroup, NodeInventory};
use serde::Serialize;

/// What the kubelet of a node gave a pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Given {
    /// The node.
    pub(super) node: String,
    /// When the kubelet was asked (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) observed_at: Option<String>,
    /// The containers that hold something, in the kubelet's order, as the NodeInventory has them.
    pub(super) containers: Vec<ContainerAllocation>,
}

impl Given {
    /// To a pod of this UID; where a report names none, by namespace and name.
    pub(super) fn to(pod: [&str; 3], inventory: &NodeInventory) -> Option<Self> {
        let [uid, namespace, name] = pod;
        let mut allocations = inventory.inventory.allocations.iter();
        let allocation = allocations.find(|allocation| match &allocation.pod_uid {
            Some(of) if !uid.is_empty() => of == uid,
            _ => allocation.namespace == namespace && allocation.name == name,
        })?;
        Some(Self {
            node: inventory.metadata.name.clone().unwrap_or_default(),
            observed_at: inventory.observed_at.as_ref().map(|at| at.0.to_string()),
            containers: allocation.containers.clone(),
        })
    }

    /// For people, in lines.
    pub(super) fn lines(&self) -> Vec<String> {
        let at = self
            .observed_at
            .as_ref()
            .map(|at| format!(", as of {at}"))
            .unwrap_or_default();
        let mut lines = vec![format!("the kubelet of {} gave it{at}:", self.node)];
        for container in &self.containers {
            let mut parts: Vec<String> = container.devices.iter().map(devices).collect();
            if !container.cpus.is_empty() {
                parts.push(format!("CPUs {}", container.cpus));
            }
            let memory = container.memory.iter();
            parts.extend(
                memory.map(|block| {
                    format!("{} {}{}", block.resource, block.size, zones(&block.zones))
                }),
            );
            let claimed = container.claimed.iter();
            parts.extend(
                claimed.map(|device| {
                    format!("{}/{} of {}", device.pool, device.device, device.driver)
                }),
            );
            lines.extend(
                parts
                    .iter()
                    .map(|part| format!("  container {}: {part}", container.name)),
            );
        }
        lines
    }
}

fn devices(group: &DeviceGroup) -> String {
    let function = group.physical_function.as_ref();
    let function = function
        .map(|function| format!(" behind {function}"))
        .unwrap_or_default();
    format!(
        "{} {}{}{function}",
        group.resource,
        group.ids.join(", "),
        zones(&group.zones)
    )
}

fn zones(zones: &[u32]) -> String {
    let words: Vec<String> = zones.iter().map(ToString::to_string).collect();
    match words.as_slice() {
        [] => String::new(),
        [one] => format!(" in zone {one}"),
        several => format!(" in zones {}", several.join("+")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn inventory() -> NodeInventory {
        serde_json::from_value(json!({"metadata": {"name": "n1"}, "observedAt": "2026-01-01T00:00:00.000000Z", "allocations": [
            {"podUID": "u1", "namespace": "team", "name": "p", "containers": [{"name": "app", "cpus": "2-3",
                "devices": [{"resource": "a.b/vf", "zones": [0], "physicalFunction": "0000:3b:00.0", "ids": ["0000:3b:02.1", "0000:3b:02.2"]}],
                "memory": [{"resource": "hugepages-1Gi", "size": 1, "zones": [0, 1]}],
                "claimed": [{"driver": "d", "pool": "n1", "device": "x"}]}]},
            {"namespace": "team", "name": "new", "containers": []}]}))
        .unwrap()
    }

    #[test]
    fn everything_that_was_given_is_told() {
        let given = Given::to(["u1", "team", "p"], &inventory()).unwrap();
        assert_eq!(
            given.lines(),
            [
                "the kubelet of n1 gave it, as of 2026-01-01T00:00:00Z:",
                "  container app: a.b/vf 0000:3b:02.1, 0000:3b:02.2 in zone 0 behind 0000:3b:00.0",
                "  container app: CPUs 2-3",
                "  container app: hugepages-1Gi 1 in zones 0+1",
                "  container app: n1/x of d",
            ]
        );
    }

    #[test]
    fn another_pod_of_the_name_is_another_pod() {
        assert!(Given::to(["u2", "team", "p"], &inventory()).is_none());
        assert!(Given::to(["u2", "team", "new"], &inventory()).is_some());
        assert!(Given::to(["", "team", "p"], &inventory()).is_some());
    }
}
