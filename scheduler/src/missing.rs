//! What would have to change on a node for a pod to fit there.

use api::topology_manager::{Policy, Scope};

use crate::{
    align::{Scratch, align},
    need::Need,
    node::{Cell, Node, Stock},
    resource::ResourceId,
    zones::ZoneMask,
};

/// So much more of some resources, in one of several places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The sets of zones in any one of which it would do; empty where it does not matter where.
    pub zones: Vec<ZoneMask>,
    /// What is missing there, sorted by resource.
    pub more: Vec<(ResourceId, i64)>,
    /// Whether the pod fits once that is there. Otherwise something else is missing then.
    pub is_enough: bool,
    /// Whether all of it could be there if others left: it is no more than what the zones have in all.
    pub can_be_freed: bool,
}

/// So many places are told of that lack different things; those first that lack the least.
const MOST: usize = 3;

/// Combinations of zones are tried out on nodes with no more than this; the kubelet itself takes no more by default.
const MOST_ZONES: usize = 8;

/// What is missing of a node for a pod that its kubelet would refuse, nearest first. Nothing where it would not refuse it,
/// and where no amount would help.
#[must_use]
pub fn missing(node: &Node, need: &Need) -> Vec<Missing> {
    let mut scratch = Scratch::default();
    if align(node, need, &mut scratch).is_ok() {
        return Vec::new();
    }
    let lacking = match node.policy {
        Policy::None | Policy::BestEffort => None,
        Policy::Restricted | Policy::SingleNumaNode => first_unfit(node, need, &mut scratch),
    };
    let found = match lacking {
        Some((aligned, free)) => by_zones(node, need, aligned, free),
        None => short(node, need).into_iter().collect(),
    };
    let with_more = |mut one: Missing| {
        let grown = grown(node, &one);
        one.is_enough = align(&grown, need, &mut scratch).is_ok();
        one
    };
    found.into_iter().map(with_more).collect()
}

/// Whether the kubelet would take the pod if it insisted on nothing.
#[must_use]
pub fn fits_unaligned(node: &Node, need: &Need) -> bool {
    let lenient = Node {
        policy: Policy::BestEffort,
        ..node.clone()
    };
    align(&lenient, need, &mut Scratch::default()).is_ok()
}

/// What is short on the node as a whole: of devices, and of what else is handed out by the piece there.
fn short(node: &Node, need: &Need) -> Option<Missing> {
    let (mut more, mut can_be_freed) = (Vec::new(), true);
    let is_pinned = |(resource, _): &&(ResourceId, i64)| {
        let stock = node.stock(*resource);
        whole(need, *resource).is_none() && stock.is_some_and(|stock| !stock.cells.is_empty())
    };
    let pinned = need.aligned.iter().filter(is_pinned);
    for &(resource, needed) in need.devices.iter().chain(pinned) {
        let stock = node.stock(resource);
        let (free, allocatable) = stock.map_or((0, 0), |stock| (stock.free, stock.allocatable));
        if free < needed {
            can_be_freed &= needed <= allocatable;
            more.push((resource, needed.saturating_sub(free)));
        }
    }
    more.sort_unstable();
    (!more.is_empty()).then_some(Missing {
        zones: Vec::new(),
        more,
        is_enough: false,
        can_be_freed,
    })
}

/// How many of a device the whole pod needs.
fn whole(need: &Need, resource: ResourceId) -> Option<i64> {
    let at = need.devices.binary_search_by_key(&resource, |(id, _)| *id);
    at.ok().map(|at| need.devices[at].1)
}

type Amounts = [(ResourceId, i64)];

/// The first that finds no zones (the whole pod, or a container), and what the node's cells have free then.
fn first_unfit<'n>(
    node: &Node,
    need: &'n Need,
    scratch: &mut Scratch,
) -> Option<(&'n Amounts, Vec<i64>)> {
    let mut free: Vec<i64> = node.cells.iter().map(|cell| cell.free).collect();
    if node.scope == Scope::Pod {
        return (!need.aligned.is_empty()).then_some((need.aligned.as_slice(), free));
    }
    for (at, container) in need.containers.iter().enumerate() {
        let mut so_far = need.clone();
        so_far.containers.truncate(at + 1);
        so_far.total.clear();
        so_far.devices.clear();
        so_far.unknown.clear();
        if align(node, &so_far, scratch).is_err() {
            return Some((container.aligned.as_slice(), free));
        }
        free.clone_from(&scratch.free);
    }
    None
}

