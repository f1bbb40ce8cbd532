//! The pessimistic rule (`OverReserve` of scheduler-plugins' NodeResourceTopologyMatch): what is bound is taken from every
//! zone, until a report tells of exactly the pods that are known to be there.

use std::collections::{BTreeMap, BTreeSet};

use api::{node_inventory::NodeInventory, topology_manager::Scope};

use super::pod::{Part, SimContainer, SimPod};

/// A zone's free amounts; CPUs in thousandths.
type Free = BTreeMap<String, u64>;

#[derive(Clone, Debug, Default)]
pub(crate) struct Pessimistic {
    zones: Vec<Free>,
    reserved: Vec<SimPod>,
}

fn asked(pod: &SimPod, container: &SimContainer) -> Vec<(&'static str, u64)> {
    let is_guaranteed = pod.is_guaranteed();
    let all = container.requests.iter();
    all.filter(|(resource, _)| is_guaranteed || resource.contains('/'))
        .map(|(resource, amount)| (*resource, *amount))
        .collect()
}

fn asked_by_pod(pod: &SimPod) -> Vec<(&'static str, u64)> {
    let is_guaranteed = pod.is_guaranteed();
    let all = pod.requests().into_iter();
    all.filter(|(resource, _)| is_guaranteed || resource.contains('/'))
        .collect()
}

impl Pessimistic {
    pub(crate) fn bind(&mut self, pod: &SimPod) {
        self.reserved.push(pod.clone());
    }

    /// A report. `known` are the pods bound to the node.
    pub(crate) fn report(&mut self, object: &NodeInventory, known: &BTreeSet<String>) {
        let listed: BTreeSet<String> = object
            .inventory
            .allocations
            .iter()
            .filter_map(|pod| pod.pod_uid.clone())
            .collect();
        let is_new = self.zones.is_empty();
        if !is_new && listed != *known {
            return;
        }
        let zones = object.inventory.zones.iter();
        self.zones = zones
            .map(|zone| {
                let amounts = zone.resources.iter();
                let free = amounts.map(|amount| match amount.name.as_str() {
                    "cpu" => (amount.name.clone(), amount.available * 1000),
                    _ => (amount.name.clone(), amount.available),
                });
                free.collect()
            })
            .collect();
        self.reserved
            .retain(|pod| known.contains(&pod.uid) && !listed.contains(&pod.uid));
    }

    /// Whether the rule lets a pod on a node of the policy single-numa-node.
    pub(crate) fn fits(&self, pod: &SimPod, scope: Scope) -> bool {
        let mut zones = self.zones.clone();
        for reserved in &self.reserved {
            for (resource, amount) in asked_by_pod(reserved) {
                for zone in &mut zones {
                    zone.entry(resource.to_owned())
                        .and_modify(|free| *free = free.saturating_sub(amount));
                }
            }
        }
        if scope == Scope::Pod {
            return lowest(&zones, &asked_by_pod(pod)).is_some();
        }
        pod.containers.iter().all(|container| {
            let asked = asked(pod, container);
            let Some(zone) = lowest(&zones, &asked) else {
                return false;
            };
            if container.part == Part::App {
                for (resource, amount) in asked {
                    zones[zone]
                        .entry(resource.to_owned())
                        .and_modify(|free| *free -= amount);
                }
            }
            true
        })
    }
}

/// The lowest zone that has all of it, as far as any zone has it.
fn lowest(zones: &[Free], asked: &[(&'static str, u64)]) -> Option<usize> {
    zones.iter().position(|zone| {
        asked.iter().all(|(resource, amount)| {
            let is_anywhere = zones.iter().any(|zone| zone.contains_key(*resource));
            !is_anywhere || zone.get(*resource).is_some_and(|free| free >= amount)
        })
    })
}
