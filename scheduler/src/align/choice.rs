//! Which zones the topology manager chooses.

use api::topology_manager::Policy;

use super::{Scratch, best_effort, ledger::Want, subsets::subsets, supply::View};
use crate::{
    node::Node,
    resource::ResourceId,
    zones::{MAX_ZONES, ZoneMask},
};

/// A resource that stands in the way by itself; none where each could be had, but not together.
type Obstacle = Option<ResourceId>;

impl Scratch {
    /// The zones for what was collected; none where nothing is aligned.
    pub(super) fn choose(&self, node: &Node) -> Result<ZoneMask, Obstacle> {
        let view = self.view(node);
        let wants = &self.wants;
        match node.policy {
            _ if wants.is_empty() => Ok(ZoneMask::NONE),
            Policy::None => Ok(ZoneMask::NONE),
            Policy::SingleNumaNode => lowest(view, wants),
            Policy::Restricted => preferred(view, wants),
            Policy::BestEffort => {
                Ok(preferred(view, wants).unwrap_or_else(|_| best_effort::choose(view, wants)))
            }
        }
    }
}

/// The lowest zone that has all by itself.
fn lowest(view: View<'_>, wants: &[Want]) -> Result<ZoneMask, Obstacle> {
    let mut fitting = view.all();
    for want in wants {
        let single = view.single(want);
        if single.is_empty() {
            return Err(Some(want.resource));
        }
        fitting = fitting.and(single);
    }
    fitting.indexes().next().map(ZoneMask::of).ok_or(None)
}

/// The lowest set of zones that has all, where every resource needs just as many zones as the set has.
fn preferred(view: View<'_>, wants: &[Want]) -> Result<ZoneMask, Obstacle> {
    let mut count = None;
    for want in wants {
        let least = match want.is_memory {
            false => least(view, want, &[]),
            true => least(view, want, wants),
        };
        let least = least.ok_or(Some(want.resource))?;
        match count {
            Some(other) if other != least => return Err(None),
            _ => count = Some(least),
        }
    }
    let count = count.unwrap_or(1);
    if count == 1 {
        return lowest(view, wants);
    }
    let domain = |want: &Want| view.domain(want);
    let domains = wants.iter().map(domain).fold(view.all(), ZoneMask::and);
    subsets(domains, count)
        .find(|zones| wants.iter().all(|want| view.suffices(want, *zones)))
        .ok_or_else(|| {
            let never = |want: &&Want| {
                let mut sets = subsets(view.domain(want), count);
                !sets.any(|zones| view.suffices(want, zones))
            };
            wants.iter().find(never).map(|want| want.resource)
        })
}

/// How many zones a resource needs if nobody held anything; kinds of memory need them together. None where all zones
/// together have not so much.
fn least(view: View<'_>, want: &Want, together: &[Want]) -> Option<u32> {
    let is_enough = |zones: ZoneMask| {
        view.could_suffice(want, zones)
            && together
                .iter()
                .filter(|other| other.is_memory)
                .all(|other| view.could_suffice(other, zones))
    };
    let domain = match want.is_memory {
        false => view.domain(want),
        true => view.all(),
    };
    if domain.indexes().any(|zone| is_enough(ZoneMask::of(zone))) {
        return Some(1);
    }
    if !is_enough(domain) {
        return None;
    }
    let cells = &view.node.cells[want.cells.clone()];
    if together.is_empty() && cells.iter().all(|cell| cell.zones.count() == 1) {
        return Some(fewest(view, want));
    }
    (2..=domain.count()).find(|count| subsets(domain, *count).any(is_enough))
}

/// How many zones a resource needs of which each piece is in one zone: the richest first. All together have enough.
fn fewest(view: View<'_>, want: &Want) -> u32 {
    let mut sums = [0_i64; MAX_ZONES];
    for cell in want.cells.clone() {
        for zone in view.node.cells[cell].zones.indexes() {
            sums[zone] = sums[zone].saturating_add(view.node.capacity(cell).max(0));
        }
    }
    sums.sort_unstable_by(|a, b| b.cmp(a));
    let mut sum: i64 = 0;
    let mut count = 0;
    for most in sums {
        if sum >= want.amount {
            break;
        }
        sum = sum.saturating_add(most);
        count += 1;
    }
    count
}
