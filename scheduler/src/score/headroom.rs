//! How little of the bandwidth behind the pod's devices is others'.

use super::share::{self, Mean, UNKNOWN};
use crate::{need::Need, node::Node, placement::Placement, reach::within_reach};

/// How many of the devices of the functions in reach are free. Whether they have a link is another part's business: one
/// that comes up must not count against a node.
pub(super) fn share(node: &Node, need: &Need, placement: &Placement) -> i64 {
    let mut mean = Mean::default();
    for &(resource, _) in &need.devices {
        let (mut free, mut all) = (0_i64, 0_i64);
        for (cell, _) in within_reach(node, need, placement, resource) {
            free = free.saturating_add(cell.free.max(0));
            all = all.saturating_add(cell.allocatable.max(0));
        }
        mean.add(
            if all == 0 {
                UNKNOWN
            } else {
                share::share(free, all)
            },
            1,
        );
    }
    mean.value().unwrap_or(UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fixture::{known, node, placed, pod},
        node::Function,
    };

    #[test]
    fn devices_that_others_hold_count_against_a_function() {
        let known = known();
        let pod = pod(&[(known.sriov, 1)]);
        let share = |functions: &[(i64, i64)]| {
            let mut node = node(1).with(known.sriov, &[(8, 8)]);
            for devices in functions {
                node = node.behind(known.sriov, 0, *devices, Function::default());
            }
            share(&node, &pod, &placed(&[1]))
        };
        for (functions, wanted) in [
            (&[(8, 8)][..], 1000),
            (&[(8, 2)], 250),
            (&[(8, 8), (8, 0)], 500),
            (&[(8, -1)], 0),
            (&[], UNKNOWN),
        ] {
            assert_eq!(share(functions), wanted, "{functions:?}");
        }
    }
}
