//! A NodeResourceTopology of anyone, read: sums by zone, and no word of who holds what.

use std::collections::{BTreeMap, BTreeSet};

use api::{
    node_resource_topology::{Attribute, NodeResourceTopology, Zone, ZoneResource},
    topology_manager::{Policy, Scope, UnknownWord},
};
use serde_json::Value;

use super::{
    Report, Source, distances,
    faults::bounded,
    numbering::Numbering,
    sum::{Of, Sum, sane},
};
use crate::{resource::Kind, zones::MAX_ZONES};

/// The report that a NodeResourceTopology is.
pub(super) fn read(object: &NodeResourceTopology) -> Report {
    let mut faults = Vec::new();
    let (policy, scope) = rule(object, &mut faults);
    let mut by_id: BTreeMap<u32, Vec<&Zone>> = BTreeMap::new();
    for zone in &object.zones {
        // Sockets, caches and the like are others' business.
        if zone.kind != "Node" {
            continue;
        }
        match zone.name.strip_prefix("node-").and_then(number) {
            // A kubelet counts zones in a set of 64.
            Some(id) if usize::try_from(id).is_ok_and(|id| id < MAX_ZONES) => {
                by_id.entry(id).or_default().push(zone);
            }
            Some(id) => faults.push(format!(
                "zone node-{id} is passed over: a kubelet knows zones below {MAX_ZONES} alone"
            )),
            None => faults.push(format!(
                "zone {:?} is passed over: the name of a NUMA zone is node- and its number",
                zone.name
            )),
        }
    }
    let ids: BTreeSet<u32> = by_id.keys().copied().collect();
    let numbering = Numbering::of(&ids, &mut faults);
    let mut sum = Sum::default();
    for (id, zones) in &by_id {
        let Some(mask) = numbering.mask(*id) else {
            continue;
        };
        if zones.len() > 1 {
            faults.push(format!(
                "zone node-{id} is there twice; the lower amounts are taken"
            ));
        }
        let mut amounts: BTreeMap<&str, Of> = BTreeMap::new();
        for resource in zones.iter().flat_map(|zone| &zone.resources) {
            let name = resource.name.as_str();
            if Kind::of(name) == Kind::HostLevel {
                continue;
            }
            let found = amount(*id, resource, &mut faults);
            let known = amounts.entry(name).or_insert(found);
            *known = Of {
                capacity: known.capacity.min(found.capacity),
                allocatable: known.allocatable.min(found.allocatable),
                available: known.available.min(found.available),
            };
        }
        for (name, amount) in amounts {
            sum.add(name, mask, None, amount);
        }
    }
    let told = by_id.iter().flat_map(|(id, zones)| {
        let costs = zones.iter().flat_map(|zone| &zone.costs);
        costs.filter_map(|cost| {
            let to = cost.name.strip_prefix("node-").and_then(number)?;
            Some((*id, to, cost.value))
        })
    });
    let distances = distances::square(&numbering, told);
    Report {
        source: Source::Topology,
        policy,
        scope,
        zones: numbering.into_ids(),
        amounts: sum.into_amounts(&mut faults),
        holders: Vec::new(),
        functions: Vec::new(),
        accelerator_roots: Vec::new(),
        distances,
        faults: bounded(faults),
    }
}

/// A zone's number, as it is written without a sign or needless zeros.
fn number(text: &str) -> Option<u32> {
    let number: u32 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// How much there is of a resource; nothing is available where it cannot be true.
fn amount(zone: u32, resource: &ZoneResource, faults: &mut Vec<String>) -> Of {
    let name = resource.name.as_str();
    let what = || format!("{name} of zone node-{zone}");
    let mut read = |text: &str| {
        let amount = Kind::of(name).amount(&Value::from(text));
        let amount = amount.map_err(|error| faults.push(format!("{}: {error}", what())));
        sane(u64::try_from(amount.ok()?).ok()?, what, faults)
    };
    let allocatable = read(&resource.allocatable.0);
    let available = read(&resource.available.0);
    // Of some writers it is a copy, and nothing but the size of a set of zones depends on it.
    let capacity = Kind::of(name).amount(&Value::from(resource.capacity.0.as_str()));
    let capacity = capacity.unwrap_or_default().max(allocatable.unwrap_or(0));
    let (Some(allocatable), Some(available)) = (allocatable, available) else {
        return Of {
            capacity,
            allocatable: allocatable.unwrap_or(0),
            available: 0,
        };
    };
    if available > allocatable {
        faults.push(format!(
            "{}: {} available of {}",
            what(),
            resource.available.0,
            resource.allocatable.0
        ));
    }
    Of {
        capacity,
        allocatable,
        available: available.min(allocatable),
    }
}

/// The kubelet's policy and scope. Attributes hold; older writers have one word for both.
fn rule(object: &NodeResourceTopology, faults: &mut Vec<String>) -> (Policy, Scope) {
    let legacy = object.topology_policies.first().map(|word| legacy(word));
    if let (Some(None), Some(word)) = (&legacy, object.topology_policies.first()) {
        faults.push(format!(
            "topologyPolicies: {word:?} is no policy that is known"
        ));
    }
    let is_clear = !matches!(legacy, Some(None));
    let (policy, scope) = legacy.flatten().unwrap_or_default();
    let value = |name: &str| {
        let mut all = object.attributes.iter();
        all.find(|attribute| attribute.name == name)
    };
    let mut unclear = |attribute: &Attribute, error: UnknownWord| {
        faults.push(format!("{}: {error}", attribute.name));
    };
    // Where nobody can tell what the kubelet refuses, it is taken to refuse all that it could.
    let policy = match value("topologyManagerPolicy") {
        Some(found) => found.value.parse().unwrap_or_else(|error| {
            unclear(found, error);
            Policy::SingleNumaNode
        }),
        None if is_clear => policy,
        None => Policy::SingleNumaNode,
    };
    let scope = match value("topologyManagerScope") {
        Some(found) => found.value.parse().unwrap_or_else(|error| {
            unclear(found, error);
            Scope::Pod
        }),
        None => scope,
    };
    (policy, scope)
}

/// `SingleNUMANodePodLevel` and its like.
fn legacy(word: &str) -> Option<(Policy, Scope)> {
    let (policy, scope) = match word.strip_suffix("PodLevel") {
        Some(policy) => (policy, Scope::Pod),
        None => {
            let policy = word.strip_suffix("ContainerLevel");
            (policy.unwrap_or(word), Scope::Container)
        }
    };
    let policy = match policy {
        "SingleNUMANode" => Policy::SingleNumaNode,
        "Restricted" => Policy::Restricted,
        "BestEffort" => Policy::BestEffort,
        "None" => Policy::None,
        _ => return None,
    };
    Some((policy, scope))
}

#[cfg(test)]
mod tests;
