//! Where the memory manager pins memory: it has a rule of its own for zones that do not suffice.

use super::{ledger::Want, subsets::subsets, supply::View};
use crate::zones::ZoneMask;

/// The zones in which all kinds of memory among `wants` are pinned, when the topology manager has chosen `chosen`: those
/// if they have enough free, else the fewest with them that suffice, the lowest of these. None where no zones do, or more
/// than there have to be under a policy that is strict about that.
pub(super) fn zones(
    view: View<'_>,
    wants: &[Want],
    chosen: ZoneMask,
    is_strict: bool,
) -> Option<ZoneMask> {
    let kinds = || wants.iter().filter(|want| want.is_memory);
    if kinds().any(|want| want.cells.is_empty()) {
        return None;
    }
    if !chosen.is_empty() && kinds().all(|want| view.has_free(want, chosen)) {
        // What does not mix with others is refused, and not extended.
        return (chosen.count() == 1 || !view.is_grouped(chosen)).then_some(chosen);
    }
    let all = view.all();
    let could = |zones: ZoneMask| kinds().all(|want| view.could_suffice(want, zones));
    let mut least = None;
    for count in 1..=all.count() {
        for zones in subsets(all, count).filter(|zones| could(*zones)) {
            let least = *least.get_or_insert(count);
            let is_larger = zones.and(chosen) == chosen;
            if is_larger && kinds().all(|want| view.suffices(want, zones)) {
                let is_preferred = count == least;
                return (is_preferred || !is_strict).then_some(zones);
            }
        }
    }
    None
}