/// The sets of zones that lack the least.
fn by_zones(node: &Node, need: &Need, aligned: &Amounts, free: Vec<i64>) -> Vec<Missing> {
    let mut node = node.clone();
    for (cell, free) in node.cells.iter_mut().zip(free) {
        cell.free = free;
    }
    let node = &node;
    let mut found: Vec<(i64, Missing)> = Vec::new();
    for zones in candidates(node, aligned) {
        let (mut more, mut weight, mut can_be_freed) = (Vec::new(), 0, true);
        for &(resource, needed) in aligned {
            let Some((free, allocatable)) = within(node, resource, zones) else {
                continue;
            };
            let stock = node.stock(resource).zip(whole(need, resource));
            let (of_node, is_there) = stock.map_or((0, true), |(stock, whole)| {
                (whole.saturating_sub(stock.free), whole <= stock.allocatable)
            });
            let lacks = needed.saturating_sub(free).max(of_node);
            if lacks > 0 {
                more.push((resource, lacks));
                can_be_freed &= needed <= allocatable && is_there;
                weight += 1 + i64::try_from(i128::from(lacks) * 1000 / i128::from(needed.max(1)))
                    .unwrap_or(i64::MAX / 64);
            }
        }
        if more.is_empty() {
            continue;
        }
        let known = found
            .iter_mut()
            .find(|(_, known)| known.more == more && known.can_be_freed == can_be_freed);
        if let Some((_, known)) = known {
            known.zones.push(zones);
        } else {
            let one = Missing {
                zones: vec![zones],
                more,
                is_enough: false,
                can_be_freed,
            };
            found.push((weight, one));
        }
    }
    // What others could give back comes before what the node has not got at all.
    found.sort_by_key(|(weight, one)| (!one.can_be_freed, *weight));
    let all = found.into_iter().map(|(_, one)| one);
    all.take(MOST).collect()
}

/// What zones have of a resource: free, and in all. Nothing where the kubelet does not align it on this node.
fn within(node: &Node, resource: ResourceId, zones: ZoneMask) -> Option<(i64, i64)> {
    let stock = node.stock(resource)?;
    let cells = node.cells(stock);
    if cells.is_empty() {
        return None;
    }
    let near = cells.iter().filter(|cell| cell.zones.overlaps(zones));
    Some(near.fold((0, 0), |(free, all): (i64, i64), cell| {
        (
            free.saturating_add(cell.free.max(0)),
            all.saturating_add(cell.allocatable),
        )
    }))
}

/// The sets of zones in which the kubelet would accept these amounts, were there enough.
fn candidates(node: &Node, aligned: &Amounts) -> Vec<ZoneMask> {
    let zones = node.zones.len();
    let single = || (0..zones.min(crate::zones::MAX_ZONES)).map(ZoneMask::of);
    if node.policy == Policy::SingleNumaNode {
        return single().collect();
    }
    if zones > MOST_ZONES {
        return Vec::new();
    }
    let sets = |count: u32| {
        let all = (1..1_u64 << zones).map(ZoneMask);
        all.filter(move |set| set.count() == count)
    };
    // Restricted: as many zones as each resource needs at the least, by what there is in all.
    let most = u32::try_from(zones).unwrap_or(u32::MAX);
    let fewest = |resource: ResourceId, needed: i64| {
        let has = |set: ZoneMask| within(node, resource, set).is_some_and(|(_, all)| all >= needed);
        (1..=most).find(|count| sets(*count).any(has))
    };
    let mut counts = aligned.iter().filter_map(|(resource, needed)| {
        let stock = node.stock(*resource)?;
        (!stock.cells.is_empty()).then(|| fewest(*resource, *needed))
    });
    match counts.next() {
        Some(Some(count)) if counts.all(|other| other == Some(count)) => sets(count).collect(),
        _ => Vec::new(),
    }
}

/// The node with what is missing.
fn grown(node: &Node, missing: &Missing) -> Node {
    let mut node = node.clone();
    let zones = missing.zones.first().copied();
    for &(resource, amount) in &missing.more {
        add(&mut node, resource, amount, zones);
    }
    node
}

fn add(node: &mut Node, resource: ResourceId, amount: i64, zones: Option<ZoneMask>) {
    let mut stocks = node.stocks.to_vec();
    let at = stocks.binary_search_by_key(&resource, |stock| stock.resource);
    let at = at.unwrap_or_else(|at| {
        let end = stocks[..at].last().map_or(0, |stock| stock.cells.end);
        let stock = Stock {
            resource,
            cells: end..end,
            allocatable: 0,
            free: 0,
        };
        stocks.insert(at, stock);
        at
    });
    let stock = &mut stocks[at];
    stock.free = stock.free.saturating_add(amount);
    stock.allocatable = stock.allocatable.max(stock.free);
    let range = usize::from(stock.cells.start)..usize::from(stock.cells.end);
    let zones = zones.unwrap_or_else(|| ZoneMask::first(node.zones.len()));
    let mut cells = node.cells[range.clone()].iter();
    let place = cells.position(|cell| cell.zones.overlaps(zones));
    if let Some(place) = place {
        let cell = &mut node.cells[range.start + place];
        cell.free = cell.free.max(0).saturating_add(amount);
        cell.allocatable = cell.allocatable.max(cell.free);
    } else if !range.is_empty() {
        let mut cells = node.cells.to_vec();
        let cell = Cell {
            zones,
            allocatable: amount,
            free: amount,
        };
        cells.insert(range.end, cell);
        node.cells = cells.into();
        stocks[at].cells.end += 1;
        for later in &mut stocks[at + 1..] {
            later.cells.start += 1;
            later.cells.end += 1;
        }
    }
    node.stocks = stocks.into();
}

#[cfg(test)]
mod tests;
