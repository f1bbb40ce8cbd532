//! The kubelet's admission as its sources have it (`pkg/kubelet/cm` of Kubernetes 1.36), device by device and with the
//! whole cross product of hints: slow, and without any of the thoughts of the code it judges.

use api::topology_manager::{Policy, Scope};

use super::fixture::{CPU, MEMORY, PAGES};
use crate::{
    need::Role,
    node::{Cell, Node, Stock},
    resource::{ResourceId, Resources},
    zones::ZoneMask,
};

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

const MEMORY_KINDS: [&str; 2] = [MEMORY, PAGES];

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

    fn allocate(&mut self, asked: &Asked, hint: Option<u32>) -> Option<()> {
        for at in 0..self.pieces.len() {
            self.allocate_pieces(at, asked.pieces[at], asked.role, hint)?;
        }
        match asked.memory {
            Some(request) => self.allocate_memory(request, asked.role, hint),
            None => Some(()),
        }
    }

    fn allocate_pieces(
        &mut self,
        at: usize,
        request: i64,
        role: Role,
        hint: Option<u32>,
    ) -> Option<()> {
        let turn = self.turn;
        let pieces = &mut self.pieces[at];
        let mut got: Vec<usize> = Vec::new();
        let is_near = |id: &usize| pieces.all[*id].0 & hint.unwrap_or(0) != 0;
        let count = pieces.all.len();
        let free = |id: &usize| pieces.all[*id].1 == State::Free;
        let in_turn = || (0..count).map(|id| (id + turn) % count);
        let is_free_near = |id: &usize| free(id) && (hint.is_none() || is_near(id));
        let is_zoned = |id: &usize| pieces.all[*id].0 != 0;
        let order = in_turn()
            .filter(|id| pieces.reusable.contains(id))
            .chain(in_turn().filter(is_free_near))
            .chain(in_turn().filter(|id| free(id) && !is_free_near(id) && is_zoned(id)))
            .chain(in_turn().filter(|id| free(id) && !is_free_near(id) && !is_zoned(id)));
        got.extend(order.take(usize::try_from(request).unwrap()));
        if (got.len() as i64) < request {
            return None;
        }
        for id in &got {
            pieces.all[*id].1 = State::Taken;
        }
        match role {
            Role::Init => {
                pieces.reusable.extend(&got);
                pieces.reusable.sort_unstable();
                pieces.reusable.dedup();
            }
            Role::Sidecar | Role::App => pieces.reusable.retain(|id| !got.contains(id)),
        }
        Some(())
    }

    fn allocate_memory(&mut self, request: [i64; 2], role: Role, hint: Option<u32>) -> Option<()> {
        let best = |found: Vec<(u32, bool)>| {
            found
                .into_iter()
                .min_by_key(|(mask, preferred)| (!preferred, mask.count_ones(), *mask))
        };
        let mut mask = match hint {
            Some(mask) => mask,
            None => best(self.memory_masks(request))?.0,
        };
        let is_short = |kind: usize| {
            let free = indexes(mask).map(|zone| self.memory[kind][zone].free);
            free.sum::<i64>() < request[kind]
        };
        if (0..2).any(is_short) {
            let mut found = self.memory_masks(request);
            found.retain(|(larger, _)| larger & mask == mask);
            let (larger, is_preferred) = best(found)?;
            // Under the policies that look at it, the hint that is extended was preferred.
            let strict = matches!(self.policy, Policy::Restricted | Policy::SingleNumaNode);
            if strict && !is_preferred {
                return None;
            }
            mask = larger;
        }
        let is_violated = |zone: usize| {
            mask.count_ones() > 1
                && self.assignments[zone] > 0
                && (self.groups[zone].count_ones() == 1 || self.groups[zone] != mask)
        };
        if indexes(mask).any(is_violated) {
            return None;
        }
        for kind in 0..2 {
            let size = request[kind];
            if size == 0 {
                continue;
            }
            let reusable = self.reusable(kind, mask);
            let mut rest = (size - reusable).max(0);
            for zone in indexes(mask) {
                self.assignments[zone] += 1;
                self.groups[zone] = mask;
                let table = &mut self.memory[kind][zone];
                let share = rest.min(table.free);
                table.free -= share;
                rest -= share;
            }
            let left = match role {
                Role::Init => reusable.max(size),
                Role::Sidecar | Role::App => (reusable - size).max(0),
            };
            self.reusable
                .retain(|(of, zones, _)| (*of, *zones) != (kind, mask));
            self.reusable.push((kind, mask, left));
        }
        Some(())
    }

    fn reusable(&self, kind: usize, mask: u32) -> i64 {
        let mut entries = self.reusable.iter();
        entries
            .find(|(of, zones, _)| (*of, *zones) == (kind, mask))
            .map_or(0, |(_, _, amount)| *amount)
    }

    /// The node as it would be reported.
    pub(super) fn node(&self) -> (Node, Resources) {
        let mut resources = Resources::default();
        let mut stocks = Vec::new();
        for pieces in self.pieces.iter().filter(|pieces| !pieces.all.is_empty()) {
            let unit = if pieces.name == CPU { 1_000 } else { 1 };
            let mut near: Vec<u32> = pieces.all.iter().map(|(zones, _)| *zones).collect();
            near.sort_unstable();
            near.dedup();
            let amounts = near.into_iter().map(|zones| {
                let alike = || pieces.all.iter().filter(|piece| piece.0 == zones);
                let allowed = alike().filter(|piece| piece.1 != State::Barred).count();
                let free = alike().filter(|piece| piece.1 == State::Free).count();
                let numbers = [alike().count(), allowed, free];
                (
                    zones,
                    numbers.map(|number| i64::try_from(number).unwrap() * unit),
                )
            });
            let amounts: Vec<_> = amounts.collect();
            stocks.push((resources.intern(pieces.name).unwrap(), amounts));
        }
        for (name, tables) in MEMORY_KINDS.iter().zip(&self.memory) {
            let amounts = tables.iter().enumerate().map(|(zone, table)| {
                (
                    1 << zone,
                    [table.allocatable, table.allocatable, table.free],
                )
            });
            stocks.push((resources.intern(name).unwrap(), amounts.collect()));
        }
        stocks.sort_by_key(|(id, _)| *id);
        let mut node = Node {
            policy: self.policy,
            scope: self.scope,
            zones: (0..u32::try_from(self.zones).unwrap()).collect(),
            has_only_zoned_natives: true,
            ..Node::default()
        };
        let mut cells = Vec::new();
        let mut capacities = Vec::new();
        let mut built: Vec<Stock> = Vec::new();
        for (resource, amounts) in stocks {
            let total = |at: usize| amounts.iter().map(|(_, numbers)| numbers[at]).sum();
            let start = u16::try_from(cells.len()).unwrap();
            for (zones, [capacity, allocatable, free]) in &amounts {
                if *zones != 0 {
                    capacities.push(*capacity);
                    cells.push(Cell {
                        zones: ZoneMask(u64::from(*zones)),
                        allocatable: *allocatable,
                        free: *free,
                    });
                }
            }
            built.push(Stock {
                resource,
                cells: start..u16::try_from(cells.len()).unwrap(),
                allocatable: total(1),
                free: total(2),
            });
        }
        node.stocks = built.into();
        node.cells = cells.into();
        node.capacities = capacities.into();
        node.memory_groups = self
            .groups
            .iter()
            .filter(|group| group.count_ones() > 1)
            .map(|group| ZoneMask(u64::from(*group)))
            .collect();
        (node, resources)
    }

    /// What is free of a cell of [`Machine::node`].
    pub(super) fn free(&self, resources: &Resources, resource: ResourceId, zones: ZoneMask) -> i64 {
        let name = resources.name(resource);
        if let Some(kind) = MEMORY_KINDS.iter().position(|kind| *kind == name) {
            let zone = zones.0.trailing_zeros() as usize;
            return self.memory[kind][zone].free;
        }
        let unit = if name == CPU { 1_000 } else { 1 };
        let pieces = self
            .pieces
            .iter()
            .find(|pieces| pieces.name == name)
            .unwrap();
        let alike = pieces
            .all
            .iter()
            .filter(|(near, state)| u64::from(*near) == zones.0 && *state == State::Free);
        i64::try_from(alike.count()).unwrap() * unit
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
