//! How likely it is that a pod's devices of one resource do not fail together.

use super::share::{self, FULL, Mean, UNKNOWN};
use crate::{
    need::Need,
    node::{Function, FunctionCell, Node},
    placement::Placement,
    reach::{devices, within_reach},
    resource::Resources,
};

/// So many physical functions of a resource are looked at, as each is compared with each.
const MOST: usize = 32;

/// More devices than this are as good as this many: the product of two numbers of them stays a number.
const PLENTY: i64 = 1 << 16;

/// The chance that two of the free devices are of different physical functions; those of one switch, or of switches that
/// are not known, count two thirds.
pub(super) fn share(
    node: &Node,
    need: &Need,
    placement: &Placement,
    resources: &Resources,
) -> i64 {
    let mut mean = Mean::default();
    for (resource, amount) in devices(need, resources) {
        if amount > 1 {
            let there = within_reach(node, need, placement, resource);
            mean.add(chance(there).unwrap_or(UNKNOWN), 1);
        }
    }
    mean.value().unwrap_or(FULL)
}

/// Nothing, where fewer than two free devices have a known function.
fn chance<'a>(
    there: impl Iterator<Item = (&'a FunctionCell, Function)> + Clone,
) -> Option<i64> {
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
