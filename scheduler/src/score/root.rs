//! Whether the pod's network devices and its accelerators are likely to share a PCIe root.

use super::share::{self, FULL, Mean, UNKNOWN};
use crate::{
    need::Need,
    node::Node,
    placement::Placement,
    reach::{devices, within_reach},
    resource::Resources,
};

/// For a pod that demands devices with physical functions behind them and other devices of zones, on a node with
/// accelerators: how many of the free ones of the former have an accelerator on their PCIe root. Which resource is that of
/// the accelerators, no report tells; a device of a zone without a physical function is taken for one.
pub(super) fn share(
    node: &Node,
    need: &Need,
    placement: &Placement,
    resources: &Resources,
) -> i64 {
    if node.function_cells.is_empty() || node.accelerator_roots.is_empty() {
        return UNKNOWN;
    }
    let (mut mean, mut has_accelerator) = (Mean::default(), false);
    for (resource, _) in devices(need, resources) {
        if node.function_cells_of(resource).is_empty() {
            let stock = node.stock(resource);
            has_accelerator |= stock.is_some_and(|stock| !stock.cells.is_empty());
            continue;
        }
        let (mut shared, mut all) = (0_i64, 0_i64);
        for (cell, function) in within_reach(node, need, placement, resource) {
            let free = cell.free.max(0);
            all = all.saturating_add(free);
            let root = function.pcie_root;
            if root.is_some_and(|root| node.accelerator_roots.contains(&root)) {
                shared = shared.saturating_add(free);
            }
        }
        mean.add(if all == 0 { UNKNOWN } else { share::share(shared, all) }, 1);
    }
    match mean.value() {
        Some(share) if has_accelerator => share,
        _ => FULL,
    }
}
