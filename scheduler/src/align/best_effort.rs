//! What the best-effort policy chooses where no set of zones is preferred.

use super::{ledger::Want, supply::View};
use crate::zones::ZoneMask;

/// The most zones for which the choice is replayed. Its kubelet takes no more than eight by default.
const MOST_ZONES: usize = 8;

/// Numbers by sets of zones.
type BySet = [i64; 1 << MOST_ZONES];

/// The zones that are common to one set for each resource, chosen so that they are as many as the resource that needs
/// most of them needs at least; else the next fewer; else more. The lowest of those.
pub(super) fn choose(view: View<'_>, wants: &[Want]) -> ZoneMask {
    let zones = view.node.zones.len();
    if zones == 0 || zones > MOST_ZONES {
        return view.all();
    }
    let sets = 1_usize << zones;
    let mut reached: Option<BySet> = None;
    let mut wanted = 0;
    for want in wants {
        let mut hints: BySet = [0; 1 << MOST_ZONES];
        let mut narrowest = u32::MAX;
        for (at, hint) in hints.iter_mut().enumerate().take(sets).skip(1) {
            let set = ZoneMask(at as u64);
            if is_hint(view, want, wants, set) {
                *hint = 1;
                narrowest = narrowest.min(set.count());
            }
        }
        if narrowest == u32::MAX {
            continue;
        }
        wanted = wanted.max(narrowest);
        reached = Some(match reached {
            None => hints,
            Some(before) => in_common(before, hints, zones),
        });
    }
    let Some(reached) = reached else {
        return view.all();
    };
    let candidates = (1..sets)
        .filter(|at| reached[*at] > 0)
        .map(|at| ZoneMask(at as u64));
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

/// Whether a resource can be had from a set of zones, as its manager says; kinds of memory have the same sets.
fn is_hint(view: View<'_>, want: &Want, wants: &[Want], set: ZoneMask) -> bool {
    if want.is_memory {
        return wants
            .iter()
            .filter(|want| want.is_memory)
            .all(|want| view.could_suffice(want, set) && view.suffices(want, set));
    }
    let domain = view.domain(want);
    set.and(domain) == set && view.suffices(want, set)
}

/// The sets that one set of each side have in common: counted for all larger sets, multiplied, and counted back.
fn in_common(mut one: BySet, mut other: BySet, zones: usize) -> BySet {
    let sets = 1_usize << zones;
    let with_larger = |numbers: &mut BySet, sign: i64| {
        for zone in 0..zones {
            for at in (0..sets).filter(|at| at & (1 << zone) == 0) {
                numbers[at] += sign * numbers[at | (1 << zone)];
            }
        }
    };
    with_larger(&mut one, 1);
    with_larger(&mut other, 1);
    for (one, other) in one.iter_mut().zip(other) {
        *one *= other;
    }
    with_larger(&mut one, -1);
    one.map(|count| i64::from(count > 0))
}
