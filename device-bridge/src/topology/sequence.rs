//! The place of a report among all reports of a node: reports are compared by it alone, never by clocks.

/// Compared first by epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sequence {
    /// Grows with every start of the agent.
    pub epoch: u64,
    /// Grows with every report within an epoch.
    pub number: u64,
}

impl Sequence {
    /// The first of an agent that starts at `now`, in nanoseconds since 1970, and found a report of `published`. The clock
    /// of a node may have been put back meanwhile.
    #[must_use]
    pub fn first(now: u64, published: Option<u64>) -> Self {
        // What the API server keeps of a whole number is signed.
        let largest = u64::try_from(i64::MAX).unwrap_or(u64::MAX);
        let after = published.map_or(0, |epoch| epoch.saturating_add(1));
        Self {
            epoch: now.max(after).min(largest),
            number: 1,
        }
    }

    /// The next.
    #[must_use]
    pub const fn next(self) -> Self {
        Self {
            number: self.number.saturating_add(1),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever the clocks say, every report is after all reports before it.
        #[test]
        fn it_grows(starts in prop::collection::vec((0_u64..1 << 62, 1_usize..5), 1..8)) {
            let mut last: Option<Sequence> = None;
            for (now, reports) in starts {
                let mut sequence = Sequence::first(now, last.map(|last| last.epoch));
                for _ in 0..reports {
                    prop_assert!(last.is_none_or(|last| last < sequence));
                    last = Some(sequence);
                    sequence = sequence.next();
                }
            }
        }
    }
}
