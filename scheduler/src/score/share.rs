//! Shares in thousandths, and their means.

/// All of it.
pub(super) const FULL: i64 = 1000;

/// What is not known is neither good nor bad.
pub(super) const UNKNOWN: i64 = FULL / 2;

/// `part` of `whole` in thousandths, within what a share can be; all of nothing.
pub(super) fn share(part: i64, whole: i64) -> i64 {
    if whole <= 0 {
        return FULL;
    }
    let part = part.clamp(0, whole);
    // Dividing what has more than 64 bits takes many times as long.
    if let Some(thousandths) = part.checked_mul(FULL) {
        return thousandths / whole;
    }
    let share = i128::from(part) * i128::from(FULL) / i128::from(whole);
    // It is at most FULL.
    i64::try_from(share).unwrap_or(FULL)
}

/// A mean by weight.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mean {
    sum: i64,
    weights: i64,
}

impl Mean {
    pub(super) fn add(&mut self, share: i64, weight: i64) {
        self.sum = self.sum.saturating_add(share.saturating_mul(weight));
        self.weights = self.weights.saturating_add(weight);
    }

    /// Nothing, where nothing was added.
    pub(super) fn value(self) -> Option<i64> {
        self.sum.checked_div(self.weights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares() {
        for (part, whole, wanted) in [
            (0, 8, 0),
            (4, 8, 500),
            (8, 8, FULL),
            (9, 8, FULL),
            (-1, 8, 0),
            (0, 0, FULL),
            (i64::MAX, i64::MAX, FULL),
            (i64::MIN, i64::MAX, 0),
        ] {
            assert_eq!(share(part, whole), wanted, "{part} of {whole}");
        }
        let mut mean = Mean::default();
        assert_eq!(mean.value(), None);
        mean.add(FULL, 1);
        mean.add(0, 3);
        assert_eq!(mean.value(), Some(250));
    }
}
