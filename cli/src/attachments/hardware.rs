//! Where a device sits, by what its node reports.

use api::node_inventory::{DeviceGroup, Inventory};

/// Where a device sits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Hardware {
    /// The resource it was handed out for.
    pub(super) resource: Option<String>,
    /// The NUMA zones it is aligned with.
    pub(super) zones: Vec<u32>,
    /// The PCI address of the physical function.
    pub(super) function: Option<String>,
    /// That one's network interface.
    pub(super) interface: Option<String>,
}

/// Where a device of a pod sits. `told` is the physical function that its device information names.
pub(super) fn hardware(
    inventory: &Inventory,
    uid: &str,
    device: &str,
    told: Option<&str>,
) -> Hardware {
    let mine = inventory.allocations.iter();
    let mine = mine.filter(|pod| pod.pod_uid.as_deref() == Some(uid));
    let mine = mine.flat_map(|pod| &pod.containers);
    // What the pod holds says it also of a device that is not healthy.
    let groups = mine.flat_map(|container| &container.devices);
    let has_it = |group: &&DeviceGroup| group.ids.iter().any(|id| id == device);
    let group = groups.chain(&inventory.devices).find(has_it);
    let by_group = group.and_then(|group| group.physical_function.as_deref());
    // A plugin that takes whole functions is told of the function itself.
    let address = by_group.or(told).unwrap_or(device);
    let mut functions = inventory.physical_functions.iter();
    let function = functions.find(|function| function.address == address);
    let by_function = || function.and_then(|function| function.zone);
    let zones = match group.map(|group| group.zones.clone()) {
        Some(zones) if !zones.is_empty() => zones,
        _ => by_function().into_iter().collect(),
    };
    Hardware {
        resource: group.map(|group| group.resource.clone()),
        zones,
        function: function.map(|function| function.address.clone()),
        interface: function.and_then(|function| function.interface.clone()),
    }
}
