//! The kubelet's admission as its sources have it (`pkg/kubelet/cm` of Kubernetes 1.36), device by device and with the
//! whole cross product of hints: slow, and without any of the thoughts of the code it judges.

mod allocation;
mod report;

use api::topology_manager::{Policy, Scope};

use super::fixture::CPU;
use crate::need::Role;

/// A CPU or a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Free,
    Taken,
    /// Reserved or unhealthy: there, and nobody gets it.
    Barred,
}

/// A kind of memory in a zone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table {
    pub(super) allocatable: i64,
    pub(super) free: i64,
}

/// CPUs or devices of one resource, each with the zones it is near to.
#[derive(Clone, Debug)]
pub(super) struct Pieces {
    pub(super) name: &'static str,
    pub(super) all: Vec<(u32, State)>,
    /// Those of ordinary init containers of the pod.
    pub(super) reusable: Vec<usize>,
}

#[derive(Clone, Debug)]
pub(super) struct Machine {
    pub(super) policy: Policy,
    pub(super) scope: Scope,
    pub(super) zones: usize,
    pub(super) pieces: Vec<Pieces>,
    /// By kind (memory, huge pages) and zone.
    pub(super) memory: [Vec<Table>; 2],
    /// By zone: how often memory was pinned there, and with which zones together.
    pub(super) assignments: Vec<usize>,
    pub(super) groups: Vec<u32>,
    /// Memory of ordinary init containers of the pod: kind, zones, amount.
    pub(super) reusable: Vec<(usize, u32, i64)>,
    /// Where the kubelet begins to take pieces: it takes them out of a map.
    pub(super) turn: usize,
}

/// What a container asks for: pieces by resource, memory by kind. Nothing of memory unless the pod is guaranteed.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) role: Role,
    pub(super) pieces: Vec<i64>,
    pub(super) memory: Option<[i64; 2]>,
}

/// Zones, or no matter which; and whether it is preferred.
type Hint = (Option<u32>, bool);

impl Machine {
    /// Admits a pod, or not: the hints of its containers.
    pub(super) fn admit(&mut self, pod: &[Asked]) -> Option<Vec<Option<u32>>> {
        let whole = match (self.policy, self.scope) {
            (Policy::None, _) => Some(None),
            (_, Scope::Container) => None,
            (_, Scope::Pod) => Some(self.merge(self.pod_hints(pod))?),
        };
        let mut chosen = Vec::new();
        for asked in pod {
            let hint = match whole {
                Some(hint) => hint,
                None => self.merge(self.container_hints(asked))?,
            };
            chosen.push(hint);
            self.allocate(asked, hint)?;
        }
        Some(chosen)
    }

    fn everywhere(&self) -> u32 {
        (1 << self.zones) - 1
    }

    fn container_hints(&self, asked: &Asked) -> Vec<Vec<Hint>> {
        let mut hints = Vec::new();
        for (at, amount) in asked.pieces.iter().enumerate() {
            hints.extend(self.piece_hints(at, *amount, true));
        }
        hints.extend(self.memory_hints(asked.memory, true));
        hints
    }

    fn pod_hints(&self, pod: &[Asked]) -> Vec<Vec<Hint>> {
        let mut hints = Vec::new();
        for at in 0..self.pieces.len() {
            let amount = sum(pod.iter().map(|asked| (asked.role, asked.pieces[at])));
            hints.extend(self.piece_hints(at, amount, false));
        }
        let guaranteed = pod.iter().all(|asked| asked.memory.is_some());
        let memory = [0, 1].map(|kind| {
            let of = |asked: &Asked| asked.memory.map_or(0, |memory| memory[kind]);
            let by_app = pod
                .iter()
                .any(|asked| asked.role == Role::App && of(asked) > 0);
            match by_app {
                true => sum(pod.iter().map(|asked| (asked.role, of(asked)))),
                false => 0,
            }
        });
        hints.extend(self.memory_hints(guaranteed.then_some(memory), false));
        hints
    }

    fn piece_hints(&self, at: usize, request: i64, with_reusable: bool) -> Option<Vec<Hint>> {
        let pieces = &self.pieces[at];
        let domain = pieces.all.iter().fold(0, |zones, (near, _)| zones | near);
        if request == 0 || domain == 0 && pieces.name != CPU {
            return None;
        }
        let reusable: &[usize] = if with_reusable { &pieces.reusable } else { &[] };
        let mut least = domain.count_ones();
        let mut hints = Vec::new();
        for mask in masks(domain) {
            let near = |piece: &(u32, State)| piece.0 & mask != 0;
            let there = pieces.all.iter().filter(|piece| near(piece)).count();
            if there as i64 >= request {
                least = least.min(mask.count_ones());
            }
            let with_zones = reusable.iter().filter(|id| pieces.all[**id].0 != 0);
            let mut matching = 0;
            let mut is_covered = true;
            for id in with_zones {
                is_covered &= near(&pieces.all[*id]);
                matching += 1;
            }
            let free = pieces.all.iter().filter(|piece| piece.1 == State::Free);
            matching += free.filter(|piece| near(piece)).count();
            if is_covered && matching as i64 >= request {
                hints.push(mask);
            }
        }
        let rated = hints
            .into_iter()
            .map(|mask| (Some(mask), mask.count_ones() == least));
        Some(rated.collect())
    }

