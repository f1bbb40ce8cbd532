//! The zones of a report: the kernel's numbers, each once, with their places in a mask.

use std::collections::BTreeSet;

use crate::zones::{MAX_ZONES, ZoneMask};

/// The kernel's numbers, ascending.
#[derive(Debug)]
pub(super) struct Numbering(Vec<u32>);

impl Numbering {
    /// Numbers them. Those beyond [`MAX_ZONES`] have no place, and what is in them is not counted.
    pub(super) fn of(ids: &BTreeSet<u32>, faults: &mut Vec<String>) -> Self {
        if ids.len() > MAX_ZONES {
            faults.push(format!(
                "{} zones, where a node can have {MAX_ZONES}; what is in those of the highest numbers is left out",
                ids.len()
            ));
        }
        Self(ids.iter().copied().take(MAX_ZONES).collect())
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// The place of a zone.
    pub(super) fn mask(&self, id: u32) -> Option<ZoneMask> {
        let at = self.0.binary_search(&id).ok()?;
        Some(ZoneMask::of(at))
    }

    /// The places of all of these, if all of them are known.
    pub(super) fn masks(&self, ids: &[u32]) -> Option<ZoneMask> {
        ids.iter().try_fold(ZoneMask::NONE, |all, id| {
            self.mask(*id).map(|one| all.or(one))
        })
    }

    /// The places of those of these that are known.
    pub(super) fn known(&self, ids: &[u32]) -> ZoneMask {
        let known = ids.iter().filter_map(|id| self.mask(*id));
        known.fold(ZoneMask::NONE, ZoneMask::or)
    }

    /// The kernel's numbers.
    pub(super) fn into_ids(self) -> Vec<u32> {
        self.0
    }
}
