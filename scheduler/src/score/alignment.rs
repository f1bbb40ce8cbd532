//! In how many zones the containers will be.

use super::share::FULL;
use crate::{need::Need, node::Node, placement::Placement};

/// By the container that is in most zones: all for one zone, a quarter for two, a ninth for three. A container of which the
/// kubelet aligns nothing on this node may be in all of them.
pub(super) fn share(node: &Node, need: &Need, placement: &Placement) -> i64 {
    let of_node = i64::try_from(node.zones.len()).unwrap_or(i64::MAX).max(1);
    let containers = need.containers.iter().zip(&placement.zones);
    let aligned = containers.filter(|(container, _)| !container.aligned.is_empty());
    let counts = aligned.map(|(_, zones)| match zones.count() {
        0 => of_node,
        count => i64::from(count),
    });
    let most = counts.max().unwrap_or(1);
    FULL / most.saturating_mul(most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{known, node, placed, pod};

    #[test]
    fn fewer_zones_are_better() {
        let known = known();
        let pod = pod(&[(known.sriov, 1)]);
        for (zones, placement, wanted) in [
            (2, placed(&[0b1]), 1000),
            (2, placed(&[0b10]), 1000),
            (2, placed(&[0b11]), 250),
            (4, placed(&[0b111]), 111),
            (4, placed(&[0]), 62),
            (1, placed(&[0]), 1000),
            (0, placed(&[0]), 1000),
        ] {
            assert_eq!(
                share(&node(zones), &pod, &placement),
                wanted,
                "{placement:?}"
            );
        }
    }

    #[test]
    fn the_container_in_most_zones_counts() {
        let known = known();
        let mut two = pod(&[(known.sriov, 1)]);
        two.containers.push(two.containers[0].clone());
        assert_eq!(share(&node(2), &two, &placed(&[0b1, 0b11])), 250);
        two.containers[1].aligned.clear();
        assert_eq!(share(&node(2), &two, &placed(&[0b1, 0])), 1000);
    }
}
