//! How much may be written in a time.

use std::time::Duration;

use scheduler::moment::Moment;

/// How many writes may follow each other at once, and how long one more takes to be allowed.
#[derive(Clone, Debug)]
pub struct Budget {
    most: u32,
    pause: Duration,
    left: u32,
    since: Moment,
}

impl Budget {
    /// `most` writes at once, and one more after each `pause`.
    #[must_use]
    pub const fn new(most: u32, pause: Duration, now: Moment) -> Self {
        Self {
            most,
            pause,
            left: most,
            since: now,
        }
    }

    /// How many writes are allowed now.
    pub fn left(&mut self, now: Moment) -> u32 {
        let nanoseconds = self.pause.as_nanos().max(1);
        let earned = now.since(self.since).as_nanos() / nanoseconds;
        let earned = u32::try_from(earned).unwrap_or(u32::MAX);
        self.left = self.left.saturating_add(earned).min(self.most);
        self.since = match self.left == self.most {
            true => now,
            false => self.since.plus(self.pause.saturating_mul(earned)),
        };
        self.left
    }

    /// Notes a write.
    pub fn spend(&mut self) {
        self.left = self.left.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spent_comes_back_slowly() {
        let at = |milliseconds| Moment::after(Duration::from_millis(milliseconds));
        let mut budget = Budget::new(3, Duration::from_millis(100), at(0));
        assert_eq!(budget.left(at(5000)), 3, "no more than at once");
        for left in [2, 1, 0, 0] {
            budget.spend();
            assert_eq!(budget.left(at(5000)), left);
        }
        assert_eq!(budget.left(at(5099)), 0);
        assert_eq!(budget.left(at(5150)), 1);
        // Half a pause is not lost.
        assert_eq!(budget.left(at(5200)), 2);
        assert_eq!(budget.left(at(50_000)), 3);
    }
}
