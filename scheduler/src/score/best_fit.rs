//! How much of what is near to the pod would be left over.

use super::share::{self, FULL, Mean};
use crate::{need::Need, node::Node, placement::Placement, resource::ResourceId};

/// By resource, how much of what there is in the pod's zones is held once the pod is there: rests are filled up before
/// whole zones are broken into. Devices count double, as what is short of them is what pods wait for.
pub(super) fn share(node: &Node, need: &Need, placement: &Placement) -> i64 {
    let mut mean = Mean::default();
    for &(resource, needed) in &need.total {
        let is_among = |amounts: &[(ResourceId, i64)]| {
            let at = amounts.binary_search_by_key(&resource, |(id, _)| *id);
            at.is_ok()
        };
        let is_device = is_among(&need.devices);
        if !is_device && !is_among(&need.aligned) {
            continue;
        }
        let Some(stock) = node.stock(resource) else {
            continue;
        };
        let zones = placement.zones_for(need, resource);
        let (mut allocatable, mut free) = (0_i64, 0_i64);
        if zones.is_empty() {
            (allocatable, free) = (stock.allocatable, stock.free);
        } else {
            let near = node.cells(stock).iter();
            for cell in near.filter(|cell| cell.zones.overlaps(zones)) {
                allocatable = allocatable.saturating_add(cell.allocatable);
                free = free.saturating_add(cell.free);
            }
        }
        let left = free.saturating_sub(needed).max(0);
        let held = allocatable.saturating_sub(left);
        mean.add(share::share(held, allocatable), 1 + i64::from(is_device));
    }
    mean.value().unwrap_or(FULL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{known, node, placed, pod};

    #[test]
    fn what_is_left_over_counts_where_the_pod_is() {
        let known = known();
        let pod = pod(&[(known.sriov, 1)]);
        for (zones, placement, wanted) in [
            ([(8, 8), (8, 8)], placed(&[0b1]), 125),
            ([(8, 4), (8, 8)], placed(&[0b1]), 625),
            ([(8, 1), (8, 8)], placed(&[0b1]), 1000),
            ([(8, 1), (8, 8)], placed(&[0b10]), 125),
            ([(8, 1), (8, 8)], placed(&[0]), 500),
            ([(8, -1), (8, 8)], placed(&[0b1]), 1000),
        ] {
            let node = node(2).with(known.sriov, &zones);
            let share = share(&node, &pod, &placement);
            assert_eq!(share, wanted, "{zones:?} {placement:?}");
        }
    }

    #[test]
    fn devices_count_double_and_what_is_not_aligned_not_at_all() {
        let known = known();
        let node = node(1)
            .with(ResourceId::CPU, &[(8000, 8000)])
            .with(known.sriov, &[(8, 1)]);
        let mut pod = pod(&[(ResourceId::CPU, 1000), (known.sriov, 1)]);
        let share = |pod: &Need| share(&node, pod, &placed(&[0b1]));
        assert_eq!(share(&pod), (125 + 2 * 1000) / 3);
        pod.aligned.remove(0);
        assert_eq!(share(&pod), 1000);
    }
}
