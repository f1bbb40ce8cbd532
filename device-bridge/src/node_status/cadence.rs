//! When the status is written. Each write is one of the whole object, which has a megabyte on a full node, and is sent to
//! everybody who watches it.

use std::time::Duration;

use tokio::time::Instant;

/// How long a change is let settle: what is over after that was not worth telling.
const SETTLE: Duration = Duration::from_secs(1);

/// How long a process that starts may take until it has looked at everything.
const START: Duration = Duration::from_secs(10);

/// The time between two writes at least, however much changes.
const GAP: Duration = Duration::from_secs(10);

/// The pause after a write that failed, the first time.
const FIRST_PAUSE: Duration = Duration::from_secs(10);

/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// What happened, as far as the next write is concerned.
#[derive(Clone, Debug)]
pub struct Cadence {
    began: Instant,
    changed: Option<Instant>,
    written: Option<Instant>,
    again: Option<Instant>,
    pause: Duration,
}

impl Cadence {
    /// Nothing happened yet.
    #[must_use]
    pub const fn new(now: Instant) -> Self {
        Self {
            began: now,
            changed: None,
            written: None,
            again: None,
            pause: FIRST_PAUSE,
        }
    }

    /// What is to be written is not what is there.
    pub fn differs(&mut self, now: Instant) {
        self.changed.get_or_insert(now);
    }

    /// There is nothing to write any more.
    pub const fn agrees(&mut self) {
        self.changed = None;
    }

    /// It is written.
    pub const fn written(&mut self, now: Instant) {
        self.changed = None;
        self.written = Some(now);
        self.again = None;
        self.pause = FIRST_PAUSE;
    }

    /// It could not be written; the next pause is longer.
    pub fn failed(&mut self, now: Instant) {
        self.again = Some(now + self.pause);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    /// The object is another one: what failed may come about.
    pub const fn renewed(&mut self) {
        self.again = None;
        self.pause = FIRST_PAUSE;
    }

    /// When to write, if there is something to be written. `is_settled` is whether everything was looked at.
    #[must_use]
    pub fn due(&self, is_settled: bool) -> Option<Instant> {
        let ripe = self.changed? + SETTLE;
        let started = (!is_settled).then(|| self.began + START);
        let gap = self.written.map(|written| written + GAP);
        [started, gap, self.again]
            .into_iter()
            .flatten()
            .max()
            .max(Some(ripe))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_change_settles_and_writes_keep_apart() {
        let begin = Instant::now();
        let mut cadence = Cadence::new(begin);
        assert_eq!(cadence.due(true), None);
        cadence.differs(begin);
        cadence.differs(begin + seconds(5));
        assert_eq!(
            cadence.due(true),
            Some(begin + seconds(1)),
            "from the first on"
        );
        assert_eq!(cadence.due(false), Some(begin + seconds(10)));
        cadence.agrees();
        assert_eq!(cadence.due(true), None, "it was over in time");
        cadence.differs(begin + seconds(20));
        assert_eq!(cadence.due(false), Some(begin + seconds(21)));
        cadence.written(begin + seconds(21));
        assert_eq!(cadence.due(true), None);
        cadence.differs(begin + seconds(22));
        assert_eq!(cadence.due(true), Some(begin + seconds(31)));
        cadence.agrees();
        cadence.differs(begin + seconds(60));
        assert_eq!(cadence.due(true), Some(begin + seconds(61)));
    }

    #[test]
    fn what_fails_is_tried_ever_less_often() {
        let begin = Instant::now();
        let mut cadence = Cadence::new(begin);
        cadence.differs(begin);
        for pause in [10, 20, 40, 80, 160, 300, 300] {
            cadence.failed(begin);
            assert_eq!(cadence.due(true), Some(begin + seconds(pause)));
        }
        cadence.renewed();
        assert_eq!(cadence.due(true), Some(begin + seconds(1)));
        cadence.failed(begin);
        assert_eq!(cadence.due(true), Some(begin + seconds(10)));
        cadence.written(begin + seconds(10));
        cadence.differs(begin + seconds(30));
        assert_eq!(cadence.due(true), Some(begin + seconds(31)));
    }
}
