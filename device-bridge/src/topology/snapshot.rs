//! A node's inventory, from what kubelet, kernel and API server say of it. A function of values.

use std::collections::{BTreeMap, BTreeSet};

use api::node_inventory::{
    Accelerator, Amount, ContainerAllocation, DeviceGroup, Distance, Inventory, MemoryBlock,
    PhysicalFunction, PodAllocation, TopologyManager, Zone,
};
use spec::device::PciAddress;

use super::{
    held::{self, DeviceKey, HeldByContainer, HeldByPod, Pods, ZoneIds},
    memory,
};
use crate::{
    proto::AllocatableResourcesResponse,
    sysfs::{
        Hardware,
        cpu_list::{self, Cpus},
    },
};

/// What was observed of a node.
#[derive(Clone, Copy, Debug)]
pub struct Observed<'a> {
    /// The kubelet's `GetAllocatableResources`.
    pub allocatable: &'a AllocatableResourcesResponse,
    /// The kubelet's `List`, completed.
    pub pods: &'a Pods,
    /// The kernel's devices and zones.
    pub hardware: &'a Hardware,
    /// The physical functions of devices whose ids are no names of the kernel, by resource and id.
    pub told: &'a BTreeMap<(String, String), PciAddress>,
    /// How the kubelet aligns.
    pub topology_manager: TopologyManager,
    /// CPUs that the kubelet keeps for the system, where that is known.
    pub reserved: &'a Cpus,
}

/// A device, healthy or held or both.
#[derive(Debug)]
struct Device {
    zones: ZoneIds,
    physical_function: Option<PciAddress>,
    is_healthy: bool,
    is_held: bool,
}

type Devices = BTreeMap<DeviceKey, Device>;

/// The inventory.
#[must_use]
pub fn snapshot(observed: Observed<'_>) -> Inventory {
    let held = observed.pods.held();
    let devices = devices(observed, held);
    Inventory {
        topology_manager: observed.topology_manager,
        zones: zones(observed, held, &devices),
        resources: amounts(&devices, |_| true),
        physical_functions: physical_functions(observed.hardware, &devices),
        accelerators: accelerators(observed.hardware),
        devices: healthy(&devices),
        allocations: held.iter().map(|pod| allocation(pod, &devices)).collect(),
    }
}

/// The physical function behind a device, by its id alone.
#[must_use]
pub fn physical_function(hardware: &Hardware, id: &str) -> Option<PciAddress> {
    let function = match PciAddress::try_from(id) {
        Ok(address) => address,
        Err(_) => {
            let of_subfunction = hardware.auxiliary.get(id).map(|found| &found.parent);
            let of_vdpa = || hardware.vdpa.get(id).map(|found| &found.function);
            of_subfunction.or_else(of_vdpa)?.clone()?
        }
    };
    hardware.physical_function(&function).cloned()
}

fn devices(observed: Observed<'_>, held: &[HeldByPod]) -> Devices {
    let mut devices = Devices::new();
    let device = |key: &DeviceKey, zones: &ZoneIds, is_healthy| Device {
        zones: zones.clone(),
        physical_function: physical_function(observed.hardware, &key.1)
            .or_else(|| observed.told.get(key).cloned()),
        is_healthy,
        is_held: !is_healthy,
    };
    for (key, zones) in held::devices(&observed.allocatable.devices) {
        let healthy = device(&key, &zones, true);
        devices.insert(key, healthy);
    }
    for (key, zones) in containers(held).flat_map(|container| &container.devices) {
        devices
            .entry(key.clone())
            .and_modify(|known| known.is_held = true)
            // Held and not healthy any more. Of such a one the kubelet may have forgotten the zones.
            .or_insert_with(|| device(key, zones, false));
    }
    devices
}

fn containers(held: &[HeldByPod]) -> impl Iterator<Item = &HeldByContainer> {
    held.iter().flat_map(|pod| &pod.containers)
}

/// How many of the devices that `is_meant` there are, by resource.
fn amounts(devices: &Devices, is_meant: impl Fn(&Device) -> bool) -> Vec<Amount> {
    let mut amounts: BTreeMap<&str, Amount> = BTreeMap::new();
    for ((resource, _), device) in devices.iter().filter(|(_, device)| is_meant(device)) {
        let amount = amounts.entry(resource).or_insert_with(|| Amount {
            name: resource.clone(),
            ..Amount::default()
        });
        amount.capacity += 1;
        amount.allocatable += u64::from(device.is_healthy);
        amount.available += u64::from(device.is_healthy && !device.is_held);
    }
    amounts.into_values().collect()
}

