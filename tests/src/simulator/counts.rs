//! The engine's counts beside the judge's.

use std::collections::BTreeMap;

use scheduler::{engine::Engine, node::Node};

use super::{kubelet::Kubelet, node::SimNode, pod::Part};

/// Free amounts of the judge by resource and zones; CPUs in thousandths.
pub(crate) fn free(kubelet: &Kubelet) -> BTreeMap<(&'static str, u64), i64> {
    let machine = &kubelet.machine;
    let mut free: BTreeMap<(&'static str, u64), i64> = BTreeMap::new();
    for (at, device) in machine.devices.iter().enumerate() {
        if device.zones != 0 {
            *free.entry((device.resource, device.zones)).or_default() +=
                i64::from(!kubelet.held_devices[at]);
        }
    }
    for (at, zone) in machine.zones.iter().enumerate() {
        if machine.has_exclusive_cpus {
            let cpus = zone.cpus.iter();
            let count = cpus.filter(|cpu| kubelet.free_cpus.contains(cpu)).count();
            free.insert(("cpu", 1 << at), i64::try_from(count).unwrap() * 1000);
        }
        if machine.has_pinned_memory {
            for (kind, bytes) in kubelet.free_memory_of(at) {
                free.insert((kind, 1 << at), i64::try_from(bytes).unwrap());
            }
        }
    }
    free
}

/// What of the engine's view is wrong.
pub(crate) fn difference(view: Option<&Node>, node: &SimNode, engine: &Engine) -> Option<String> {
    let Some(view) = view else {
        return Some("the engine does not know the node".to_owned());
    };
    let kubelet = &node.kubelet;
    let truth = free(kubelet);
    let mut seen = BTreeMap::new();
    for stock in &view.stocks {
        let name = engine.resources().name(stock.resource);
        for cell in view.cells(stock) {
            *seen.entry((name, cell.zones.0)).or_insert(0) += cell.free;
        }
    }
    for ((resource, zones), expected) in &truth {
        let found = seen.get(&(*resource, *zones)).copied();
        let is_right = match found {
            None => *expected == 0,
            // Of what is held somewhere the engine counts the most that may be held there.
            Some(found) if view.is_fuzzy => found <= *expected,
            Some(found) => found == *expected,
        };
        if !is_right {
            return Some(format!(
                "{resource} in zones {zones:b} of {}: free are {expected}, the engine has {found:?} (fuzzy: {}; init containers: {})",
                kubelet.machine.name,
                view.is_fuzzy,
                kubelet.pods.values().any(|held| {
                    let mut containers = held.pod.containers.iter();
                    containers.any(|container| container.part == Part::Init)
                })
            ));
        }
    }
    for (key, found) in seen {
        if !truth.contains_key(&key) && found != 0 {
            return Some(format!(
                "{key:?}: the engine has {found} of what is not there"
            ));
        }
    }
    None
}
