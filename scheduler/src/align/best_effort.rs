//! What the best-effort policy chooses where no set of zones is preferred.

use super::{ledger::Want, supply::View};
use crate::zones::ZoneMask;

/// The most zones for which the choice is replayed. Its kubelet takes no more than eight by default.
const MOST_ZONES: usize = 8;

/// Counts by sets of zones: products of two are below 2^16 and their sums are exact.
type BySet = [i32; 1 << MOST_ZONES];

/// No set.
const NONE: BySet = [0; 1 << MOST_ZONES];

/// The zones that are common to one set for each resource, chosen so that they are as many as the resource that needs
/// most of them needs at least; else the next fewer; else more. The lowest of those.
pub(super) fn choose(view: View<'_>, wants: &[Want]) -> ZoneMask {
    let zones = view.node.zones.len();
    if zones == 0 || zones > MOST_ZONES {
        return view.all();
    }
    let sets = 1_usize << zones;
    let mut reached: Option<BySet> = None;
    let mut of_memory: Option<BySet> = None;
    let mut wanted = 0;
    for want in wants {
        // Kinds of memory have the same sets.
        let hints = match want.is_memory {
            true => *of_memory.get_or_insert_with(|| memory_hints(view, wants, sets)),
            false => hints(view, want, sets),
        };
        let are = hints.iter().enumerate().filter(|(_, hint)| **hint > 0);
        let Some(narrowest) = are.map(|(at, _)| set(at).count()).min() else {
            continue;
        };
        wanted = wanted.max(narrowest);
        match &mut reached {
            None => reached = Some(hints),
            Some(reached) => in_common(reached, hints, zones),
        }
    }
    let Some(reached) = reached else {
        return view.all();
    };
    let candidates = (1..sets).filter(|at| reached[*at] > 0).map(set);
    let best = candidates.min_by_key(|set| {
        let count = set.count();
        let distance = match count <= wanted {
            true => wanted - count,
            false => count + wanted,
        };
        (distance, set.0)
    });
    best.unwrap_or_else(|| view.all())
}

const fn set(at: usize) -> ZoneMask {
    ZoneMask(at as u64)
}

/// The sets from which memory of all kinds can be had.
fn memory_hints(view: View<'_>, wants: &[Want], sets: usize) -> BySet {
    let mut hints = NONE;
    for (at, hint) in hints.iter_mut().enumerate().take(sets).skip(1) {
        let mut memory = wants.iter().filter(|want| want.is_memory);
        let set = set(at);
        let is_hint = memory.all(|want| view.could_suffice(want, set) && view.suffices(want, set));
        *hint = i32::from(is_hint);
    }
    hints
}

/// The sets from which a resource can be had, as its manager says. Where each piece is in one zone, what a set has is what
/// it has without its lowest zone, and that zone.
fn hints(view: View<'_>, want: &Want, sets: usize) -> BySet {
    let mut hints = NONE;
    let domain = view.domain(want);
    let cells = &view.node.cells[want.cells.clone()];
    if cells.iter().any(|cell| cell.zones.count() != 1) {
        for (at, hint) in hints.iter_mut().enumerate().take(sets).skip(1) {
            let set = set(at);
            *hint = i32::from(set.and(domain) == set && view.suffices(want, set));
        }
        return hints;
    }
    let mut by_zone = [0_i64; MOST_ZONES];
    let mut bound = ZoneMask::NONE;
    for cell in want.cells.clone() {
        let zones = view.node.cells[cell].zones;
        if view.ledger.binds(cell) {
            bound = bound.or(zones);
        }
        for zone in zones.and(view.all()).indexes() {
            by_zone[zone] = by_zone[zone].saturating_add(view.ledger.supply(view.free, cell));
        }
    }
    let mut sums = [0_i64; 1 << MOST_ZONES];
    for at in 1..sets {
        let others = at & (at - 1);
        sums[at] = sums[others].saturating_add(by_zone[at.trailing_zeros() as usize]);
        let set = set(at);
        let is_possible = set.and(domain) == set && set.and(bound) == bound;
        hints[at] = i32::from(is_possible && sums[at] >= want.amount);
    }
    hints
}

/// The sets that one set of each side have in common: counted for all larger sets, multiplied, and counted back.
fn in_common(one: &mut BySet, mut other: BySet, zones: usize) {
    with_larger(one, zones, |number, larger| *number += larger);
    with_larger(&mut other, zones, |number, larger| *number += larger);
    for (one, other) in one.iter_mut().zip(other) {
        *one *= other;
    }
    with_larger(one, zones, |number, larger| *number -= larger);
    for count in one {
        *count = i32::from(*count > 0);
    }
}

/// Does something with each number and that of the set with one zone more, zone by zone.
fn with_larger(numbers: &mut BySet, zones: usize, each: impl Fn(&mut i32, i32)) {
    for zone in 0..zones {
        let half = 1 << zone;
        for both in numbers[..1 << zones].chunks_exact_mut(2 * half) {
            let (without, with) = both.split_at_mut(half);
            for (number, larger) in without.iter_mut().zip(with) {
                each(number, *larger);
            }
        }
    }
}
