//! How much of a resource is in use, and how far what is free is scattered.

use serde::Serialize;

/// How much of a resource is in use, in devices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Share {
    /// Healthy devices, held or not.
    pub(super) devices: i64,
    /// Devices that are unhealthy and still held.
    pub(super) unhealthy: i64,
    /// Healthy devices that pods hold.
    pub(super) held: i64,
    /// Devices that pods demand that are bound here and that the report has not yet: the free ones are as many fewer.
    pub(super) assumed: i64,
    /// Devices that nobody holds.
    pub(super) free: i64,
    /// The largest number of free devices that one NUMA zone of one node can give together: the largest request that can
    /// still be aligned with one zone. Devices that are aligned with no zone are in every zone's number.
    pub(super) largest_aligned: i64,
    /// Free devices that are no part of their node's `largestAligned`.
    pub(super) scattered: i64,
    /// `scattered` in hundredths of `free`, rounded down; 0 where nothing is free.
    pub(super) fragmentation_percent: i64,
}

impl Share {
    /// The share of a node, of which so many are free in each zone and so many in none.
    pub(super) fn of_node(
        allocatable: i64,
        capacity: i64,
        free: i64,
        by_zone: &[i64],
        in_no_zone: i64,
        assumed: i64,
    ) -> Self {
        let most = by_zone.iter().copied().max().unwrap_or_default();
        // A device of several zones is in the number of each.
        let largest_aligned = most.saturating_add(in_no_zone).min(free);
        let scattered = free - largest_aligned;
        Self {
            devices: allocatable,
            unhealthy: capacity.saturating_sub(allocatable).max(0),
            held: allocatable.saturating_sub(free).max(0),
            assumed,
            free,
            largest_aligned,
            scattered,
            fragmentation_percent: percent(scattered, free),
        }
    }

    /// The share of two parts of a cluster.
    pub(super) fn and(self, other: Self) -> Self {
        let free = self.free.saturating_add(other.free);
        let scattered = self.scattered.saturating_add(other.scattered);
        Self {
            devices: self.devices.saturating_add(other.devices),
            unhealthy: self.unhealthy.saturating_add(other.unhealthy),
            held: self.held.saturating_add(other.held),
            assumed: self.assumed.saturating_add(other.assumed),
            free,
            largest_aligned: self.largest_aligned.max(other.largest_aligned),
            scattered,
            fragmentation_percent: percent(scattered, free),
        }
    }

    /// How much of it is held, in hundredths.
    pub(super) fn used_percent(&self) -> i64 {
        percent(self.held, self.devices)
    }
}

fn percent(part: i64, whole: i64) -> i64 {
    part.saturating_mul(100)
        .checked_div(whole)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_zone_can_give_together_is_scattered() {
        for (by_zone, none, free, largest, scattered, hundredths) in [
            (vec![], 0, 0, 0, 0, 0),
            (vec![4, 0], 0, 4, 4, 0, 0),
            (vec![2, 2], 0, 4, 2, 2, 50),
            (vec![3, 1], 0, 4, 3, 1, 25),
            // Devices of no zone go with each, those of several zones are in each.
            (vec![2, 2], 3, 7, 5, 2, 28),
            (vec![2, 2], 0, 2, 2, 0, 0),
            (vec![], 5, 5, 5, 0, 0),
        ] {
            let share = Share::of_node(8, 9, free, &by_zone, none, 1);
            let found = (
                share.largest_aligned,
                share.scattered,
                share.fragmentation_percent,
            );
            assert_eq!(found, (largest, scattered, hundredths), "{by_zone:?}");
            assert_eq!((share.held, share.unhealthy), (8 - free, 1));
        }
    }

    #[test]
    fn a_cluster_has_the_largest_of_its_nodes_and_the_sum_of_what_is_scattered() {
        let one = Share::of_node(8, 8, 4, &[2, 2], 0, 0);
        let other = Share::of_node(8, 8, 4, &[4, 0], 0, 2);
        let both = one.and(other);
        assert_eq!((both.free, both.largest_aligned, both.scattered), (8, 4, 2));
        assert_eq!((both.fragmentation_percent, both.used_percent()), (25, 50));
        assert_eq!(both.assumed, 2);
        assert_eq!(Share::default().used_percent(), 0);
    }
}
