//! What a node's devices look like, per NUMA zone and physical function.

use std::collections::{BTreeMap, BTreeSet};

use spec::device::{DeviceId, ResourceName};

/// The devices of a node, as its device-bridge reported them last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// When the report was made: reports are compared by this alone, never by clocks.
    pub sequence: Sequence,
    /// Every healthy device, allocated or not.
    pub devices: BTreeMap<DeviceId, DeviceFacts>,
    /// Who holds what, by pod UID: so that "does this report know of that pod" has an exact answer.
    pub allocations: BTreeMap<String, BTreeSet<DeviceId>>,
}

/// The place of a report among all reports of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence {
    /// Grows with every start of the node's device-bridge.
    pub epoch: u64,
    /// Grows with every report within an epoch.
    pub number: u64,
}

/// A device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceFacts {
    /// The resource it is handed out for.
    pub resource: ResourceName,
    /// Its NUMA zones; empty when it has no affinity.
    pub zones: BTreeSet<u32>,
    /// The physical function behind a virtual one, by its device id.
    pub physical_function: Option<DeviceId>,
}

impl Inventory {
    /// How many devices of `resource` nobody holds.
    #[must_use]
    pub fn free(&self, resource: &ResourceName) -> usize {
        let held: BTreeSet<&DeviceId> = self.allocations.values().flatten().collect();
        self.devices
            .iter()
            .filter(|(id, facts)| facts.resource == *resource && !held.contains(id))
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn held_devices_are_not_free() {
        let resource: ResourceName = "intel.com/sriov".parse().unwrap();
        let facts = DeviceFacts {
            resource: resource.clone(),
            zones: [0].into(),
            physical_function: None,
        };
        let id = |text: &str| -> DeviceId { text.parse().unwrap() };
        let inventory = Inventory {
            devices: [
                (id("0000:03:02.1"), facts.clone()),
                (id("0000:03:02.2"), facts),
            ]
            .into(),
            allocations: [("uid".to_owned(), [id("0000:03:02.1")].into())].into(),
            sequence: Sequence {
                epoch: 1,
                number: 2,
            },
        };
        assert_eq!(inventory.free(&resource), 1);
        assert_eq!(inventory.free(&"intel.com/other".parse().unwrap()), 0);
        assert!(
            Sequence {
                epoch: 2,
                number: 0
            } > inventory.sequence
        );
    }
}
