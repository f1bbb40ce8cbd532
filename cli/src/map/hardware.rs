//! A node's zones, physical functions and devices, and who holds them, out of its report.

use std::collections::{BTreeMap, HashMap};

use api::{
    node_inventory::{DeviceGroup, Inventory},
    node_resource_topology::NodeResourceTopology,
};

use super::{
    document::{Amount, Function, Group, Zone},
    seen,
};

/// Where devices stand: their zone, and the address of their physical function. What is in none comes last.
type Place = (Option<u32>, Option<String>);

/// A device: who holds it, and whether it is healthy.
#[derive(Clone, Copy, Debug)]
struct Device {
    holder: Option<usize>,
    is_healthy: bool,
}

/// Devices by place, resource and id.
type Devices = BTreeMap<Ordered<Place>, BTreeMap<String, BTreeMap<String, Device>>>;

/// Orders a place: nothing is more than everything.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ordered<T>(T);

impl Ordered<Place> {
    fn key(&self) -> (bool, Option<u32>, bool, Option<&String>) {
        let (zone, function) = &self.0;
        (zone.is_none(), *zone, function.is_none(), function.as_ref())
    }
}

impl PartialOrd for Ordered<Place> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered<Place> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

/// The zones of a NodeInventory. `holders` are the places of its allocations' pods among the node's pods.
pub(super) fn of_inventory(inventory: &Inventory, holders: &[usize]) -> Vec<Zone> {
    let functions = inventory.physical_functions.iter();
    let functions = functions.map(|function| (function.address.as_str(), function.zone));
    let accelerators = inventory.accelerators.iter();
    let accelerators: HashMap<&str, Option<u32>> = accelerators
        .map(|accelerator| (accelerator.address.as_str(), accelerator.zone))
        .collect();
    let zone_of: HashMap<&str, Option<u32>> =
        accelerators.clone().into_iter().chain(functions).collect();
    let place = |group: &DeviceGroup, id: &str| {
        // A device that is called as an accelerator's address is that accelerator.
        let itself = || accelerators.contains_key(id).then(|| id.to_owned());
        let function = group.physical_function.clone().or_else(itself);
        let of_function = function.as_deref().and_then(|at| zone_of.get(at).copied());
        let zone = of_function
            .flatten()
            .or_else(|| group.zones.first().copied());
        Ordered((zone, function))
    };
    let mut devices = Devices::new();
    // Where each device was offered: a pod's account of it may say less of its place.
    let mut offered = HashMap::new();
    for group in &inventory.devices {
        for id in &group.ids {
            let device = Device {
                holder: None,
                is_healthy: true,
            };
            let place = place(group, id);
            if offered
                .insert((group.resource.as_str(), id.as_str()), place.clone())
                .is_none()
            {
                let there = devices.entry(place).or_default();
                let there = there.entry(group.resource.clone()).or_default();
                there.insert(id.clone(), device);
            }
        }
    }
    for (allocation, holder) in inventory.allocations.iter().zip(holders) {
        let containers = allocation.containers.iter();
        for group in containers.flat_map(|container| &container.devices) {
            for id in &group.ids {
                let known = offered.get(&(group.resource.as_str(), id.as_str()));
                let there = devices.entry(known.cloned().unwrap_or_else(|| place(group, id)));
                let there = there
                    .or_default()
                    .entry(group.resource.clone())
                    .or_default();
                let device = there.entry(id.clone()).or_insert(Device {
                    holder: None,
                    is_healthy: false,
                });
                device.holder = Some(*holder);
            }
        }
    }
    zones(inventory, devices)
}

fn zones(inventory: &Inventory, mut devices: Devices) -> Vec<Zone> {
    // Physical functions and accelerators without devices are part of the picture.
    let functions = inventory.physical_functions.iter();
    let functions = functions.map(|function| (function.zone, &function.address));
    let accelerators = inventory.accelerators.iter();
    let accelerators = accelerators.map(|accelerator| (accelerator.zone, &accelerator.address));
    for (zone, address) in functions.chain(accelerators) {
        let place = Ordered((zone, Some(address.clone())));
        devices.entry(place).or_default();
    }
    let mut zones: BTreeMap<(bool, Option<u32>), Zone> = BTreeMap::new();
    for zone in &inventory.zones {
        let cpus = zone.cpus.clone();
        let id = Some(zone.id);
        zones.insert(
            (false, id),
            Zone {
                id,
                cpus,
                ..Zone::default()
            },
        );
    }
    for (Ordered((id, address)), groups) in devices {
        let zone = zones.entry((id.is_none(), id)).or_default();
        zone.id = id;
        zone.functions.push(function(inventory, address, groups));
    }
    for zone in zones.values_mut() {
        // The sort keeps the order of addresses.
        zone.functions
            .sort_by_key(|function| (function.address.is_none(), function.accelerator));
    }
    zones.into_values().collect()
}

