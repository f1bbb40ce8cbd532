//! Sets of a node's NUMA zones.

/// The most zones of a node that are taken into account; the kubelet's own default is eight.
pub const MAX_ZONES: usize = 64;

/// A set of zones of one node: bit `i` is the zone with the `i`-th lowest id. Ids may be sparse and large, bits are not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZoneMask(pub u64);

impl ZoneMask {
    /// No zone.
    pub const NONE: Self = Self(0);

    /// The zone with the `index`-th lowest id alone.
    ///
    /// # Panics
    /// The index is not below [`MAX_ZONES`].
    #[must_use]
    pub const fn of(index: usize) -> Self {
        assert!(index < MAX_ZONES, "a node has fewer zones");
        Self(1 << index)
    }

    /// The first `count` zones.
    #[must_use]
    pub const fn first(count: usize) -> Self {
        match count {
            0 => Self(0),
            MAX_ZONES.. => Self(u64::MAX),
            _ => Self(u64::MAX >> (MAX_ZONES - count)),
        }
    }

    /// How many zones.
    #[must_use]
    pub const fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// Whether it has none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether both have a zone in common.
    #[must_use]
    pub const fn overlaps(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// What both have in common.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What either has.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The indexes of its zones, from the lowest.
    pub fn indexes(self) -> impl Iterator<Item = usize> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let lowest = rest.trailing_zeros() as usize;
            (rest != 0).then(|| {
                rest &= rest - 1;
                lowest
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets() {
        let both = ZoneMask::of(0).or(ZoneMask::of(63));
        assert_eq!(both.count(), 2);
        assert_eq!(both.indexes().collect::<Vec<_>>(), [0, 63]);
        assert!(both.overlaps(ZoneMask::of(63)) && !both.overlaps(ZoneMask::of(1)));
        assert_eq!(both.and(ZoneMask::of(0)), ZoneMask::of(0));
        assert_eq!(ZoneMask::first(3), ZoneMask(7));
        assert_eq!(ZoneMask::first(64).count(), 64);
        assert!(ZoneMask::first(0).is_empty());
    }
}
