//! A node's inventory, from what kubelet, kernel and API server say of it. A function of values.

use std::collections::{BTreeMap, BTreeSet};

use api::{
    cpu_list::{self, Cpus},
    node_inventory::{
        Accelerator, Amount, ContainerAllocation, DeviceGroup, Distance, Inventory, MemoryBlock,
        PhysicalFunction, PodAllocation, TopologyManager, Zone,
    },
};
use serde::{Serialize, Serializer};
use spec::device::PciAddress;

use super::{
    devices::{Devices, Facts, Place},
    held::{self, HeldByContainer, HeldByPod, Pods, ZoneIds},
    memory,
};
use crate::{proto::AllocatableResourcesResponse, sysfs::Hardware};

/// What was observed of a node.
#[derive(Clone, Copy, Debug)]
pub struct Observed<'a> {
    /// The kubelet's `GetAllocatableResources`. Its devices are with the pods.
    pub allocatable: &'a AllocatableResourcesResponse,
    /// The kernel's devices and zones.
    pub hardware: &'a Hardware,
    /// The physical functions of devices whose ids are no names of the kernel, by resource and id.
    pub told: &'a BTreeMap<(String, String), PciAddress>,
    /// How the kubelet aligns.
    pub topology_manager: TopologyManager,
    /// CPUs that the kubelet keeps for the system, where that is known.
    pub reserved: &'a Cpus,
}

/// The inventory of a node. What grows with its devices and pods is made when it is printed, a pod at a time: as strings it
/// would have many times the size of what is known.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// What does not grow: without devices and allocations.
    inventory: Inventory,
    pods: Pods,
}

/// The inventory of `pods` that are completed.
#[must_use]
pub fn snapshot(observed: Observed<'_>, mut pods: Pods) -> Snapshot {
    let (held, devices) = pods.held_mut();
    devices.resolve(|resource, id| {
        let told = || {
            let key = (resource.to_owned(), id.to_owned());
            observed.told.get(&key).cloned()
        };
        physical_function(observed.hardware, id).or_else(told)
    });
    let inventory = Inventory {
        topology_manager: observed.topology_manager,
        zones: zones(observed, held, devices),
        resources: amounts(devices, |_| true),
        physical_functions: physical_functions(observed.hardware, devices),
        accelerators: accelerators(observed.hardware),
        ..Inventory::default()
    };
    Snapshot { inventory, pods }
}

impl Snapshot {
    /// The inventory as far as it does not grow with devices and pods.
    #[must_use]
    pub const fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// The pods and what they hold.
    #[must_use]
    pub const fn pods(&self) -> &Pods {
        &self.pods
    }
}

/// As [`Inventory`] is printed, in its order.
impl Serialize for Snapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Printed<'a> {
            #[serde(flatten)]
            inventory: &'a Inventory,
            #[serde(skip_serializing_if = "Groups::is_empty")]
            devices: Groups<'a>,
            #[serde(skip_serializing_if = "Allocations::is_empty")]
            allocations: Allocations<'a>,
        }
        let devices = self.pods.devices();
        let printed = Printed {
            inventory: &self.inventory,
            devices: Groups::of(
                devices,
                devices.all().filter(|(_, device)| device.is_healthy),
            ),
            allocations: Allocations(&self.pods),
        };
        printed.serialize(serializer)
    }
}

struct Allocations<'a>(&'a Pods);

impl Allocations<'_> {
    fn is_empty(&self) -> bool {
        self.0.held().is_empty()
    }
}

impl Serialize for Allocations<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let pods = self.0.held().iter();
        serializer.collect_seq(pods.map(|pod| allocation(pod, self.0.devices())))
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

fn containers(held: &[HeldByPod]) -> impl Iterator<Item = &HeldByContainer> {
    held.iter().flat_map(|pod| &pod.containers)
}

/// How many of the devices that `is_meant` there are, by resource.
fn amounts(devices: &Devices, is_meant: impl Fn(Facts<'_>) -> bool) -> Vec<Amount> {
    let mut amounts: BTreeMap<&str, Amount> = BTreeMap::new();
    for (_, device) in devices.all().filter(|(_, device)| is_meant(*device)) {
        let amount = amounts.entry(device.resource).or_insert_with(|| Amount {
            name: device.resource.to_owned(),
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
        .chain(devices.all().flat_map(|(_, device)| device.zones))
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
        .all()
        .filter_map(|(_, device)| device.physical_function)
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
                resources: amounts(devices, |device| device.physical_function == Some(address)),
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

fn allocation(pod: &HeldByPod, devices: &Devices) -> PodAllocation {
    let containers = pod.containers.iter().map(|container| ContainerAllocation {
        name: container.name.clone(),
        devices: {
            let held = container.devices.iter();
            let held = held.map(|place| (*place, devices.facts(*place)));
            Groups::of(devices, held).iter().collect()
        },
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
struct Groups<'a> {
    devices: &'a Devices,
    groups: BTreeMap<Alike<'a>, Vec<Place>>,
}

type Alike<'a> = (&'a str, &'a ZoneIds, Option<&'a PciAddress>);

impl<'a> Groups<'a> {
    fn of(devices: &'a Devices, meant: impl Iterator<Item = (Place, Facts<'a>)>) -> Self {
        let mut groups: BTreeMap<Alike<'a>, Vec<Place>> = BTreeMap::new();
        for (place, device) in meant {
            let alike = (device.resource, device.zones, device.physical_function);
            groups.entry(alike).or_default().push(place);
        }
        for places in groups.values_mut() {
            places.sort_unstable_by_key(|place| devices.facts(*place).id);
        }
        Self { devices, groups }
    }

    fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    fn iter(&self) -> impl Iterator<Item = DeviceGroup> {
        let groups = self.groups.iter();
        groups.map(|((resource, zones, physical_function), places)| {
            let ids = places.iter();
            DeviceGroup {
                resource: (*resource).to_owned(),
                zones: zones.iter().copied().collect(),
                physical_function: physical_function.map(ToString::to_string),
                ids: ids
                    .map(|place| self.devices.facts(*place).id.to_owned())
                    .collect(),
            }
        })
    }
}

impl Serialize for Groups<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

#[cfg(test)]
#[path = "snapshot_tests.rs"]
mod tests;
