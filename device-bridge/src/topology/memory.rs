//! Memory by zone: how much there is, how much the kubelet hands out, how much is free.

use std::collections::BTreeMap;

use api::node_inventory::{Amount, MemoryBlock};

use crate::sysfs::numa::Zones;

/// Amounts by zone and resource, in bytes.
pub(super) type ByZone = BTreeMap<u32, BTreeMap<String, Amount>>;

/// What each zone has. `allocatable` are the kubelet's blocks, of which there are none unless its memory manager is
/// static; then everything is allocatable, as nothing is pinned to a zone.
pub(super) fn amounts(zones: &Zones, allocatable: &[MemoryBlock], held: &[&MemoryBlock]) -> ByZone {
    let mut amounts = capacity(zones);
    let is_static = !allocatable.is_empty();
    if is_static {
        for amount in amounts.values_mut().flat_map(BTreeMap::values_mut) {
            amount.allocatable = 0;
        }
        for block in allocatable {
            give(&mut amounts, block);
        }
    }
    for amount in amounts.values_mut().flat_map(BTreeMap::values_mut) {
        amount.capacity = amount.capacity.max(amount.allocatable);
        amount.available = amount.allocatable;
    }
    // What is in one zone for certain is taken first. The rest goes as the kubelet's memory manager takes it: from the
    // lowest zone what it has, then from the next.
    let (single, several): (Vec<&MemoryBlock>, Vec<&MemoryBlock>) = held
        .iter()
        .copied()
        .partition(|block| block.zones.len() == 1);
    for block in single.into_iter().chain(several) {
        let mut left = block.size;
        for zone in &block.zones {
            let of_zone = amounts
                .get_mut(zone)
                .and_then(|zone| zone.get_mut(&block.resource));
            if let Some(amount) = of_zone {
                let taken = amount.available.min(left);
                amount.available -= taken;
                left -= taken;
            }
        }
    }
    amounts
}

fn capacity(zones: &Zones) -> ByZone {
    zones
        .iter()
        .map(|(id, zone)| {
            let huge = zone.huge_pages.iter().map(|(size, count)| {
                let bytes = size.saturating_mul(*count);
                (huge_page_resource(*size), bytes)
            });
            let huge: Vec<(String, u64)> = huge.filter(|(_, bytes)| *bytes > 0).collect();
            let in_huge_pages: u64 = huge.iter().map(|(_, bytes)| bytes).sum();
            let memory = zone.memory.map(|memory| Amount {
                name: "memory".to_owned(),
                capacity: memory,
                allocatable: memory.saturating_sub(in_huge_pages),
                available: 0,
            });
            let huge = huge.into_iter().map(|(name, bytes)| Amount {
                name,
                capacity: bytes,
                allocatable: bytes,
                available: 0,
            });
            let of_zone = memory
                .into_iter()
                .chain(huge)
                .map(|amount| (amount.name.clone(), amount));
            (*id, of_zone.collect())
        })
        .collect()
}

/// Adds a block. One of several zones is spread from the lowest on, as far as each has room.
fn give(amounts: &mut ByZone, block: &MemoryBlock) {
    let mut left = block.size;
    let last = block.zones.last();
    for zone in &block.zones {
        let of_zone = amounts.entry(*zone).or_default();
        let amount = of_zone
            .entry(block.resource.clone())
            .or_insert_with(|| Amount {
                name: block.resource.clone(),
                ..Amount::default()
            });
        let room = amount.capacity.saturating_sub(amount.allocatable);
        let given = if Some(zone) == last {
            left
        } else {
            room.min(left)
        };
        amount.allocatable = amount.allocatable.saturating_add(given);
        left -= given;
    }
}

/// `hugepages-2Mi`: the size as apimachinery writes a quantity of bytes.
fn huge_page_resource(size: u64) -> String {
    let (mut number, mut unit) = (size, 0);
    let units = ["", "Ki", "Mi", "Gi", "Ti"];
    while number > 0 && number % 1024 == 0 && unit + 1 < units.len() {
        number /= 1024;
        unit += 1;
    }
    format!("hugepages-{number}{}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sysfs::numa::Zone;

    fn zones() -> Zones {
        let zone = Zone {
            memory: Some(100 << 20),
            huge_pages: [(2 << 20, 10), (1 << 30, 0)].into(),
            ..Zone::default()
        };
        [(0, zone.clone()), (1, zone)].into()
    }

    fn block(resource: &str, mib: u64, zones: &[u32]) -> MemoryBlock {
        MemoryBlock {
            resource: resource.to_owned(),
            size: mib << 20,
            zones: zones.to_vec(),
        }
    }

    fn mib(amounts: &ByZone, zone: u32, resource: &str) -> [u64; 3] {
        let amount = &amounts[&zone][resource];
        [amount.capacity, amount.allocatable, amount.available].map(|bytes| bytes >> 20)
    }

    #[test]
    fn without_a_memory_manager_all_of_it_is_there() {
        let amounts = amounts(&zones(), &[], &[]);
        assert_eq!(mib(&amounts, 0, "memory"), [100, 80, 80]);
        assert_eq!(mib(&amounts, 1, "hugepages-2Mi"), [20, 20, 20]);
        assert_eq!(amounts[&0].len(), 2);
    }

    #[test]
    fn what_is_pinned_is_taken_once() {
        let allocatable = [
            block("memory", 60, &[0]),
            block("memory", 70, &[1]),
            block("hugepages-2Mi", 20, &[1]),
        ];
        let held = [
            block("memory", 90, &[0, 1]),
            block("memory", 10, &[0]),
            block("hugepages-2Mi", 400, &[1]),
            block("memory", 1, &[7]),
        ];
        let amounts = amounts(&zones(), &allocatable, &held.each_ref());
        assert_eq!(mib(&amounts, 0, "memory"), [100, 60, 0]);
        assert_eq!(mib(&amounts, 1, "memory"), [100, 70, 30]);
        assert_eq!(mib(&amounts, 0, "hugepages-2Mi"), [20, 0, 0]);
        assert_eq!(mib(&amounts, 1, "hugepages-2Mi"), [20, 20, 0]);
    }

    #[test]
    fn a_block_of_several_zones_is_allocatable_once() {
        let amounts = amounts(&zones(), &[block("memory", 150, &[0, 1])], &[]);
        assert_eq!(mib(&amounts, 0, "memory"), [100, 100, 100]);
        assert_eq!(mib(&amounts, 1, "memory"), [100, 50, 50]);
    }

    #[test]
    fn names_of_huge_pages() {
        for (size, name) in [
            (2 << 20, "hugepages-2Mi"),
            (1 << 30, "hugepages-1Gi"),
            (64 << 10, "hugepages-64Ki"),
            (16 << 30, "hugepages-16Gi"),
        ] {
            assert_eq!(huge_page_resource(size), name);
        }
    }
}
