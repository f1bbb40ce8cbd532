//! Which zones have enough of a resource.

use super::ledger::{Ledger, Want};
use crate::{
    node::Node,
    resource::ResourceId,
    zones::{MAX_ZONES, ZoneMask},
};

/// What a decision about a container looks at.
#[derive(Clone, Copy)]
pub(super) struct View<'v> {
    /// The node.
    pub(super) node: &'v Node,
    /// What its cells have free by now.
    pub(super) free: &'v [i64],
    /// What earlier containers of the pod leave.
    pub(super) ledger: &'v Ledger,
}

impl View<'_> {
    /// All zones of the node.
    pub(super) fn all(&self) -> ZoneMask {
        ZoneMask::first(self.node.zones.len())
    }

    /// The zones that have anything of a resource, free or not.
    pub(super) fn domain(&self, want: &Want) -> ZoneMask {
        let cells = self.node.cells[want.cells.clone()].iter();
        let domain = cells.fold(ZoneMask::NONE, |zones, cell| zones.or(cell.zones));
        domain.and(self.all())
    }

    /// The zones that have enough each by itself.
    pub(super) fn single(&self, want: &Want) -> ZoneMask {
        let mut sums = [0_i64; MAX_ZONES];
        let mut candidates = self.all();
        for cell in want.cells.clone() {
            let zones = self.node.cells[cell].zones;
            if !want.is_memory && self.ledger.binds(cell) {
                candidates = candidates.and(zones);
            }
            let supply = self.ledger.supply(self.free, cell);
            for zone in zones.indexes() {
                sums[zone] = sums[zone].saturating_add(supply);
            }
        }
        let is_enough = |zone: &usize| {
            let alone = ZoneMask::of(*zone);
            match want.is_memory {
                false => sums[*zone] >= want.amount,
                true => {
                    let reusable = self.ledger.reusable_memory(want.stock, alone);
                    sums[*zone].saturating_add(reusable) >= want.amount && !self.is_grouped(alone)
                }
            }
        };
        let zones = candidates.indexes().filter(is_enough);
        zones.fold(ZoneMask::NONE, |zones, zone| zones.or(ZoneMask::of(zone)))
    }

    /// Whether a set of zones has enough together.
    pub(super) fn suffices(&self, want: &Want, zones: ZoneMask) -> bool {
        let mut sum = match want.is_memory {
            true if self.is_grouped(zones) => return false,
            true => self.ledger.reusable_memory(want.stock, zones),
            false => 0,
        };
        for cell in want.cells.clone() {
            if self.node.cells[cell].zones.overlaps(zones) {
                sum = sum.saturating_add(self.ledger.supply(self.free, cell));
            } else if !want.is_memory && self.ledger.binds(cell) {
                return false;
            }
        }
        sum >= want.amount
    }

    /// Whether a set of zones has enough free memory, beside what can be reused.
    pub(super) fn has_free(&self, want: &Want, zones: ZoneMask) -> bool {
        let cells = want.cells.clone();
        let near = cells.filter(|cell| self.node.cells[*cell].zones.overlaps(zones));
        let free = near.map(|cell| self.free[cell].max(0));
        free.fold(0, i64::saturating_add) >= want.amount
    }

    /// Whether a set of zones could have enough if nobody held anything.
    pub(super) fn could_suffice(&self, want: &Want, zones: ZoneMask) -> bool {
        let mut sum: i64 = 0;
        for cell in want.cells.clone() {
            if self.node.cells[cell].zones.overlaps(zones) {
                let most = match want.is_memory {
                    true => self.node.cells[cell].allocatable,
                    false => self.node.capacity(cell),
                };
                sum = sum.saturating_add(most.max(0));
            }
        }
        sum >= want.amount
    }

    /// Whether memory is pinned in these zones in another way, which the memory manager does not mix: alone where it was
    /// pinned together, or together where it was pinned alone or with others.
    pub(super) fn is_grouped(&self, zones: ZoneMask) -> bool {
        let mut zones_of = zones.indexes();
        if zones.count() == 1 {
            return zones_of.any(|zone| self.ledger.group(zone).is_some());
        }
        zones_of.any(|zone| match self.ledger.group(zone) {
            Some(group) => group != zones,
            None => self.is_pinned(ZoneMask::of(zone)),
        })
    }

    /// Whether any memory of a zone is pinned. Whatever else a container pins, it pins memory.
    fn is_pinned(&self, zone: ZoneMask) -> bool {
        let cells = self
            .node
            .stock(ResourceId::MEMORY)
            .map(|stock| usize::from(stock.cells.start)..usize::from(stock.cells.end));
        cells.into_iter().flatten().any(|at| {
            let cell = &self.node.cells[at];
            cell.zones.overlaps(zone) && self.free[at] < cell.allocatable
        })
    }
}
