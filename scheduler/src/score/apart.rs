//! How likely it is that a pod's devices of one resource do not fail together.

use super::share::{self, FULL, Mean, UNKNOWN};
use crate::{
    need::Need,
    node::{Function, FunctionCell, Node},
    placement::Placement,
    reach::within_reach,
};

/// So many physical functions of a resource are looked at, as each is compared with each.
const MOST: usize = 32;

/// More devices than this are as good as this many: the product of two numbers of them stays a number.
const PLENTY: i64 = 1 << 16;

/// The chance that two of the free devices are of different physical functions; those of one switch, or of switches that
/// are not known, count two thirds.
pub(super) fn share(node: &Node, need: &Need, placement: &Placement) -> i64 {
    let mut mean = Mean::default();
    for &(resource, amount) in &need.devices {
        if amount > 1 {
            let there = within_reach(node, need, placement, resource);
            mean.add(chance(there).unwrap_or(UNKNOWN), 1);
        }
    }
    mean.value().unwrap_or(FULL)
}

/// Nothing, where fewer than two free devices have a known function.
fn chance<'a>(there: impl Iterator<Item = (&'a FunctionCell, Function)> + Clone) -> Option<i64> {
    let there = there.filter(|(cell, _)| cell.free > 0).take(MOST);
    let (mut all, mut apart) = (0, 0);
    for (at, (cell, function)) in there.clone().enumerate() {
        let free = cell.free.min(PLENTY);
        all += free;
        for (other_cell, other) in there.clone().take(at) {
            let weight = match (function.switch, other.switch) {
                _ if cell.function == other_cell.function => 0,
                (Some(one), Some(other)) if one != other => 3,
                _ => 2,
            };
            apart += weight * free * other_cell.free.min(PLENTY);
        }
    }
    (all > 1).then(|| share::share(apart, 3 * (all * (all - 1) / 2)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{known, node, placed, pod};

    #[test]
    fn the_more_even_the_better_and_other_switches_best() {
        let known = known();
        let pod = pod(&[(known.sriov, 2)]);
        let share = |functions: &[(i64, Option<u16>)]| {
            let mut node = node(1).with(known.sriov, &[(8, 8)]);
            for (free, switch) in functions {
                let function = Function {
                    switch: *switch,
                    ..Function::default()
                };
                node = node.behind(known.sriov, 0, (8, *free), function);
            }
            share(&node, &pod, &placed(&[1]))
        };
        for (functions, wanted) in [
            (&[(4, None)][..], 0),
            (&[(1, None), (1, None)], 666),
            (&[(1, Some(1)), (1, Some(1))], 666),
            (&[(1, Some(1)), (1, None)], 666),
            (&[(1, Some(1)), (1, Some(2))], 1000),
            (&[(2, Some(1)), (2, Some(2))], 666),
            (&[(3, Some(1)), (1, Some(2))], 500),
            (&[(4, Some(1)), (0, Some(2))], 0),
            (&[(1, None)], UNKNOWN),
            (&[], UNKNOWN),
            (&[(i64::MAX, Some(1)), (i64::MAX, Some(2))], 500),
        ] {
            assert_eq!(share(functions), wanted, "{functions:?}");
        }
    }

    #[test]
    fn only_what_is_in_the_pods_zones_counts() {
        let known = known();
        let node = node(2)
            .with(known.sriov, &[(8, 8), (8, 8)])
            .behind(known.sriov, 0, (8, 8), Function::default())
            .behind(known.sriov, 1, (8, 8), Function::default());
        let pod = pod(&[(known.sriov, 2)]);
        assert_eq!(share(&node, &pod, &placed(&[0b01])), 0);
        assert!(share(&node, &pod, &placed(&[0b11])) > 0);
    }
}
