//! What the kubelet's managers hand out when a container is admitted.

use api::topology_manager::Policy;

use super::{Asked, Machine, State, indexes};
use crate::need::Role;

impl Machine {
    pub(super) fn allocate(&mut self, asked: &Asked, hint: Option<u32>) -> Option<()> {
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
        for (kind, size) in request.into_iter().enumerate() {
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

    pub(super) fn reusable(&self, kind: usize, mask: u32) -> i64 {
        let mut entries = self.reusable.iter();
        entries
            .find(|(of, zones, _)| (*of, *zones) == (kind, mask))
            .map_or(0, |(_, _, amount)| *amount)
    }
}
