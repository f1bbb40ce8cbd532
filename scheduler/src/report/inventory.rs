//! A NodeInventory, read. What is free follows from the devices' ids and from who holds which; the sums that the object
//! has besides are only believed where they tell of less.

use std::collections::{BTreeMap, BTreeSet};

use api::node_inventory::{Inventory, MemoryManager, NodeInventory};

use super::{
    Function, Held, Holder, Report, Sequence, Source,
    cpus::Exclusive,
    devices::Devices,
    distances,
    faults::bounded,
    numbering::Numbering,
    sum::{Of, Sum, sane},
};
use crate::{resource::Kind, zones::ZoneMask};

/// The report that a NodeInventory is.
pub(super) fn read(object: &NodeInventory) -> Report {
    let inventory = &object.inventory;
    let mut faults = Vec::new();
    let contradictory = zones_told_twice(inventory, &mut faults);
    let ids = inventory.zones.iter().map(|zone| zone.id).collect();
    let zones = Numbering::of(&ids, &mut faults);
    let functions = functions(inventory, &mut faults);
    let mut sum = Sum::default();

    let mut devices = Devices::read(inventory, &zones, &functions, &mut faults);
    let mut exclusive = Exclusive::read(inventory, &zones, &contradictory, &mut faults);
    let pins_memory = inventory.topology_manager.memory_manager == Some(MemoryManager::Static);
    let mut pinned = BTreeMap::new();
    let mut holders = Vec::with_capacity(inventory.allocations.len());
    for (index, pod) in inventory.allocations.iter().enumerate() {
        let mut held = Vec::new();
        for container in &pod.containers {
            let mut hold = |resource: &str, zones, function, amount| {
                held.push(Held {
                    container: container.name.as_str().into(),
                    resource: resource.into(),
                    zones,
                    function,
                    amount,
                });
            };
            devices.hold(index, container, &zones, &functions, &mut faults, &mut hold);
            exclusive.hold(&pod.name, &container.cpus, &mut faults, &mut hold);
            for block in container.memory.iter().filter(|_| pins_memory) {
                let what = || format!("{} of pod {:?}", block.resource, pod.name);
                let Some(size) = sane(block.size, what, &mut faults) else {
                    continue;
                };
                let mask = zones.known(&block.zones);
                if mask.count() == 1 {
                    let key = (mask, block.resource.as_str());
                    let sum = pinned.entry(key).or_insert(0_i64);
                    *sum = sum.saturating_add(size);
                }
                hold(&block.resource, mask, None, size);
            }
        }
        holders.push(Holder {
            uid: pod
                .pod_uid
                .as_deref()
                .filter(|uid| !uid.is_empty())
                .map(Into::into),
            namespace: pod.namespace.as_str().into(),
            name: pod.name.as_str().into(),
            held,
        });
    }
    devices.count(&mut sum);
    exclusive.count(&mut sum);
    if pins_memory {
        memory(
            inventory,
            &zones,
            &contradictory,
            &pinned,
            &mut sum,
            &mut faults,
        );
    }
    doubt(inventory, &mut sum, &mut faults);

    let roots = inventory.accelerators.iter();
    let told = inventory.zones.iter().flat_map(|zone| {
        let all = zone.distances.iter();
        all.map(|to| (zone.id, to.zone, i64::from(to.value)))
    });
    let distances = distances::square(&zones, told);
    Report {
        source: Source::Inventory(Sequence {
            epoch: object.epoch,
            number: object.sequence,
        }),
        policy: inventory.topology_manager.policy,
        scope: inventory.topology_manager.scope,
        zones: zones.into_ids(),
        amounts: sum.into_amounts(&mut faults),
        holders,
        functions,
        accelerator_roots: roots
            .filter_map(|one| one.pcie_root.as_deref().map(Into::into))
            .take(usize::from(u16::MAX))
            .collect(),
        distances,
        faults: bounded(faults),
    }
}

fn zones_told_twice(inventory: &Inventory, faults: &mut Vec<String>) -> BTreeSet<u32> {
    let mut seen = BTreeSet::new();
    let all = inventory.zones.iter().map(|zone| zone.id);
    let twice: BTreeSet<u32> = all.filter(|id| !seen.insert(*id)).collect();
    faults.extend(
        twice.iter().map(|id| {
            format!("zone {id} is there twice; its CPUs and memory are taken to be in use")
        }),
    );
    twice
}

fn functions(inventory: &Inventory, faults: &mut Vec<String>) -> Vec<Function> {
    let mut seen = BTreeSet::new();
    let all = inventory.physical_functions.iter();
    let each = all.filter(|function| {
        let is_new = seen.insert(function.address.as_str());
        if !is_new {
            let address = &function.address;
            faults.push(format!(
                "physical function {address:?} is there twice; the first is taken"
            ));
        }
        is_new
    });
    each.take(usize::from(u16::MAX))
        .map(|function| Function {
            address: function.address.as_str().into(),
            pcie_root: function.pcie_root.as_deref().map(Into::into),
            switch: function.switch_id.as_deref().map(Into::into),
            link_up: function.link_up,
        })
        .collect()
}

/// Memory and huge pages of zones, where the kubelet pins them.
fn memory<'a>(
    inventory: &'a Inventory,
    zones: &Numbering,
    contradictory: &BTreeSet<u32>,
    pinned: &BTreeMap<(ZoneMask, &str), i64>,
    sum: &mut Sum<'a>,
    faults: &mut Vec<String>,
) {
    let mut seen = BTreeSet::new();
    for zone in &inventory.zones {
        let Some(mask) = zones.mask(zone.id) else {
            continue;
        };
        for amount in &zone.resources {
            let name = amount.name.as_str();
            if !matches!(Kind::of(name), Kind::Memory | Kind::HugePages)
                || !seen.insert((zone.id, name))
            {
                continue;
            }
            let what = || format!("{name} of zone {}", zone.id);
            let allocatable = sane(amount.allocatable, what, faults);
            let available = sane(amount.available, what, faults);
            let (Some(allocatable), Some(available)) = (allocatable, available) else {
                sum.add(name, mask, None, Of::default());
                continue;
            };
            if available > allocatable {
                faults.push(format!(
                    "{}: {available} available of {allocatable}",
                    what()
                ));
            }
            let held = pinned.get(&(mask, name)).copied().unwrap_or(0);
            let certain = available.min(allocatable.saturating_sub(held)).max(0);
            let certain = if contradictory.contains(&zone.id) {
                0
            } else {
                certain
            };
            let of = Of {
                capacity: allocatable,
                allocatable,
                available: certain,
            };
            sum.add(name, mask, None, of);
        }
    }
}

/// Holds the devices against what the object says of the whole node, and believes what is less.
fn doubt<'a>(inventory: &'a Inventory, sum: &mut Sum<'a>, faults: &mut Vec<String>) {
    for amount in &inventory.resources {
        let name = amount.name.as_str();
        if Kind::of(name) != Kind::Device {
            faults.push(format!("{name:?} is no resource of devices"));
            continue;
        }
        // A resource that has no healthy device is known here all the same.
        if !sum.knows(name) {
            sum.add(name, ZoneMask::NONE, None, Of::default());
        }
        let counted = sum.available(name);
        let told = i64::try_from(amount.available).unwrap_or(i64::MAX);
        if told != counted {
            faults.push(format!(
                "{name}: {counted} devices are free by their ids, {told} by the sum; the lower number is taken"
            ));
        }
        if told < counted {
            sum.withhold(name, counted - told);
        }
    }
}

#[cfg(test)]
mod tests;
