//! The kubelet's static CPU manager (kubelet `cpumanager/policy_static.go`, `cpu_assignment.go`), of a machine with one
//! thread a core and one socket a zone.

use std::collections::BTreeSet;

use super::{
    Kubelet, Rejection,
    hint::{Hint, Hints, masks},
};
use crate::simulator::pod::{Part, SimContainer, SimPod};

pub(super) type Cpus = BTreeSet<u32>;

/// The CPUs that a container gets for itself: whole ones, of Guaranteed pods.
pub(super) fn exclusive(pod: &SimPod, container: &SimContainer) -> usize {
    let thousandths = container.request("cpu");
    if pod.is_guaranteed() && thousandths.is_multiple_of(1000) {
        usize::try_from(thousandths / 1000).expect("small")
    } else {
        0
    }
}

/// The same of a whole pod.
pub(super) fn exclusive_of_pod(pod: &SimPod) -> usize {
    let all = pod.effective(|container| exclusive(pod, container) as u64);
    usize::try_from(all).expect("small")
}

impl Kubelet {
    /// Where CPUs could come from; nothing where none are handed out.
    pub(super) fn cpu_hints(&self, wanted: usize, reusable: &Cpus) -> Option<Hints> {
        if wanted == 0 || !self.machine.has_exclusive_cpus {
            return None;
        }
        let zones = &self.machine.zones;
        let count = |of: &dyn Fn(usize) -> usize, mask: u64| -> usize {
            let meant = (0..zones.len()).filter(|zone| mask & (1 << zone) != 0);
            meant.map(of).sum()
        };
        let reusable_zones = reusable
            .iter()
            .fold(0, |all, cpu| all | (1 << self.machine.zone_of_cpu(*cpu)));
        let free = |zone: usize| {
            let cpus = zones[zone].cpus.iter();
            cpus.filter(|cpu| self.free_cpus.contains(cpu)).count()
        };
        let mut smallest = u32::try_from(zones.len()).expect("few");
        let mut hints = Hints::new();
        for mask in masks(self.machine.everywhere()) {
            // With the reserved ones.
            if count(&|zone| zones[zone].cpus.len(), mask) >= wanted {
                smallest = smallest.min(mask.count_ones());
            }
            if reusable_zones & !mask != 0 {
                continue;
            }
            if reusable.len() + count(&free, mask) >= wanted {
                hints.push(Hint {
                    zones: Some(mask),
                    is_preferred: false,
                });
            }
        }
        for hint in &mut hints {
            hint.is_preferred = hint.zones.map(u64::count_ones) == Some(smallest);
        }
        Some(hints)
    }

    /// Gives a container its CPUs.
    pub(super) fn allocate_cpus(
        &mut self,
        wanted: usize,
        affinity: Option<u64>,
        part: Part,
        reusable: &mut Cpus,
    ) -> Result<Cpus, Rejection> {
        if wanted == 0 || !self.machine.has_exclusive_cpus {
            return Ok(Cpus::new());
        }
        let allocatable: Cpus = self.free_cpus.union(reusable).copied().collect();
        let mut given = Cpus::new();
        if let Some(affinity) = affinity {
            let aligned: Cpus = allocatable
                .iter()
                .filter(|cpu| affinity & (1 << self.machine.zone_of_cpu(**cpu)) != 0)
                .copied()
                .collect();
            let count = wanted.min(aligned.len());
            given = self.take(&aligned, count);
        }
        let rest: Cpus = &allocatable - &given;
        if rest.len() < wanted - given.len() {
            return Err(Rejection::UnexpectedAdmission);
        }
        given.extend(self.take(&rest, wanted - given.len()));
        self.free_cpus.retain(|cpu| !given.contains(cpu));
        if part == Part::Init {
            reusable.extend(&given);
        } else {
            reusable.retain(|cpu| !given.contains(cpu));
        }
        Ok(given)
    }

    /// Whole zones first, where as many are wanted; then from the zone with the fewest, by number.
    fn take(&self, available: &Cpus, wanted: usize) -> Cpus {
        let mut taken = Cpus::new();
        let of_zone = |zone: usize, taken: &Cpus| -> Vec<u32> {
            let cpus = self.machine.zones[zone].cpus.iter();
            cpus.filter(|cpu| available.contains(cpu) && !taken.contains(cpu))
                .copied()
                .collect()
        };
        let by_size = |taken: &Cpus| -> Vec<Vec<u32>> {
            let zones = 0..self.machine.zones.len();
            let mut all: Vec<Vec<u32>> = zones.map(|zone| of_zone(zone, taken)).collect();
            all.sort_by_key(Vec::len);
            all
        };
        for cpus in by_size(&taken) {
            let is_whole = cpus
                .first()
                .is_some_and(|cpu| self.machine.zones[self.machine.zone_of_cpu(*cpu)].cpus == cpus);
            if is_whole && wanted - taken.len() >= cpus.len() {
                taken.extend(cpus);
            }
        }
        for cpus in by_size(&taken) {
            let missing = wanted - taken.len();
            taken.extend(cpus.into_iter().take(missing));
        }
        taken
    }
}
