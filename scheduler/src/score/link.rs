//! How likely it is that the pod's devices reach anything.

use super::share::{self, FULL, Mean};
use crate::{need::Need, node::Node, placement::Placement, reach::within_reach};

/// What a link counts, of which nothing is known, in quarters of one that is up.
const UNKNOWN_QUARTERS: i64 = 3;

/// How many of the free devices have a link, those of which it is not known with three quarters.
pub(super) fn share(node: &Node, need: &Need, placement: &Placement) -> i64 {
    let unknown = FULL * UNKNOWN_QUARTERS / 4;
    let mut mean = Mean::default();
    for &(resource, _) in &need.devices {
        let (mut linked, mut all) = (0_i64, 0_i64);
        for (cell, function) in within_reach(node, need, placement, resource) {
            let free = cell.free.max(0);
            let quarters = match function.link_up {
                Some(true) => 4,
                None => UNKNOWN_QUARTERS,
                Some(false) => 0,
            };
            linked = linked.saturating_add(free.saturating_mul(quarters));
            all = all.saturating_add(free.saturating_mul(4));
        }
        mean.add(
            if all == 0 {
                unknown
            } else {
                share::share(linked, all)
            },
            1,
        );
    }
    mean.value().unwrap_or(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fixture::{known, node, placed, pod},
        node::Function,
    };

    #[test]
    fn links_that_are_up_are_best_and_unknown_ones_better_than_none() {
        let known = known();
        let pod = pod(&[(known.sriov, 1)]);
        let share = |links: &[(i64, Option<bool>)]| {
            let mut node = node(1).with(known.sriov, &[(8, 8)]);
            for (free, link_up) in links {
                let function = Function {
                    link_up: *link_up,
                    ..Function::default()
                };
                node = node.behind(known.sriov, 0, (8, *free), function);
            }
            share(&node, &pod, &placed(&[1]))
        };
        for (links, wanted) in [
            (&[(8, Some(true))][..], 1000),
            (&[(8, None)], 750),
            (&[(8, Some(false))], 0),
            (&[(4, Some(true)), (4, Some(false))], 500),
            (&[(4, Some(true)), (0, Some(false))], 1000),
            (&[(0, Some(false))], 750),
            (&[], 750),
        ] {
            assert_eq!(share(links), wanted, "{links:?}");
        }
    }
}
