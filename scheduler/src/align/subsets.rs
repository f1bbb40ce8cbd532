//! Sets of zones of one size, from the lowest number to the highest.

use crate::zones::{MAX_ZONES, ZoneMask};

/// Of more zones than these, sets of no more than two are looked at. The kubelet looks at all of them, 2⁸ for the eight
/// zones it is content with by default, and does not start with many more.
const MOST: u32 = 16;

/// The sets of `count` zones of `zones`, in the order of their numbers; see [`MOST`].
pub(super) fn subsets(zones: ZoneMask, count: u32) -> impl Iterator<Item = ZoneMask> {
    let mut indexes = [0_u8; MAX_ZONES];
    let mut total = 0;
    for (at, index) in zones.indexes().enumerate() {
        indexes[at] = u8::try_from(index).unwrap_or_default();
        total += 1;
    }
    let end = 1_u128 << total;
    let mut next = (1_u128 << count.min(MAX_ZONES as u32)) - 1;
    if count == 0 || count > total || total > MOST && count > 2 {
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
        assert_eq!(sets(0xffff, 8).len(), 12_870);
        assert_eq!(sets(0xffff, 16), [0xffff]);
        assert_eq!(sets(u64::MAX, 2).len(), 64 * 63 / 2);
        assert_eq!(sets(u64::MAX, 3), [0; 0]);
        assert_eq!(sets(1 << 63, 1), [1 << 63]);
    }
}