fn function(
    inventory: &Inventory,
    address: Option<String>,
    groups: BTreeMap<String, BTreeMap<String, Device>>,
) -> Function {
    let groups: Vec<Group> = groups.into_iter().map(group).collect();
    let mut functions = inventory.physical_functions.iter();
    let known = functions.find(|function| Some(&function.address) == address.as_ref());
    let mut accelerators = inventory.accelerators.iter();
    let accelerator = accelerators.find(|one| Some(&one.address) == address.as_ref());
    let Some(known) = known else {
        return Function {
            model: accelerator.and_then(|accelerator| accelerator.model.clone()),
            accelerator: accelerator.is_some(),
            address,
            groups,
            ..Function::default()
        };
    };
    let offered: usize = groups.iter().map(|group| group.ids.len()).sum();
    let offered = u64::try_from(offered).unwrap_or(u64::MAX);
    Function {
        interface: known.interface.clone(),
        driver: known.driver.clone(),
        model: known.model.clone(),
        link_up: known.link_up,
        speed_mbps: known.speed_mbps,
        not_offered: u64::from(known.configured_vfs).saturating_sub(offered),
        accelerator: accelerator.is_some(),
        address,
        groups,
    }
}

fn group((resource, devices): (String, BTreeMap<String, Device>)) -> Group {
    let mut group = Group {
        resource,
        ..Group::default()
    };
    for (at, (id, device)) in devices.into_iter().enumerate() {
        group.ids.push(id);
        group.held.extend(device.holder.map(|holder| (at, holder)));
        if !device.is_healthy {
            group.unhealthy.push(at);
        }
    }
    group
}

/// The zones of a NodeResourceTopology: amounts alone.
pub(super) fn of_topology(topology: &NodeResourceTopology) -> Vec<Zone> {
    let mut zones: Vec<Zone> = topology
        .zones
        .iter()
        .filter(|zone| zone.kind == "Node")
        .filter_map(|zone| {
            let id = zone.name.strip_prefix("node-")?.parse().ok()?;
            let resources = zone.resources.iter();
            let amounts = resources.filter(|resource| seen::is_extended(&resource.name));
            let amounts = amounts.filter_map(|resource| {
                let whole = |quantity: &str| seen::whole(&quantity.into());
                let capacity = whole(&resource.capacity.0)?;
                let allocatable = whole(&resource.allocatable.0)?.min(capacity);
                let available = whole(&resource.available.0)?.min(allocatable);
                Some(Amount {
                    resource: resource.name.clone(),
                    total: capacity,
                    held: allocatable - available,
                    unhealthy: capacity - allocatable,
                })
            });
            Some(Zone {
                id: Some(id),
                amounts: amounts.collect(),
                ..Zone::default()
            })
        })
        .collect();
    zones.sort_by_key(|zone| zone.id);
    zones
}

/// The devices of a node by resource, as they are drawn.
pub(super) fn amounts(zones: &[Zone]) -> Vec<Amount> {
    let mut sums: BTreeMap<&str, Amount> = BTreeMap::new();
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let functions = zones.iter().flat_map(|zone| &zone.functions);
    for group in functions.flat_map(|function| &function.groups) {
        let sum = sums.entry(group.counted_as()).or_default();
        sum.total += count(group.ids.len());
        sum.held += count(group.held_count());
        sum.unhealthy += count(group.unhealthy.len());
    }
    for amount in zones.iter().flat_map(|zone| &zone.amounts) {
        let sum = sums.entry(&amount.resource).or_default();
        sum.total += amount.total;
        sum.held += amount.held;
        sum.unhealthy += amount.unhealthy;
    }
    let named = |(resource, sum): (&str, Amount)| Amount {
        resource: resource.to_owned(),
        ..sum
    };
    sums.into_iter().map(named).collect()
}
