//! What a pod's init containers hold and no report shows.
//!
//! The kubelet keeps what it gave to an ordinary init container until its pod is gone, and pod-resources does not list such
//! containers. Their devices are in the report all the same, from the device manager's checkpoint; their CPUs and their
//! memory are not.

use api::topology_manager::{Policy, Scope};

use super::facts::{Held, Holder};
use crate::{
    need::{ContainerNeed, Need, Role},
    node::Node,
    placement::Placement,
    resource::ResourceId,
    zones::ZoneMask,
};

/// What of `resource` is demanded.
fn wanted(container: &ContainerNeed, resource: ResourceId) -> i64 {
    super::site::amount(&container.aligned, resource)
}

/// Whether any of this may be hidden.
pub(super) fn is_possible(need: &Need) -> bool {
    let is_native = |(resource, _): &(ResourceId, i64)| {
        *resource == ResourceId::CPU || need.memory.contains(resource)
    };
    let inits = need.containers.iter();
    let mut inits = inits.filter(|container| container.role == Role::Init);
    inits.any(|container| container.aligned.iter().any(is_native))
}

/// Deducts from a node what of a pod is held there and not in its report. `placement` is where it was put, as far as that
/// was certain. Where the zones can only be guessed, it is deducted from each of them, and the node is fuzzy.
pub(super) fn deduct(node: &mut Node, need: &Need, placement: Option<&Placement>, holder: &Holder) {
    let resources = need.memory.iter().chain([&ResourceId::CPU]);
    for resource in resources {
        let Some(stock) = node
            .stocks
            .iter()
            .position(|stock| stock.resource == *resource)
        else {
            continue;
        };
        let of_stock = &node.stocks[stock].cells;
        let cells = usize::from(of_stock.start)..usize::from(of_stock.end);
        let (mut most, mut sum, mut is_guessed) = (0, 0_i64, false);
        for cell in cells {
            let zones = node.cells[cell].zones;
            let (peak, is_sure) = peak(node, need, placement, holder, *resource, zones);
            let shown = holder
                .held
                .iter()
                .filter(|held| held.resource == *resource && held.zones == zones)
                .fold(0_i64, |sum, held| sum.saturating_add(held.amount));
            let free = &mut node.cells[cell].free;
            let hidden = peak.saturating_sub(shown).clamp(0, (*free).max(0));
            if hidden > 0 {
                *free -= hidden;
                is_guessed |= !is_sure;
                most = hidden.max(most);
                sum = sum.saturating_add(hidden);
            }
        }
        let hidden = if is_guessed { most } else { sum };
        let free = &mut node.stocks[stock].free;
        *free = free.saturating_sub(hidden);
        node.is_fuzzy |= is_guessed;
    }
}

/// The most that init containers can have had in a zone, with the sidecars before them; and whether they were there.
fn peak(
    node: &Node,
    need: &Need,
    placement: Option<&Placement>,
    holder: &Holder,
    resource: ResourceId,
    zone: ZoneMask,
) -> (i64, bool) {
    let (mut sidecars, mut peak, mut is_sure) = (0_i64, 0_i64, true);
    for (at, container) in need.containers.iter().enumerate() {
        let amount = wanted(container, resource);
        let known = placement.and_then(|placement| placement.zones.get(at).copied());
        let candidates = match known {
            Some(zones) if !zones.is_empty() => zones,
            _ => candidates(node, holder, container),
        };
        if amount == 0 || !candidates.overlaps(zone) {
            continue;
        }
        match container.role {
            Role::Sidecar => sidecars = sidecars.saturating_add(amount),
            Role::Init => {
                peak = peak.max(sidecars.saturating_add(amount));
                is_sure &= candidates.count() == 1;
            }
            Role::App => {}
        }
    }
    (peak, is_sure)
}

/// The zones in which a container can be, by where the pod's others are.
fn candidates(node: &Node, holder: &Holder, container: &ContainerNeed) -> ZoneMask {
    let all = ZoneMask::first(node.zones.len());
    if node.policy != Policy::SingleNumaNode {
        return all;
    }
    let zones_of = |is_meant: &dyn Fn(&Held) -> bool| {
        let held = holder.held.iter().filter(|held| is_meant(held));
        held.fold(ZoneMask::NONE, |zones, held| zones.or(held.zones))
    };
    let found = if node.scope == Scope::Pod {
        zones_of(&|held| held.zones.count() == 1)
    } else if wanted(container, ResourceId::CPU) > 0 {
        // Whatever follows an init container with CPUs of its own has its own in the same zone, until they are used up.
        zones_of(&|held| held.resource == ResourceId::CPU)
    } else {
        ZoneMask::NONE
    };
    if found.is_empty() { all } else { found }
}
