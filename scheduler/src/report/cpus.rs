//! The CPUs that the kubelet of a NodeInventory hands out exclusively.

use std::collections::{BTreeMap, BTreeSet};

use api::{
    cpu_list,
    node_inventory::{Inventory, Zone},
};

use super::{
    numbering::Numbering,
    sum::{Of, Sum},
};
use crate::zones::ZoneMask;

/// Exclusive CPUs by zone. None where the kubelet's CPU manager is not static: it aligns no CPUs then.
#[derive(Debug, Default)]
pub(super) struct Exclusive {
    zones: Vec<OfZone>,
    /// The place of each CPU in `zones`.
    owners: BTreeMap<u32, usize>,
    taken: BTreeSet<u32>,
    /// Somebody holds nobody knows which.
    is_unclear: bool,
}

#[derive(Debug)]
struct OfZone {
    mask: ZoneMask,
    /// What is available at most, by the zone's own sum.
    told: Option<u64>,
    is_contradictory: bool,
    /// All of its CPUs, with those that are never handed out.
    all: usize,
}

impl Exclusive {
    /// Reads the lists.
    pub(super) fn read(
        inventory: &Inventory,
        numbering: &Numbering,
        contradictory: &BTreeSet<u32>,
        faults: &mut Vec<String>,
    ) -> Self {
        let mut exclusive = Self::default();
        if inventory
            .zones
            .iter()
            .all(|zone| zone.exclusive_cpus.is_empty())
        {
            return exclusive;
        }
        let mut twice = BTreeSet::new();
        for zone in &inventory.zones {
            let Some(mask) = numbering.mask(zone.id) else {
                continue;
            };
            if exclusive.zones.iter().any(|known| known.mask == mask) {
                continue;
            }
            let at = exclusive.zones.len();
            let cpus = cpu_list::parse(&zone.exclusive_cpus);
            exclusive.zones.push(OfZone {
                mask,
                all: cpu_list::parse(&zone.cpus).map_or(0, |cpus| cpus.len()),
                told: told(zone),
                is_contradictory: contradictory.contains(&zone.id) || cpus.is_none(),
            });
            let Some(cpus) = cpus else {
                let (id, list) = (zone.id, &zone.exclusive_cpus);
                faults.push(format!("exclusiveCPUs of zone {id}: {list:?} is no list of CPUs; none is taken to be free"));
                continue;
            };
            twice.extend(
                cpus.into_iter()
                    .filter(|cpu| exclusive.owners.insert(*cpu, at).is_some()),
            );
        }
        for cpu in twice {
            faults.push(format!("CPU {cpu} is in two zones; it is left out"));
            exclusive.owners.remove(&cpu);
        }
        exclusive
    }

    /// Notes the CPUs that a container holds, and tells them to `hold` by zone.
    pub(super) fn hold(
        &mut self,
        pod: &str,
        list: &str,
        faults: &mut Vec<String>,
        hold: &mut impl FnMut(&str, ZoneMask, Option<u16>, i64),
    ) {
        if self.zones.is_empty() {
            return;
        }
        let Some(cpus) = cpu_list::parse(list) else {
            faults.push(format!("pod {pod:?} holds the CPUs {list:?}, which is no list of CPUs; none is taken to be free"));
            self.is_unclear = true;
            return;
        };
        let mut by_zone: BTreeMap<usize, i64> = BTreeMap::new();
        for cpu in cpus {
            // A CPU that is not handed out any more takes nothing from those that are.
            if let Some(zone) = self.owners.get(&cpu) {
                *by_zone.entry(*zone).or_default() += 1000;
                self.taken.insert(cpu);
            }
        }
        for (zone, amount) in by_zone {
            hold("cpu", self.zones[zone].mask, None, amount);
        }
    }

    /// Adds them all.
    pub(super) fn count(&self, sum: &mut Sum<'_>) {
        for (at, zone) in self.zones.iter().enumerate() {
            let of_zone = || self.owners.iter().filter(|(_, owner)| **owner == at);
            let count = |number: usize| i64::try_from(number).unwrap_or(0);
            let all = count(of_zone().count());
            let free = count(
                of_zone()
                    .filter(|(cpu, _)| !self.taken.contains(cpu))
                    .count(),
            );
            let told = zone
                .told
                .map_or(i64::MAX, |told| i64::try_from(told).unwrap_or(i64::MAX));
            let free = if zone.is_contradictory || self.is_unclear {
                0
            } else {
                free.min(told)
            };
            let of = Of {
                capacity: count(zone.all).max(all) * 1000,
                allocatable: all * 1000,
                available: free * 1000,
            };
            sum.add("cpu", zone.mask, None, of);
        }
    }
}

fn told(zone: &Zone) -> Option<u64> {
    let cpu = zone.resources.iter().find(|amount| amount.name == "cpu")?;
    Some(cpu.available)
}
