//! A node, laid out as decisions read it, from its report and its Node object.

use super::facts::{Facts, Part};
use crate::{
    node::{Cell, FunctionCell, Node, Stock},
    report::Source,
    resource::{Kind, ResourceId, Resources},
    zones::ZoneMask,
};

/// The node, with nothing deducted of what is reported. Of the rest, which has no zones, there is what
/// `status.allocatable` says without what `demanded` says that pods demand of it.
pub(super) fn layout(
    facts: Option<&Facts>,
    allocatable: &[(ResourceId, i64)],
    demanded: impl Fn(ResourceId) -> i64,
    resources: &Resources,
) -> Node {
    let mut node = facts
        .map(|facts| reported(facts, resources))
        .unwrap_or_default();
    let mut stocks = std::mem::take(&mut node.stocks).into_vec();
    for (resource, amount) in allocatable {
        let left = amount.saturating_sub(demanded(*resource));
        match stocks.iter_mut().find(|stock| stock.resource == *resource) {
            // Sums by zone count a device of several zones several times.
            Some(stock) => {
                let is_sum = facts.is_some_and(|facts| facts.source == Source::Topology);
                if is_sum && resources.kind(*resource) == Kind::Device {
                    stock.allocatable = stock.allocatable.min(*amount);
                    stock.free = stock.free.min(left);
                }
            }
            None => stocks.push(Stock {
                resource: *resource,
                cells: 0..0,
                allocatable: *amount,
                free: left,
            }),
        }
    }
    stocks.sort_unstable_by_key(|stock| stock.resource);
    node.stocks = stocks.into();
    node
}

fn reported(facts: &Facts, resources: &Resources) -> Node {
    let mut stocks: Vec<Stock> = Vec::new();
    let mut cells: Vec<Cell> = Vec::new();
    let mut capacities: Vec<i64> = Vec::new();
    let mut function_cells = Vec::new();
    for part in &facts.parts {
        if stocks
            .last()
            .is_none_or(|stock| stock.resource != part.resource)
        {
            let start = number(cells.len());
            stocks.push(Stock {
                resource: part.resource,
                cells: start..start,
                allocatable: 0,
                free: 0,
            });
        }
        if let Some(stock) = stocks.last_mut() {
            stock.allocatable = stock.allocatable.saturating_add(part.allocatable);
            stock.free = stock.free.saturating_add(part.available);
            if !part.zones.is_empty() {
                let start = usize::from(stock.cells.start);
                add(&mut cells, &mut capacities, start, part);
                stock.cells.end = number(cells.len());
            }
        }
        if let Some(function) = part.function {
            function_cells.push(FunctionCell {
                resource: part.resource,
                function,
                zones: part.zones,
                allocatable: part.allocatable,
                free: part.available,
            });
        }
    }
    let is_plain = |(cell, capacity): (&Cell, &i64)| *capacity <= cell.allocatable;
    if cells.iter().zip(&capacities).all(is_plain) {
        capacities.clear();
    }
    Node {
        policy: facts.policy,
        scope: facts.scope,
        zones: facts.zones.clone(),
        stocks: stocks.into(),
        cells: cells.into(),
        functions: facts
            .functions
            .iter()
            .map(|function| function.node)
            .collect(),
        function_cells: function_cells.into(),
        accelerator_roots: facts.accelerator_roots.clone(),
        distances: facts.distances.clone(),
        capacities: capacities.into(),
        memory_groups: memory_groups(facts, resources),
        has_only_zoned_natives: facts.source == Source::Topology,
        is_fuzzy: false,
    }
}

/// Parts come sorted by zones: those of the same zones behind different functions are one cell.
fn add(cells: &mut Vec<Cell>, capacities: &mut Vec<i64>, start: usize, part: &Part) {
    match (cells[start..].last_mut(), capacities.last_mut()) {
        (Some(cell), Some(capacity)) if cell.zones == part.zones => {
            cell.allocatable = cell.allocatable.saturating_add(part.allocatable);
            cell.free = cell.free.saturating_add(part.available);
            *capacity = capacity.saturating_add(part.capacity);
        }
        _ => {
            cells.push(Cell {
                zones: part.zones,
                allocatable: part.allocatable,
                free: part.available,
            });
            capacities.push(part.capacity);
        }
    }
}

/// The sets of zones in which somebody has memory of several together.
fn memory_groups(facts: &Facts, resources: &Resources) -> Vec<ZoneMask> {
    let held = facts.holders.iter().flat_map(|holder| &holder.held);
    let is_memory = |resource| matches!(resources.kind(resource), Kind::Memory | Kind::HugePages);
    let mut groups: Vec<ZoneMask> = held
        .filter(|held| held.zones.count() > 1 && is_memory(held.resource))
        .map(|held| held.zones)
        .collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

/// A report has no more parts than this can number.
fn number(place: usize) -> u16 {
    u16::try_from(place).unwrap_or(u16::MAX)
}
