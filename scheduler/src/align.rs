//! The kubelet's rule: where its topology manager puts a pod, or that it refuses it.
//!
//! Source: `pkg/kubelet/cm` of Kubernetes 1.36: `topologymanager`, `devicemanager`, `cpumanager`, `memorymanager`.

mod best_effort;
mod choice;
mod ledger;
mod memory;
mod subsets;
mod supply;

use api::topology_manager::{Policy, Scope};

use self::{
    ledger::{Ledger, Want},
    supply::View,
};
use crate::{
    need::{Need, Role},
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
        let is_known = scratch.is_known(node, whole.is_some());
        let known = is_known.then_some(zones);
        let given = scratch.give(node, known, container.role, is_strict);
        // Who tells sums alone does not tell whether the kubelet hands CPUs or memory out by zone at all.
        let is_certain = !node.is_fuzzy && !node.has_only_zoned_natives;
        if let Err(resource) = given
            && (is_strict || is_certain)
        {
            return Err(short(node, need, resource).unwrap_or(refusal(Some(resource))));
        }
        scratch.placement.zones.push(zones);
    }
    scratch.placement.is_certain = scratch.ledger.is_certain;
    Ok(())
}

/// That all zones together have less of a resource than the pod needs, if they have.
fn short(node: &Node, need: &Need, resource: ResourceId) -> Option<Refusal> {
    let stock = node.stock(resource)?;
    let free = node.cells(stock).iter().map(|cell| cell.free.max(0));
    let free = free.fold(0, i64::saturating_add);
    let at = need.aligned.binary_search_by_key(&resource, |(id, _)| *id);
    let needed = need.aligned[at.ok()?].1;
    (free < needed).then_some(Refusal::Short {
        resource,
        free,
        needed,
    })
}

/// Takes from `node` what a pod that is bound to it holds there according to `placement`: from cells and stocks. Where that
/// leaves the kubelet a choice, or cannot be relied on, every cell gives as much as could be taken from it, and the node
/// is fuzzy.
/// `scratch` is used, and its placement lost.
pub fn take(node: &mut Node, need: &Need, placement: &Placement, scratch: &mut Scratch) {
    scratch.start(node);
    let is_whole = node.policy == Policy::None || node.scope == Scope::Pod;
    for (index, container) in need.containers.iter().enumerate() {
        let zones = placement.zones.get(index).copied();
        scratch.collect(node, need, &container.aligned);
        let zones = zones.filter(|_| scratch.is_known(node, is_whole));
        let zones = zones.map(|zones| zones.and(ZoneMask::first(node.zones.len())));
        // What is missing was promised to others as well: the report will tell.
        let _ = scratch.give(node, zones, container.role, false);
    }
    node.memory_groups.clear();
    node.memory_groups.extend(scratch.ledger.groups());
    node.memory_groups.sort_unstable();
    node.memory_groups.dedup();
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

    /// Whether the kubelet had no choice so far.
    #[cfg(test)]
    fn is_certain(&self) -> bool {
        self.ledger.is_certain
    }

    /// Whether the zones of the container whose needs were collected can be relied on: what is free is no lower bound. For
    /// the pod as a whole they are chosen before anything is taken.
    fn is_known(&self, node: &Node, is_whole: bool) -> bool {
        let is_exact = |want: &Want| !self.ledger.is_guessed(want.stock);
        !node.is_fuzzy && (is_whole || self.wants.iter().all(is_exact))
    }

    /// Gives a container what was collected, from `zones` first; from wherever it could be where they are not known.
    ///
    /// # Errors
    /// CPUs or memory of which there is not enough; of devices enough is known to be there.
    fn give(
        &mut self,
        node: &Node,
        zones: Option<ZoneMask>,
        role: Role,
        is_strict: bool,
    ) -> Result<(), ResourceId> {
        let is_known = zones.is_some();
        let mut missing = None;
        let mut memory = ZoneMask::NONE;
        if let Some(zones) = zones
            && let Some(first) = self.wants.iter().find(|want| want.is_memory)
        {
            match memory::zones(self.view(node), &self.wants, zones, is_strict) {
                Some(zones) => memory = zones,
                None => missing = Some(first.resource),
            }
        }
        let zones = zones.unwrap_or_default();
        for want in &self.wants {
            if !is_known {
                self.ledger.set_guessed(want.stock);
            }
            let zones = if want.is_memory { memory } else { zones };
            let rest = self.ledger.give(node, &mut self.free, want, zones, role);
            if rest > 0 && !want.is_device {
                missing.get_or_insert(want.resource);
            }
        }
        missing.map_or(Ok(()), Err)
    }

    fn view<'s>(&'s self, node: &'s Node) -> View<'s> {
        View {
            node,
            free: &self.free,
            ledger: &self.ledger,
        }
    }

    /// What of `aligned` the kubelet looks for in the zones of this node.
    fn collect(&mut self, node: &Node, need: &Need, aligned: &[(ResourceId, i64)]) {
        self.wants.clear();
        for &(resource, amount) in aligned.iter().filter(|(_, amount)| *amount > 0) {
            let is_memory = need.memory.binary_search(&resource).is_ok();
            let is_device = !is_memory && resource != ResourceId::CPU;
            let at = node
                .stocks
                .binary_search_by_key(&resource, |stock| stock.resource);
            let cells = at.map_or(0..0, |at| {
                let cells = &node.stocks[at].cells;
                usize::from(cells.start)..usize::from(cells.end)
            });
            let is_strict = matches!(node.policy, Policy::Restricted | Policy::SingleNumaNode);
            let is_missing =
                is_strict && cells.is_empty() && node.has_only_zoned_natives && !is_device;
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
