//! The kubelet's device manager (kubelet `devicemanager`).

use std::collections::BTreeMap;

use super::{
    Kubelet, Rejection,
    hint::{Hint, Hints, masks},
};
use crate::simulator::{
    machine::{Machine, RESOURCES},
    pod::{Amounts, Part},
    random::Random,
};

/// Devices of finished init containers by resource, for the containers after them.
pub(super) type Reusable = BTreeMap<&'static str, Vec<usize>>;

fn of<'a>(machine: &'a Machine, resource: &'a str) -> impl Iterator<Item = (usize, u64)> + 'a {
    let all = machine.devices.iter().enumerate();
    all.filter(move |(_, device)| device.resource == resource)
        .map(|(at, device)| (at, device.zones))
}

/// Of what it asks for, what device plugins hand out.
pub(super) fn asked(amounts: &Amounts) -> Vec<(&'static str, usize)> {
    RESOURCES
        .iter()
        .filter_map(|resource| {
            let count = usize::try_from(*amounts.get(resource)?).expect("small");
            (count > 0).then_some((*resource, count))
        })
        .collect()
}

impl Kubelet {
    fn available(&self, resource: &str) -> Vec<usize> {
        of(&self.machine, resource)
            .map(|(at, _)| at)
            .filter(|at| !self.held_devices[*at])
            .collect()
    }

    fn is_aligned(&self, resource: &str) -> bool {
        of(&self.machine, resource).any(|(_, zones)| zones != 0)
    }

    /// Where devices could come from; one answer for each resource.
    pub(super) fn device_hints(
        &self,
        asked: &[(&'static str, usize)],
        reusable: &Reusable,
    ) -> Vec<Option<Hints>> {
        let none = Vec::new();
        asked
            .iter()
            .map(|(resource, wanted)| {
                self.is_aligned(resource).then(|| {
                    let reusable = reusable.get(resource).unwrap_or(&none);
                    self.hints_of(resource, *wanted, reusable)
                })
            })
            .collect()
    }

    fn hints_of(&self, resource: &str, wanted: usize, reusable: &[usize]) -> Hints {
        let zones = |at: &usize| self.machine.devices[*at].zones;
        let available = self.available(resource);
        if available.len() + reusable.len() < wanted {
            return Hints::new();
        }
        let with_devices = of(&self.machine, resource).fold(0, |all, (_, zones)| all | zones);
        let mut smallest = with_devices.count_ones();
        let mut hints = Hints::new();
        for mask in masks(with_devices) {
            let there = of(&self.machine, resource)
                .filter(|(_, zones)| zones & mask != 0)
                .count();
            if there >= wanted {
                smallest = smallest.min(mask.count_ones());
            }
            let with_zones: Vec<usize> = reusable
                .iter()
                .filter(|at| zones(at) != 0)
                .copied()
                .collect();
            if with_zones.iter().any(|at| zones(at) & mask == 0) {
                continue;
            }
            let free = available.iter().filter(|at| zones(at) & mask != 0).count();
            if with_zones.len() + free >= wanted {
                hints.push(Hint {
                    zones: Some(mask),
                    is_preferred: false,
                });
            }
        }
        for hint in &mut hints {
            hint.is_preferred = hint.zones.map(u64::count_ones) == Some(smallest);
        }
        hints
    }

    /// Gives a container its devices: those that it may use again first, then any of the zones that were decided on, then
    /// any others.
    pub(super) fn allocate_devices(
        &mut self,
        asked: &[(&'static str, usize)],
        affinity: Option<u64>,
        part: Part,
        reusable: &mut Reusable,
        random: &mut Random,
        given: &mut Vec<usize>,
    ) -> Result<(), Rejection> {
        for (resource, wanted) in asked {
            let again = reusable.entry(resource).or_default();
            random.shuffle(again);
            let mut chosen: Vec<usize> = again.iter().copied().take(*wanted).collect();
            let missing = wanted - chosen.len();
            let mut available = self.available(resource);
            if available.len() < missing {
                return Err(Rejection::UnexpectedAdmission);
            }
            random.shuffle(&mut available);
            if let Some(affinity) = affinity.filter(|_| self.is_aligned(resource)) {
                // Stable: among the aligned, and among those elsewhere, chance decides.
                available.sort_by_key(|at| match self.machine.devices[*at].zones {
                    0 => 2,
                    zones => u8::from(zones & affinity == 0),
                });
            }
            chosen.extend(available.into_iter().take(missing));
            for at in &chosen {
                self.held_devices[*at] = true;
            }
            let again = reusable.entry(resource).or_default();
            again.retain(|at| !chosen.contains(at));
            if part == Part::Init {
                again.extend(&chosen);
            }
            given.extend(chosen);
        }
        Ok(())
    }
}
