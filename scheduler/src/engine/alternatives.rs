//! Places between which an assumed pod cannot be told to be.

use super::ledger::Entry;
use crate::{align::take, node::Node, placement::Placement};

/// More places than this are not remembered: by then the node is as good as closed until it reports.
const MOST: usize = 8;

impl Entry {
    /// Remembers that the pod may be there.
    pub(super) fn may_be(&mut self, placement: &Placement) {
        let is_known = |known: &Placement| known.zones == placement.zones;
        if !self.alternatives.iter().any(is_known) && self.alternatives.len() < MOST {
            self.alternatives.push(placement.clone());
        }
    }

    /// Deducts the pod from a node: from every place where it may be as much as it may hold there. Gives back all zones in
    /// which it may be.
    pub(super) fn deduct(&self, node: &mut Node, now: &Placement) -> Placement {
        let before = (self.alternatives.len() > 1).then(|| node.clone());
        take(node, &self.need, now);
        let mut all = now.clone();
        let Some(before) = before else {
            return all;
        };
        for placement in &self.alternatives {
            if placement.zones == now.zones {
                continue;
            }
            let mut other = before.clone();
            take(&mut other, &self.need, placement);
            for (cell, of_other) in node.cells.iter_mut().zip(&other.cells) {
                cell.free = cell.free.min(of_other.free);
            }
            for (zones, of_other) in all.zones.iter_mut().zip(&placement.zones) {
                *zones = zones.or(*of_other);
            }
            all.is_certain = false;
            node.is_fuzzy = true;
        }
        all
    }
}
