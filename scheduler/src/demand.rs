//! What a pod demands of extended resources, counted as the scheduler and the kubelet count it.

use std::collections::BTreeMap;

use api::{
    pod::{Container, Pod},
    quantity,
};
use spec::device::ResourceName;

/// Quantities by resource.
pub type Demand = BTreeMap<ResourceName, u64>;

/// The extended resources a node must have for `pod`: app containers and sidecars together, or what an ordinary init
/// container needs beside the sidecars started before it, if that is more. Quantities that are no whole numbers and names
/// that are no extended resources are the API server's to refuse and count nothing here.
#[must_use]
pub fn demand(pod: &Pod) -> Demand {
    let mut running = Demand::new();
    let mut highest = Demand::new();
    for container in &pod.spec.init_containers {
        let own = of_container(container);
        if container.is_sidecar() {
            add(&mut running, &own);
        } else {
            let mut with_sidecars = running.clone();
            add(&mut with_sidecars, &own);
            raise(&mut highest, &with_sidecars);
        }
    }
    for container in &pod.spec.containers {
        add(&mut running, &of_container(container));
    }
    raise(&mut highest, &running);
    highest
}

fn of_container(container: &Container) -> Demand {
    let resources = container.resources.as_ref();
    let limits = resources.and_then(|resources| resources.limits.as_ref());
    let requests = resources.and_then(|resources| resources.requests.as_ref());
    let mut demand = Demand::new();
    for (name, value) in limits.into_iter().chain(requests).flatten() {
        let name = name
            .parse::<ResourceName>()
            .ok()
            .filter(ResourceName::is_extended_resource);
        if let (Some(name), Ok(quantity @ 1..)) = (name, quantity::whole(value)) {
            demand.insert(name, quantity);
        }
    }
    demand
}

fn add(to: &mut Demand, more: &Demand) {
    for (name, quantity) in more {
        let sum = to.entry(name.clone()).or_default();
        *sum = sum.saturating_add(*quantity);
    }
}

fn raise(highest: &mut Demand, candidate: &Demand) {
    for (name, quantity) in candidate {
        let highest = highest.entry(name.clone()).or_default();
        *highest = (*highest).max(*quantity);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn total(init: Value, containers: Value) -> u64 {
        let pod: Pod = serde_json::from_value(
            json!({"spec": {"initContainers": init, "containers": containers}}),
        )
        .unwrap();
        demand(&pod)
            .get(&"intel.com/sriov".parse().unwrap())
            .copied()
            .unwrap_or_default()
    }

    fn container(quantity: u64) -> Value {
        json!({"resources": {"limits": {"intel.com/sriov": quantity.to_string(), "cpu": "2"}}})
    }

    fn sidecar(quantity: u64) -> Value {
        let mut container = container(quantity);
        container["restartPolicy"] = json!("Always");
        container
    }

    #[test]
    fn containers_as_the_kubelet_counts_them() {
        assert_eq!(total(json!([]), json!([container(1), container(2)])), 3);
        assert_eq!(total(json!([container(5)]), json!([container(1)])), 5);
        assert_eq!(total(json!([container(1)]), json!([container(1)])), 1);
        assert_eq!(total(json!([sidecar(2)]), json!([container(1)])), 3);
        assert_eq!(
            total(json!([sidecar(2), container(4)]), json!([container(1)])),
            6
        );
        assert_eq!(
            total(json!([container(4), sidecar(2)]), json!([container(1)])),
            4
        );
        assert_eq!(total(json!([]), json!([container(0), {}])), 0);
    }
}
