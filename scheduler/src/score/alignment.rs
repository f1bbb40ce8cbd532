//! In how many zones the containers will be.

use super::share::FULL;
use crate::{need::Need, node::Node, placement::Placement, zones::ZoneMask};

/// The farthest that zones are from each other (ACPI SLIT), and what is not told.
const FAR: i64 = 255;

/// How far a zone is from itself.
const NEAR: i64 = 10;

/// By the container that is worst off: all for one zone, up to a quarter for two, a ninth for three; the farther they are
/// from each other, the nearer to what one zone more counts. A container of which the kubelet aligns nothing on this node
/// may be in all of them.
pub(super) fn share(node: &Node, need: &Need, placement: &Placement) -> i64 {
    let containers = need.containers.iter().zip(&placement.zones);
    let aligned = containers.filter(|(container, _)| !container.aligned.is_empty());
    let shares = aligned.map(|(_, zones)| {
        if zones.is_empty() {
            of(node, ZoneMask::first(node.zones.len()))
        } else {
            of(node, *zones)
        }
    });
    shares.min().unwrap_or(FULL)
}

fn of(node: &Node, zones: ZoneMask) -> i64 {
    let count = i64::from(zones.count());
    if count < 2 {
        return FULL;
    }
    let at = |count: i64| FULL / (count * count);
    let (mut sum, mut ways) = (0, 0);
    for from in zones.indexes() {
        for to in zones.indexes().filter(|to| *to != from) {
            let way = node.distances.get(from * node.zones.len() + to);
            sum += match way {
                None | Some(0) => FAR,
                Some(way) => i64::from(*way).max(NEAR),
            };
            ways += 1;
        }
    }
    let mean = sum / i64::max(ways, 1);
    at(count + 1) + (at(count) - at(count + 1)) * (FAR - mean) / (FAR - NEAR)
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
            (2, placed(&[0b11]), 111),
            (4, placed(&[0b111]), 62),
            (4, placed(&[0]), 40),
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
        assert_eq!(share(&node(2), &two, &placed(&[0b1, 0b11])), 111);
        two.containers[1].aligned.clear();
        assert_eq!(share(&node(2), &two, &placed(&[0b1, 0])), 1000);
    }

    #[test]
    fn near_zones_are_better_than_far_ones_and_fewer_better_than_near_ones() {
        let known = known();
        let pod = pod(&[(known.sriov, 1)]);
        let share = |distances: &[u8], zones| {
            let mut node = node(3);
            node.distances = distances.into();
            share(&node, &pod, &placed(&[zones]))
        };
        let ways = [10, 12, 40, 12, 10, 40, 40, 40, 10];
        let near = share(&ways, 0b011);
        let far = share(&ways, 0b110);
        let unknown = share(&[], 0b110);
        let three = share(&[10; 9], 0b111);
        assert_eq!([near, far, unknown, three], [248, 232, 111, 111]);
        assert_eq!(share(&[0; 9], 0b011), unknown);
        assert_eq!(share(&[255; 9], 0b001), FULL);
    }
}
