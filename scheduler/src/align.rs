//! The kubelet's rule: where its topology manager puts a pod, or that it refuses it.
//!
//! Source: `pkg/kubelet/cm` of Kubernetes 1.36: `topologymanager`, `devicemanager`, `cpumanager`, `memorymanager`.

mod best_effort;
mod choice;
mod ledger;
mod subsets;
mod supply;

use api::topology_manager::{Policy, Scope};

use self::ledger::{Ledger, Want};
use crate::{
    need::Need,
    node::Node,
    placement::{Placement, Refusal},
    resource::ResourceId,
    zones::ZoneMask,
};

/// What [`align`] needs of memory, kept from node to node so that none is allocated for each.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    /// The answer, when the node fits.
    pub placement: Placement,
    /// The free amounts of the node's cells as they become while containers are placed.
    pub free: Vec<i64>,
    ledger: Ledger,
    wants: Vec<Want>,
}

/// Replays what the kubelet of `node` decides about a pod, and leaves the decision in `scratch.placement`.
///
/// # Errors
/// It will refuse the pod.
pub fn align(node: &Node, need: &Need, scratch: &mut Scratch) -> Result<(), Refusal> {
    scratch.start(node);
    if !need.unknown.is_empty() {
        return Err(Refusal::NoSuchResource);
    }
    for &(resource, needed) in &need.devices {
        let free = node.stock(resource).map_or(0, |stock| stock.free);
        if free < needed {
            return Err(Refusal::Short {
                resource,
                free,
                needed,
            });
        }
    }
    let is_strict = matches!(node.policy, Policy::Restricted | Policy::SingleNumaNode);
    if is_strict && node.has_only_zoned_natives && need.has_unknown_pages {
        return Err(Refusal::NoSuchResource);
    }
    let whole = match node.scope {
        _ if node.policy == Policy::None => Some(ZoneMask::NONE),
        Scope::Container => None,
        Scope::Pod => {
            scratch.collect(node, need, &need.aligned);
            let chosen = scratch.choose(node);
            Some(chosen.map_err(|resource| Refusal::Pod { resource })?)
        }
    };
    for (index, container) in need.containers.iter().enumerate() {
        scratch.collect(node, need, &container.aligned);
        let refusal = |resource| match whole {
            Some(_) => Refusal::Pod { resource },
            None => Refusal::Container {
                index: u16::try_from(index).unwrap_or(u16::MAX),
                resource,
            },
        };
        let zones = match whole {
            Some(zones) => zones,
            None => scratch.choose(node).map_err(refusal)?,
        };
        for want in &scratch.wants {
            let missing = scratch
                .ledger
                .give(node, &mut scratch.free, want, zones, container.role);
            let is_exact = scratch.ledger.is_certain && !node.is_fuzzy;
            if missing > 0 && !want.is_device && (is_strict || is_exact) {
                return Err(refusal(Some(want.resource)));
            }
        }
        if !zones.is_empty() && node.is_fuzzy && !scratch.wants.is_empty() {
            scratch.ledger.is_certain = false;
        }
        scratch.placement.zones.push(zones);
    }
    scratch.placement.is_certain = scratch.ledger.is_certain;
    Ok(())
}

/// Takes from `node` what a pod that is bound to it holds there according to `placement`: from cells and stocks. Where the
/// placement leaves the kubelet a choice, every cell gives as much as could be taken from it, and the node is fuzzy.
pub fn take(node: &mut Node, need: &Need, placement: &Placement) {
    let mut scratch = Scratch::default();
    scratch.start(node);
    for (index, container) in need.containers.iter().enumerate() {
        let zones = placement.zones.get(index).copied().unwrap_or_default();
        let zones = zones.and(ZoneMask::first(node.zones.len()));
        scratch.collect(node, need, &container.aligned);
        for want in &scratch.wants {
            scratch
                .ledger
                .give(node, &mut scratch.free, want, zones, container.role);
            if want.is_memory && zones.count() > 1 && !node.memory_groups.contains(&zones) {
                node.memory_groups.push(zones);
            }
        }
    }
    for (cell, free) in node.cells.iter_mut().zip(&scratch.free) {
        cell.free = *free;
    }
    for &(resource, amount) in &need.total {
        let at = node
            .stocks
            .binary_search_by_key(&resource, |stock| stock.resource);
        if let Ok(at) = at {
            let stock = &mut node.stocks[at];
            stock.free = stock.free.saturating_sub(amount);
        }
    }
    node.is_fuzzy |= !scratch.ledger.is_certain;
}

impl Scratch {
    fn start(&mut self, node: &Node) {
        self.placement.zones.clear();
        self.placement.is_certain = false;
        self.free.clear();
        self.free.extend(node.cells.iter().map(|cell| cell.free));
        self.ledger.start(node);
    }

    /// What of `aligned` the kubelet looks for in the zones of this node.
    fn collect(&mut self, node: &Node, need: &Need, aligned: &[(ResourceId, i64)]) {
        self.wants.clear();
        for &(resource, amount) in aligned {
            let is_memory = need.memory.binary_search(&resource).is_ok();
            let is_device = !is_memory && resource != ResourceId::CPU;
            let at = node
                .stocks
                .binary_search_by_key(&resource, |stock| stock.resource);
            let cells = at.map_or(0..0, |at| {
                let cells = &node.stocks[at].cells;
                usize::from(cells.start)..usize::from(cells.end)
            });
            let is_missing = cells.is_empty() && node.has_only_zoned_natives && !is_device;
            if is_missing || !cells.is_empty() {
                self.wants.push(Want {
                    resource,
                    stock: at.unwrap_or(usize::MAX),
                    cells,
                    amount,
                    is_memory,
                    is_device,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests;
