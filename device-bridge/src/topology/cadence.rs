//! When a node is looked at again.

use std::time::Duration;

use tokio::time::Instant;

/// Changes come in bursts; a look waits until none has come for so long.
const QUIET: Duration = Duration::from_millis(200);

/// Yet it does not wait longer than this for a burst to end.
const LONGEST: Duration = Duration::from_secs(2);

/// The time between two looks at least, however much changes. Each is a call of the kubelet for the whole node, which
/// takes locks that allocating needs.
const GAP: Duration = Duration::from_secs(1);

/// The time after which a look that failed is repeated.
const AGAIN: Duration = Duration::from_secs(10);

/// What a look came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looked {
    /// Something was new, or the heartbeat was due, and it is published.
    Published,
    /// Nothing was new.
    Unchanged,
    /// The node could not be seen, or not be published.
    Failed,
}

/// What happened, as far as the next look is concerned.
#[derive(Clone, Debug)]
pub struct Cadence {
    heartbeat: Duration,
    looked: Option<(Instant, Looked)>,
    published: Option<Instant>,
    first_change: Option<Instant>,
    last_change: Option<Instant>,
}

impl Cadence {
    /// Nothing happened yet. Without changes something is published every `heartbeat`.
    #[must_use]
    pub const fn new(heartbeat: Duration) -> Self {
        Self {
            heartbeat,
            looked: None,
            published: None,
            first_change: None,
            last_change: None,
        }
    }

    /// Something changed, or may have.
    pub fn changed(&mut self, now: Instant) {
        self.first_change.get_or_insert(now);
        self.last_change = Some(now);
    }

    /// A look begins: what changed up to now is seen by it.
    pub const fn looks(&mut self) {
        self.first_change = None;
        self.last_change = None;
    }

    /// The look is over.
    pub fn looked(&mut self, now: Instant, looked: Looked) {
        self.looked = Some((now, looked));
        if looked == Looked::Published {
            self.published = Some(now);
        }
    }

    /// Whether the last look came to something, or is so long ago that another one may come to more.
    #[must_use]
    pub fn may_look_again(&self, now: Instant, patience: Duration) -> bool {
        self.looked
            .is_none_or(|(at, looked)| looked == Looked::Published || at + patience <= now)
    }

    /// When to look; `None` at once.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        let (looked, outcome) = self.looked?;
        let regular = match self.published {
            Some(published) if outcome != Looked::Failed => published + self.heartbeat,
            Some(_) | None => looked + AGAIN.min(self.heartbeat),
        };
        let regular = regular.max(looked + GAP);
        let by_change = self.first_change.zip(self.last_change);
        let by_change = by_change.map(|(first, last)| {
            let settled = (last + QUIET).min(first + LONGEST);
            settled.max(looked + GAP)
        });
        Some(by_change.map_or(regular, |due| due.min(regular)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEARTBEAT: Duration = Duration::from_secs(60);

    fn after(begin: Instant, cadence: &Cadence) -> u128 {
        cadence.due().unwrap().duration_since(begin).as_millis()
    }

    #[test]
    fn the_first_is_at_once_and_then_by_heartbeat() {
        let begin = Instant::now();
        let mut cadence = Cadence::new(HEARTBEAT);
        assert_eq!(cadence.due(), None);
        cadence.looks();
        cadence.looked(begin, Looked::Published);
        assert_eq!(after(begin, &cadence), 60_000);
        cadence.looked(begin, Looked::Failed);
        assert_eq!(after(begin, &cadence), 10_000);
        let late = begin + Duration::from_secs(40);
        cadence.looked(late, Looked::Unchanged);
        assert_eq!(after(begin, &cadence), 60_000);
        assert!(!cadence.may_look_again(late, AGAIN));
        assert!(cadence.may_look_again(late + AGAIN, AGAIN));
        // A heartbeat that fails is not repeated at once.
        let beat = begin + HEARTBEAT;
        cadence.looked(beat, Looked::Failed);
        assert_eq!(after(begin, &cadence), 70_000);
    }

    #[test]
    fn changes_settle_but_are_not_waited_for_without_end() {
        let begin = Instant::now();
        let at = |millis| begin + Duration::from_millis(millis);
        let looked = |changes: &[u64]| {
            let mut cadence = Cadence::new(HEARTBEAT);
            cadence.looked(begin, Looked::Published);
            for change in changes {
                cadence.changed(at(*change));
            }
            after(begin, &cadence)
        };
        assert_eq!(looked(&[5_000]), 5_200);
        assert_eq!(looked(&[5_000, 5_150]), 5_350);
        let storm: Vec<u64> = (0..100).map(|change| 5_000 + change * 100).collect();
        assert_eq!(looked(&storm), 7_000);
        assert_eq!(looked(&[100]), 1_000);
        assert_eq!(looked(&[59_950]), 60_000);
    }

    #[test]
    fn what_changes_during_a_look_is_looked_at_after_it() {
        let begin = Instant::now();
        let mut cadence = Cadence::new(HEARTBEAT);
        cadence.changed(begin);
        cadence.looks();
        cadence.changed(begin);
        cadence.looked(begin, Looked::Published);
        assert_eq!(after(begin, &cadence), 1_000);
        cadence.looks();
        cadence.looked(begin, Looked::Published);
        assert_eq!(after(begin, &cadence), 60_000);
    }
}
