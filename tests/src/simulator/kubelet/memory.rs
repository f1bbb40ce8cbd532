//! The kubelet's static memory manager (kubelet `memorymanager/policy_static.go`).

use std::collections::BTreeMap;

use super::{
    Kubelet, Rejection,
    hint::{Hint, Hints, masks},
};
use crate::simulator::{
    machine::{HUGE_PAGES, Machine},
    pod::{Part, SimContainer, SimPod},
};

/// Memory and huge pages.
pub(super) const KINDS: [&str; 2] = ["memory", HUGE_PAGES];

/// Bytes of either.
pub(super) type Sizes = BTreeMap<&'static str, u64>;

/// Memory of finished init containers by zones and kind.
pub(super) type Reusable = BTreeMap<(u64, &'static str), u64>;

/// A zone's memory, in the order of [`KINDS`].
#[derive(Clone, Debug)]
pub(super) struct ZoneMemory {
    allocatable: [u64; 2],
    pub(super) free: [u64; 2],
    assignments: usize,
    /// The zones that it is in one group with.
    group: u64,
}

/// Memory that a container was given.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) kind: &'static str,
    pub(crate) zones: u64,
    pub(crate) size: u64,
}

pub(super) fn empty(machine: &Machine) -> Vec<ZoneMemory> {
    let zones = machine.zones.iter().enumerate();
    zones
        .map(|(at, zone)| ZoneMemory {
            allocatable: [zone.memory, zone.huge_pages],
            free: [zone.memory, zone.huge_pages],
            assignments: 0,
            group: 1 << at,
        })
        .collect()
}

pub(super) fn asked(container: &SimContainer) -> Sizes {
    let all = KINDS
        .iter()
        .filter_map(|kind| Some((*kind, *container.requests.get(kind)?)));
    all.collect()
}

pub(super) fn asked_by_pod(pod: &SimPod) -> Sizes {
    let apps = pod
        .containers
        .iter()
        .filter(|container| container.part == Part::App);
    let kinds = apps.flat_map(|container| asked(container).into_keys());
    kinds
        .map(|kind| (kind, pod.effective(|container| container.request(kind))))
        .collect()
}

fn zones_of(mask: u64) -> impl Iterator<Item = usize> {
    (0..64).filter(move |zone| mask & (1 << zone) != 0)
}

fn place(kind: &str) -> usize {
    usize::from(kind == HUGE_PAGES)
}

impl Kubelet {
    fn free_memory(&self, mask: u64, kind: &str) -> u64 {
        zones_of(mask)
            .map(|zone| self.memory[zone].free[place(kind)])
            .sum()
    }

    /// Where memory of all kinds could come from together. No hints mean no preference, as the kubelet has it: it then
    /// fails when it allocates.
    pub(super) fn memory_hints(&self, asked: &Sizes, reusable: &Reusable) -> Hints {
        let mut smallest = u32::try_from(self.memory.len()).expect("few");
        let mut hints = Hints::new();
        for mask in masks(self.machine.everywhere()) {
            let allocatable = |kind: &str| -> u64 {
                zones_of(mask)
                    .map(|zone| self.memory[zone].allocatable[place(kind)])
                    .sum()
            };
            if asked.iter().any(|(kind, size)| allocatable(kind) < *size) {
                continue;
            }
            smallest = smallest.min(mask.count_ones());
            if self.is_violating(mask) {
                continue;
            }
            let has = |(kind, size): (&&'static str, &u64)| {
                let again = reusable.get(&(mask, *kind)).copied().unwrap_or(0);
                self.free_memory(mask, kind) + again >= *size
            };
            if asked.iter().all(has) {
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

    /// A zone is used for itself or in one group, never both.
    fn is_violating(&self, mask: u64) -> bool {
        if mask.count_ones() == 1 {
            return zones_of(mask).any(|zone| self.memory[zone].group.count_ones() > 1);
        }
        zones_of(mask).any(|zone| {
            let memory = &self.memory[zone];
            memory.assignments > 0 && memory.group != mask
        })
    }

    /// Gives a container its memory.
    pub(super) fn allocate_memory(
        &mut self,
        asked: &Sizes,
        decided: Hint,
        part: Part,
        reusable: &mut Reusable,
    ) -> Result<Vec<Block>, Rejection> {
        let mut best = decided;
        if best.zones.is_none() {
            let own = best_of(self.memory_hints(asked, reusable))
                .ok_or(Rejection::UnexpectedAdmission)?;
            if !own.is_preferred && best.is_preferred {
                return Err(Rejection::UnexpectedAdmission);
            }
            best = own;
        }
        let within = best.zones.unwrap_or(0);
        if asked
            .iter()
            .any(|(kind, size)| self.free_memory(within, kind) < *size)
        {
            let mut wider = self.memory_hints(asked, reusable);
            wider.retain(|hint| hint.zones.is_some_and(|zones| zones & within == within));
            let wider = best_of(wider).ok_or(Rejection::UnexpectedAdmission)?;
            if !wider.is_preferred && best.is_preferred {
                return Err(Rejection::UnexpectedAdmission);
            }
            best = wider;
        }
        let mask = best.zones.unwrap_or(0);
        if mask.count_ones() > 1 && self.is_violating(mask) {
            return Err(Rejection::UnexpectedAdmission);
        }
        let mut blocks = Vec::new();
        for (kind, size) in asked {
            blocks.push(Block {
                kind,
                zones: mask,
                size: *size,
            });
            let again = reusable.get(&(mask, *kind)).copied().unwrap_or(0);
            self.hold(mask, kind, size.saturating_sub(again));
        }
        for block in &blocks {
            let again = reusable.entry((mask, block.kind)).or_default();
            *again = match part {
                Part::Init => (*again).max(block.size),
                Part::Sidecar | Part::App => again.saturating_sub(block.size),
            };
        }
        Ok(blocks)
    }

    fn hold(&mut self, mask: u64, kind: &str, mut size: u64) {
        for zone in zones_of(mask) {
            let memory = &mut self.memory[zone];
            memory.assignments += 1;
            memory.group = mask;
            let taken = size.min(memory.free[place(kind)]);
            memory.free[place(kind)] -= taken;
            size -= taken;
        }
    }

    /// Takes back what a container was given; of a block, what it did not take over from an init container.
    pub(super) fn release_memory(&mut self, block: &Block) {
        let mut size = block.size;
        for zone in zones_of(block.zones) {
            let memory = &mut self.memory[zone];
            memory.assignments -= 1;
            if memory.assignments == 0 {
                memory.group = 1 << zone;
            }
            let kind = place(block.kind);
            let held = memory.allocatable[kind] - memory.free[kind];
            let given_back = held.min(size);
            memory.free[kind] += given_back;
            size -= given_back;
        }
    }
}

/// Preferred, then narrow, then low.
fn best_of(hints: Hints) -> Option<Hint> {
    hints.into_iter().min_by_key(|hint| {
        let zones = hint.zones.unwrap_or(0);
        (!hint.is_preferred, zones.count_ones(), zones)
    })
}

impl Kubelet {
    /// What a zone has free of either.
    pub(crate) fn free_memory_of(&self, zone: usize) -> [(&'static str, u64); 2] {
        [0, 1].map(|kind| (KINDS[kind], self.memory[zone].free[kind]))
    }
}
