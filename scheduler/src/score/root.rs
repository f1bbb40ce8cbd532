//! Whether the pod's network devices and its accelerators are likely to share a PCIe root.

use super::share::{self, FULL, Mean, UNKNOWN};
use crate::{need::Need, node::Node, placement::Placement, reach::within_reach};

/// For a pod that demands devices with physical functions behind them and other devices of zones, on a node with
/// accelerators: how many of the free ones of the former have an accelerator on their PCIe root. Which resource is that of
/// the accelerators, no report tells; a device of a zone without a physical function is taken for one.
pub(super) fn share(node: &Node, need: &Need, placement: &Placement) -> i64 {
    if node.function_cells.is_empty() || node.accelerator_roots.is_empty() {
        return UNKNOWN;
    }
    let (mut mean, mut has_accelerator) = (Mean::default(), false);
    for &(resource, _) in &need.devices {
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
        mean.add(
            if all == 0 {
                UNKNOWN
            } else {
                share::share(shared, all)
            },
            1,
        );
    }
    match mean.value() {
        Some(share) if has_accelerator => share,
        _ => FULL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fixture::{known, node, placed, pod},
        node::Function,
    };

    #[test]
    fn free_devices_beside_accelerators_count() {
        let known = known();
        let pod = pod(&[(known.sriov, 1), (known.gpu, 1)]);
        let at = |root| Function {
            pcie_root: root,
            ..Function::default()
        };
        let share = |functions: [(Option<u16>, i64); 2], accelerators: &[u16], placement| {
            let mut node = node(2)
                .with(known.sriov, &[(8, 8), (8, 8)])
                .with(known.gpu, &[(1, 1), (1, 1)]);
            for (zone, (root, free)) in functions.into_iter().enumerate() {
                node = node.behind(known.sriov, zone, (8, free), at(root));
            }
            node.accelerator_roots = accelerators.into();
            share(&node, &pod, &placed(&[placement]))
        };
        let functions = [(Some(1), 3), (Some(2), 1)];
        for (accelerators, zones, wanted) in [
            (&[1, 2][..], 0b11, 1000),
            (&[1], 0b11, 750),
            (&[1], 0b01, 1000),
            (&[1], 0b10, 0),
            (&[7], 0b11, 0),
            (&[], 0b11, UNKNOWN),
        ] {
            assert_eq!(
                share(functions, accelerators, zones),
                wanted,
                "{accelerators:?} {zones}"
            );
        }
        assert_eq!(share([(None, 1), (None, 1)], &[1], 0b11), 0);
        assert_eq!(share([(Some(1), 0), (Some(2), 0)], &[1], 0b11), UNKNOWN);
    }

    #[test]
    fn nothing_is_wished_for_where_no_resource_is_that_of_accelerators() {
        let known = known();
        let mut node = node(1)
            .with(known.sriov, &[(8, 8)])
            .with(known.other, &[(8, 8)])
            .behind(known.sriov, 0, (8, 8), Function::default())
            .behind(known.other, 0, (8, 8), Function::default());
        node.accelerator_roots = [1].into();
        let pod = pod(&[(known.sriov, 1), (known.other, 1)]);
        assert_eq!(share(&node, &pod, &placed(&[1])), FULL);
    }
}
