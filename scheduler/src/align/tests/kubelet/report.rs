//! What a device-bridge would report of the machine.

use super::{Machine, State};
use crate::{
    align::tests::fixture::{CPU, MEMORY, PAGES},
    node::{Cell, Node, Stock},
    resource::{ResourceId, Resources},
    zones::ZoneMask,
};

const MEMORY_KINDS: [&str; 2] = [MEMORY, PAGES];

impl Machine {
    /// The node as it would be reported.
    pub(in super::super) fn node(&self) -> (Node, Resources) {
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
            has_only_zoned_natives: false,
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
    pub(in super::super) fn free(
        &self,
        resources: &Resources,
        resource: ResourceId,
        zones: ZoneMask,
    ) -> i64 {
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
