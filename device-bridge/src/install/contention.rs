//! Other writers of our file: how often it is put back before that becomes a fight.

use std::time::{Duration, Instant};

/// The first wait after a file was put back in vain.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// How long nobody must have come by for the next one to be the first again.
const CALM: Duration = Duration::from_secs(600);

/// What other writers did so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Contention {
    last: Option<Instant>,
    wait: Duration,
}

/// Whether to put things back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Now.
    Now,
    /// After this time; whoever asks then is told so.
    After(Duration),
}

impl Contention {
    /// Somebody else's work was found at `now`. Once it is put back, [`put_back`](Self::put_back) is to be called.
    #[must_use]
    pub fn found(&self, now: Instant) -> Answer {
        let since = self.last.map(|last| now.saturating_duration_since(last));
        match since {
            Some(since) if since < self.wait => Answer::After(self.wait.saturating_sub(since)),
            Some(_) | None => Answer::Now,
        }
    }

    /// Things were put back at `now`: the next time has to wait for longer, unless it comes much later.
    pub fn put_back(&mut self, now: Instant) {
        let is_calm = self
            .last
            .is_none_or(|last| now.saturating_duration_since(last) >= CALM.max(self.wait * 2));
        self.wait = if is_calm {
            FIRST_WAIT
        } else {
            (self.wait * 2).min(LONGEST_WAIT)
        };
        self.last = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_limit_and_are_forgotten() {
        let begin = Instant::now();
        let mut contention = Contention::default();
        let mut now = begin;
        let mut waits = Vec::new();
        for _ in 0..12 {
            if let Answer::After(wait) = contention.found(now) {
                waits.push(wait.as_secs());
                now += wait;
            }
            assert_eq!(contention.found(now), Answer::Now);
            contention.put_back(now);
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        now += CALM;
        assert_eq!(contention.found(now), Answer::Now);
        contention.put_back(now);
        assert_eq!(contention.found(now), Answer::After(FIRST_WAIT));
    }
}