fn zones(observed: Observed<'_>, held: &[HeldByPod], devices: &Devices) -> Vec<Zone> {
    let known = &observed.hardware.zones;
    let blocks: Vec<MemoryBlock> = observed
        .allocatable
        .memory
        .iter()
        .map(|block| MemoryBlock {
            resource: block.memory_type.clone(),
            size: block.size,
            zones: held::zones(block.topology.as_ref()).into_iter().collect(),
        })
        .collect();
    let held_blocks: Vec<&MemoryBlock> = containers(held)
        .flat_map(|container| &container.memory)
        .collect();
    let mut memory = memory::amounts(known, &blocks, &held_blocks);
    let exclusive = held::cpus(&observed.allocatable.cpu_ids);
    let taken: Cpus = containers(held)
        .flat_map(|container| container.cpus.iter().copied())
        .collect();
    // A zone that only the kubelet knows, because sysfs cannot be read, is a zone all the same.
    let ids: BTreeSet<u32> = known
        .keys()
        .chain(memory.keys())
        .chain(devices.values().flat_map(|device| &device.zones))
        .copied()
        .collect();
    let none = Default::default();
    ids.into_iter()
        .map(|id| {
            let zone = known.get(&id).unwrap_or(&none);
            let cpus = cpu_amount(&zone.cpus, &exclusive, observed.reserved, &taken);
            let of_devices = amounts(devices, |device| device.zones.contains(&id));
            Zone {
                id,
                cpus: cpu_list::print(&zone.cpus),
                exclusive_cpus: cpu_list::print(&(&zone.cpus & &exclusive)),
                distances: zone
                    .distances
                    .iter()
                    .map(|(zone, value)| Distance {
                        zone: *zone,
                        value: *value,
                    })
                    .collect(),
                resources: cpus
                    .into_iter()
                    .chain(memory.remove(&id).unwrap_or_default().into_values())
                    .chain(of_devices)
                    .collect(),
            }
        })
        .collect()
}

/// CPUs of a zone. Where the kubelet hands none out exclusively it aligns none, and those that are not reserved can be
/// had.
fn cpu_amount(zone: &Cpus, exclusive: &Cpus, reserved: &Cpus, taken: &Cpus) -> Option<Amount> {
    let allocatable = if exclusive.is_empty() {
        zone - reserved
    } else {
        zone & exclusive
    };
    let count = |cpus: &Cpus| u64::try_from(cpus.len()).unwrap_or(u64::MAX);
    (!zone.is_empty()).then(|| Amount {
        name: "cpu".to_owned(),
        capacity: count(zone),
        allocatable: count(&allocatable),
        available: count(&(&allocatable - taken)),
    })
}

fn physical_functions(hardware: &Hardware, devices: &Devices) -> Vec<PhysicalFunction> {
    let of_devices: BTreeSet<&PciAddress> = devices
        .values()
        .filter_map(|device| device.physical_function.as_ref())
        .collect();
    let is_meant =
        |address: &PciAddress, has_functions: bool| has_functions || of_devices.contains(address);
    hardware
        .functions
        .iter()
        .filter(|(address, function)| {
            let has_functions = function
                .physical
                .as_ref()
                .is_some_and(|physical| physical.total > 0);
            is_meant(address, has_functions)
        })
        .map(|(address, function)| {
            let uplink = function.uplink();
            let physical = function.physical.as_ref();
            PhysicalFunction {
                address: address.to_string(),
                interface: uplink.map(|uplink| uplink.name.clone()),
                zone: function.zone,
                pcie_root: function.pcie_root.clone(),
                driver: function.driver.clone(),
                model: function.model(),
                switch_id: uplink.and_then(|uplink| uplink.switch_id.clone()),
                port: uplink.and_then(|uplink| uplink.port_name.clone()),
                eswitch: function.is_switchdev().then(|| "switchdev".to_owned()),
                link_up: uplink.and_then(|uplink| uplink.carrier),
                speed_mbps: uplink.and_then(|uplink| uplink.speed),
                rdma: function.rdma.clone(),
                total_vfs: physical.map_or(0, |physical| physical.total),
                configured_vfs: physical.map_or(0, |physical| physical.configured),
                resources: amounts(devices, |device| {
                    device.physical_function.as_ref() == Some(address)
                }),
            }
        })
        .collect()
}

fn accelerators(hardware: &Hardware) -> Vec<Accelerator> {
    hardware
        .functions
        .iter()
        .filter(|(_, function)| function.is_accelerator() && function.virtual_of.is_none())
        .map(|(address, function)| Accelerator {
            address: address.to_string(),
            zone: function.zone,
            pcie_root: function.pcie_root.clone(),
            model: function.model(),
        })
        .collect()
}

fn healthy(devices: &Devices) -> Vec<DeviceGroup> {
    groups(devices.iter().filter(|(_, device)| device.is_healthy))
}

fn allocation(pod: &HeldByPod, devices: &Devices) -> PodAllocation {
    let containers = pod.containers.iter().map(|container| ContainerAllocation {
        name: container.name.clone(),
        devices: groups(
            container
                .devices
                .keys()
                .filter_map(|key| devices.get_key_value(key)),
        ),
        cpus: cpu_list::print(&container.cpus),
        memory: container.memory.clone(),
        claimed: container.claimed.iter().cloned().collect(),
    });
    PodAllocation {
        pod_uid: pod.uid.clone(),
        namespace: pod.namespace.clone(),
        name: pod.name.clone(),
        containers: containers.collect(),
    }
}

/// Devices that differ by their ids alone, together.
fn groups<'a>(devices: impl Iterator<Item = (&'a DeviceKey, &'a Device)>) -> Vec<DeviceGroup> {
    let mut groups: BTreeMap<(&str, &ZoneIds, Option<&PciAddress>), Vec<String>> = BTreeMap::new();
    for ((resource, id), device) in devices {
        let alike = (
            resource.as_str(),
            &device.zones,
            device.physical_function.as_ref(),
        );
        groups.entry(alike).or_default().push(id.clone());
    }
    groups
        .into_iter()
        .map(|((resource, zones, physical_function), ids)| DeviceGroup {
            resource: resource.to_owned(),
            zones: zones.iter().copied().collect(),
            physical_function: physical_function.map(ToString::to_string),
            ids,
        })
        .collect()
}

#[cfg(test)]
#[path = "snapshot_tests.rs"]
mod tests;