    fn memory_masks(&self, request: [i64; 2]) -> Vec<(u32, bool)> {
        let mut least = u32::try_from(self.zones).unwrap();
        let mut found = Vec::new();
        for mask in masks(self.everywhere()) {
            let total = |kind: usize, of: fn(&Table) -> i64| -> i64 {
                indexes(mask).map(|zone| of(&self.memory[kind][zone])).sum()
            };
            if (0..2).any(|kind| total(kind, |table| table.allocatable) < request[kind]) {
                continue;
            }
            least = least.min(mask.count_ones());
            let is_single = mask.count_ones() == 1;
            let zone = mask.trailing_zeros() as usize;
            if is_single && self.groups[zone].count_ones() > 1 {
                continue;
            }
            let is_other = |zone: usize| {
                self.assignments[zone] > 0
                    && (self.groups[zone].count_ones() == 1 || self.groups[zone] != mask)
            };
            if !is_single && indexes(mask).any(is_other) {
                continue;
            }
            let is_short = |kind: usize| {
                total(kind, |table| table.free) + self.reusable(kind, mask) < request[kind]
            };
            if !(0..2).any(is_short) {
                found.push(mask);
            }
        }
        let rated = found
            .into_iter()
            .map(|mask| (mask, mask.count_ones() == least));
        rated.collect()
    }

    fn memory_hints(&self, request: Option<[i64; 2]>, with_reusable: bool) -> Vec<Vec<Hint>> {
        let Some(request) = request else {
            return Vec::new();
        };
        assert!(with_reusable || self.reusable.is_empty());
        let hints: Vec<Hint> = self
            .memory_masks(request)
            .into_iter()
            .map(|(mask, is_preferred)| (Some(mask), is_preferred))
            .collect();
        let requested = request.iter().filter(|amount| **amount > 0);
        requested.map(|_| hints.clone()).collect()
    }

    /// The best hint and whether the policy admits it.
    fn merge(&self, mut hints: Vec<Vec<Hint>>) -> Option<Option<u32>> {
        for resource in hints.iter_mut().filter(|resource| resource.is_empty()) {
            resource.push((None, false));
        }
        hints.push(vec![(None, true)]);
        if self.policy == Policy::SingleNumaNode {
            for resource in &mut hints {
                resource.retain(|(zones, is_preferred)| {
                    *is_preferred && zones.is_none_or(|zones| zones.count_ones() == 1)
                });
            }
        }
        let narrowest = |resource: &Vec<Hint>| {
            let zones = resource.iter().filter_map(|(zones, _)| *zones);
            zones.map(u32::count_ones).min().unwrap_or(0)
        };
        let most_needed = hints.iter().map(narrowest).max().unwrap_or(0);
        let mut best: Option<(u32, bool)> = None;
        let mut at = vec![0; hints.len()];
        'permutations: while hints.iter().all(|resource| !resource.is_empty()) {
            let permutation = at.iter().zip(&hints).map(|(at, resource)| resource[*at]);
            let mut merged = self.everywhere();
            let mut is_preferred = true;
            let mut first = None;
            for (zones, preferred) in permutation {
                if let Some(zones) = zones {
                    is_preferred &= *first.get_or_insert(zones) == zones;
                    merged &= zones;
                }
                is_preferred &= preferred;
            }
            if merged != 0 {
                let candidate = (merged, is_preferred);
                best = Some(match best {
                    None => candidate,
                    Some(current) => better(current, candidate, most_needed),
                });
            }
            for (at, resource) in at.iter_mut().zip(&hints) {
                *at += 1;
                if *at < resource.len() {
                    continue 'permutations;
                }
                *at = 0;
            }
            break;
        }
        let (zones, is_preferred) = best.unwrap_or((self.everywhere(), false));
        (self.policy == Policy::BestEffort || is_preferred).then_some(Some(zones))
    }
}

fn better(current: (u32, bool), candidate: (u32, bool), most_needed: u32) -> (u32, bool) {
    let narrower =
        |a: (u32, bool), b: (u32, bool)| match (a.0.count_ones(), a.0) < (b.0.count_ones(), b.0) {
            true => a,
            false => b,
        };
    if current.1 != candidate.1 {
        return if current.1 { current } else { candidate };
    }
    if current.1 {
        return narrower(current, candidate);
    }
    let (now, then) = (current.0.count_ones(), candidate.0.count_ones());
    if now > most_needed {
        narrower(current, candidate)
    } else if now == most_needed {
        match then == most_needed {
            true => narrower(current, candidate),
            false => current,
        }
    } else if then > most_needed {
        current
    } else if then == most_needed || then > now {
        candidate
    } else if then < now {
        current
    } else {
        narrower(current, candidate)
    }
}

/// App containers and sidecars together, or an init container and the sidecars before it.
fn sum(amounts: impl Iterator<Item = (Role, i64)>) -> i64 {
    let (mut running, mut highest) = (0, 0);
    for (role, amount) in amounts {
        match role {
            Role::Init => highest = (running + amount).max(highest),
            Role::Sidecar | Role::App => running += amount,
        }
    }
    running.max(highest)
}

/// All sets of some of these zones, the small ones first.
fn masks(domain: u32) -> Vec<u32> {
    let mut masks: Vec<u32> = (1..=domain).filter(|mask| mask & domain == *mask).collect();
    masks.sort_by_key(|mask| (mask.count_ones(), *mask));
    masks
}

fn indexes(mask: u32) -> impl Iterator<Item = usize> {
    (0..32).filter(move |zone| mask & (1 << zone) != 0)
}
