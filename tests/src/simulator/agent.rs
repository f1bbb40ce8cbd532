//! The node's device-bridge: what it can see of the kubelet, printed as it prints it.
//!
//! It sees what pod-resources lists: app containers and sidecars. Of ordinary init containers it learns the devices alone,
//! from the device manager's checkpoint.

use std::collections::BTreeMap;

use api::node_inventory::{
    Amount, ContainerAllocation, DeviceGroup, Inventory, MemoryBlock, MemoryManager, NodeInventory,
    PhysicalFunction, PodAllocation, TopologyManager, Zone,
};

use super::{
    kubelet::{Held, HeldByContainer, Kubelet, memory::Block},
    machine::{HUGE_PAGES, Machine},
    pod::Part,
};

/// What it reports, as this number of this epoch. Of the pods that it has not heard of it tells the names alone.
pub(crate) fn report(
    kubelet: &Kubelet,
    epoch: u64,
    sequence: u64,
    has_heard_of: impl Fn(&str) -> bool,
) -> NodeInventory {
    let mut object = NodeInventory {
        api_version: "polypod.dev/v1alpha1".to_owned(),
        kind: "NodeInventory".to_owned(),
        epoch,
        sequence,
        inventory: inventory(kubelet, has_heard_of),
        ..NodeInventory::default()
    };
    object.metadata.name = Some(kubelet.machine.name.clone());
    object
}

fn inventory(kubelet: &Kubelet, has_heard_of: impl Fn(&str) -> bool) -> Inventory {
    let machine = &kubelet.machine;
    let allocations = kubelet.pods.values().filter_map(|held| {
        let pod = allocation(machine, held, has_heard_of(&held.pod.uid));
        (!pod.containers.is_empty()).then_some(pod)
    });
    let mut allocations: Vec<PodAllocation> = allocations.collect();
    allocations.sort_by(|a, b| a.name.cmp(&b.name));
    let all: Vec<usize> = (0..machine.devices.len()).collect();
    Inventory {
        topology_manager: TopologyManager {
            policy: machine.policy,
            scope: machine.scope,
            memory_manager: Some(if machine.has_pinned_memory {
                MemoryManager::Static
            } else {
                MemoryManager::None
            }),
            ..TopologyManager::default()
        },
        zones: zones(kubelet),
        resources: devices(kubelet, |_| true),
        physical_functions: functions(kubelet),
        devices: groups(machine, &all),
        allocations,
        ..Inventory::default()
    }
}

/// Containers with what is told of them.
fn told(held: &Held) -> impl Iterator<Item = (Part, &str, &HeldByContainer)> {
    let containers = held.pod.containers.iter().zip(&held.containers);
    containers.map(|(container, held)| (container.part, container.name.as_str(), held))
}

fn allocation(machine: &Machine, held: &Held, is_known: bool) -> PodAllocation {
    let containers = told(held).filter_map(|(part, name, held)| {
        let is_listed = part != Part::Init;
        let cpus: Vec<u32> = held.cpus.iter().copied().collect();
        let container = ContainerAllocation {
            name: name.to_owned(),
            devices: groups(machine, &held.devices),
            cpus: if is_listed {
                list(&cpus)
            } else {
                String::new()
            },
            memory: held
                .memory
                .iter()
                .filter(|_| is_listed)
                .map(|block| MemoryBlock {
                    resource: block.kind.to_owned(),
                    size: block.size,
                    zones: ids(machine, block.zones),
                })
                .collect(),
            ..ContainerAllocation::default()
        };
        let is_nothing = container.devices.is_empty()
            && container.cpus.is_empty()
            && container.memory.is_empty();
        (!is_nothing).then_some(container)
    });
    PodAllocation {
        pod_uid: is_known.then(|| held.pod.uid.clone()),
        namespace: "sim".to_owned(),
        name: held.pod.name.clone(),
        containers: containers.collect(),
    }
}

fn zones(kubelet: &Kubelet) -> Vec<Zone> {
    let machine = &kubelet.machine;
    let taken: Vec<u32> = kubelet
        .pods
        .values()
        .flat_map(told)
        .filter(|(part, ..)| *part != Part::Init)
        .flat_map(|(_, _, held)| held.cpus.iter().copied())
        .collect();
    let mut memory = memory(kubelet);
    let zones = machine.zones.iter().enumerate();
    zones
        .map(|(at, zone)| {
            let open: Vec<u32> = {
                let cpus = zone.cpus.iter();
                cpus.filter(|cpu| !zone.reserved.contains(cpu))
                    .copied()
                    .collect()
            };
            let free = open.iter().filter(|cpu| !taken.contains(cpu)).count();
            let mut resources = vec![Amount {
                name: "cpu".to_owned(),
                capacity: zone.cpus.len() as u64,
                allocatable: open.len() as u64,
                available: free as u64,
            }];
            resources.append(&mut memory[at]);
            resources.extend(devices(kubelet, |zones| zones & (1 << at) != 0));
            Zone {
                id: zone.id,
                cpus: list(&zone.cpus),
                exclusive_cpus: if machine.has_exclusive_cpus {
                    list(&open)
                } else {
                    String::new()
                },
                resources,
                ..Zone::default()
            }
        })
        .collect()
}

