//! How little of the bandwidth behind the pod's devices is others'.

use super::share::{self, Mean, UNKNOWN};
use crate::{
    need::Need,
    node::Node,
    placement::Placement,
    reach::{devices, within_reach},
    resource::Resources,
};

/// How many of the devices of the functions in reach that have a link, or may have one, are free.
pub(super) fn share(
    node: &Node,
    need: &Need,
    placement: &Placement,
    resources: &Resources,
) -> i64 {
    let mut mean = Mean::default();
    for (resource, _) in devices(need, resources) {
        let (mut free, mut all) = (0_i64, 0_i64);
        for (cell, function) in within_reach(node, need, placement, resource) {
            if function.link_up != Some(false) {
                free = free.saturating_add(cell.free.max(0));
                all = all.saturating_add(cell.allocatable.max(0));
            }
        }
        mean.add(if all == 0 { UNKNOWN } else { share::share(free, all) }, 1);
    }
    mean.value().unwrap_or(UNKNOWN)
}
