//! Sets of zones of one size, from the lowest number to the highest.

use crate::zones::{MAX_ZONES, ZoneMask};

/// How many sets are looked at before the search is given up. The kubelet looks at all of them and therefore refuses to
/// start with more than eight zones unless it is told to; eight zones have 255 sets.
pub(super) const MOST: usize = 20_000;

/// The sets of `count` zones of `zones`, in the order of their numbers; at most [`MOST`].
pub(super) fn subsets(zones: ZoneMask, count: u32) -> impl Iterator<Item = ZoneMask> {
    let mut indexes = [0_u8; MAX_ZONES];
    let mut total = 0;
    for (at, index) in zones.indexes().enumerate() {
        indexes[at] = u8::try_from(index).unwrap_or_default();
        total += 1;
    }
    let end = 1_u128 << total;
    let mut next = (1_u128 << count) - 1;
    if count == 0 || count > total {
        next = end;
    }
    std::iter::from_fn(move || {
        if next >= end {
            return None;
        }
        let current = next;
        // The next larger number with as many bits (Gosper's hack).
        let lowest = current & current.wrapping_neg();
        let ripple = current + lowest;
        next = ripple | (((current ^ ripple) >> 2) / lowest);
        let mut set = ZoneMask::NONE;
        let mut rest = current;
        while rest != 0 {
            let at = rest.trailing_zeros() as usize;
            set = set.or(ZoneMask::of(usize::from(indexes[at])));
            rest &= rest - 1;
        }
        Some(set)
    })
    .take(MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_the_order_of_their_numbers() {
        let sets = |zones: u64, count| -> Vec<u64> {
            subsets(ZoneMask(zones), count).map(|set| set.0).collect()
        };
        assert_eq!(sets(0b1011, 1), [0b1, 0b10, 0b1000]);
        assert_eq!(sets(0b1011, 2), [0b11, 0b1001, 0b1010]);
        assert_eq!(sets(0b1011, 3), [0b1011]);
        assert_eq!(sets(0b1011, 4), [0; 0]);
        assert_eq!(sets(0b1011, 0), [0; 0]);
        assert_eq!(sets(0, 1), [0; 0]);
        assert_eq!(sets(u64::MAX, 64), [u64::MAX]);
        assert_eq!(sets(u64::MAX, 63).len(), 64);
        assert_eq!(sets(u64::MAX, 2).len(), 64 * 63 / 2);
        assert_eq!(sets(u64::MAX, 32).len(), MOST);
    }
}