/// Memory and huge pages by zone. Blocks of one zone are taken first, of several from the lowest on.
fn memory(kubelet: &Kubelet) -> Vec<Vec<Amount>> {
    let mut zones: Vec<Vec<Amount>> = Vec::new();
    for zone in &kubelet.machine.zones {
        let amount = |name: &str, capacity: u64, allocatable: u64| Amount {
            name: name.to_owned(),
            capacity,
            allocatable,
            available: allocatable,
        };
        let mut amounts = Vec::new();
        if zone.huge_pages > 0 {
            amounts.push(amount(HUGE_PAGES, zone.huge_pages, zone.huge_pages));
        }
        amounts.push(amount("memory", zone.memory + zone.huge_pages, zone.memory));
        zones.push(amounts);
    }
    let held = kubelet.pods.values().flat_map(told);
    let mut blocks: Vec<&Block> = held
        .filter(|(part, ..)| *part != Part::Init)
        .flat_map(|(_, _, held)| &held.memory)
        .collect();
    blocks.sort_by_key(|block| block.zones.count_ones() > 1);
    for block in blocks {
        let mut left = block.size;
        for (at, amounts) in zones.iter_mut().enumerate() {
            let amount = amounts
                .iter_mut()
                .find(|amount| amount.name == block.kind && block.zones & (1 << at) != 0);
            if let Some(amount) = amount {
                let taken = amount.available.min(left);
                amount.available -= taken;
                left -= taken;
            }
        }
    }
    zones
}

/// Devices by resource, of the zones that are meant.
fn devices(kubelet: &Kubelet, is_meant: impl Fn(u64) -> bool) -> Vec<Amount> {
    count(kubelet, |device| is_meant(device.zones))
}

fn count(kubelet: &Kubelet, is_meant: impl Fn(&super::machine::Device) -> bool) -> Vec<Amount> {
    let mut amounts: BTreeMap<&str, Amount> = BTreeMap::new();
    for (at, device) in kubelet.machine.devices.iter().enumerate() {
        if is_meant(device) {
            let amount = amounts.entry(device.resource).or_insert_with(|| Amount {
                name: device.resource.to_owned(),
                ..Amount::default()
            });
            amount.capacity += 1;
            amount.allocatable += 1;
            amount.available += u64::from(!kubelet.held_devices[at]);
        }
    }
    amounts.into_values().collect()
}

fn functions(kubelet: &Kubelet) -> Vec<PhysicalFunction> {
    let all = kubelet.machine.devices.iter();
    let mut addresses: Vec<&String> = all.filter_map(|device| device.function.as_ref()).collect();
    addresses.sort();
    addresses.dedup();
    addresses
        .into_iter()
        .map(|address| PhysicalFunction {
            address: address.clone(),
            link_up: Some(true),
            total_vfs: 8,
            resources: count(kubelet, |device| device.function.as_ref() == Some(address)),
            ..PhysicalFunction::default()
        })
        .collect()
}

fn groups(machine: &Machine, devices: &[usize]) -> Vec<DeviceGroup> {
    let mut groups: BTreeMap<(&str, u64, Option<&String>), Vec<String>> = BTreeMap::new();
    for at in devices {
        let device = &machine.devices[*at];
        let alike = (device.resource, device.zones, device.function.as_ref());
        groups.entry(alike).or_default().push(device.id.clone());
    }
    groups
        .into_iter()
        .map(|((resource, zones, function), mut same)| {
            same.sort();
            DeviceGroup {
                resource: resource.to_owned(),
                zones: ids(machine, zones),
                physical_function: function.cloned(),
                ids: same,
            }
        })
        .collect()
}

fn ids(machine: &Machine, mask: u64) -> Vec<u32> {
    let zones = machine.zones.iter().enumerate();
    zones
        .filter(|(at, _)| mask & (1 << at) != 0)
        .map(|(_, zone)| zone.id)
        .collect()
}

/// `0-3,8`.
fn list(cpus: &[u32]) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for cpu in cpus {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *cpu => *last = *cpu,
            _ => ranges.push((*cpu, *cpu)),
        }
    }
    let texts: Vec<String> = ranges
        .into_iter()
        .map(|(first, last)| {
            if first == last {
                first.to_string()
            } else {
                format!("{first}-{last}")
            }
        })
        .collect();
    texts.join(",")
}
