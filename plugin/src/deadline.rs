//! How long a verb may take, below what the runtime allows, so that there is time left to undo what failed.

use std::time::{Duration, Instant};

/// The time of one verb.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    /// When attaching ends.
    pub attaching: Instant,
    /// When everything ends, undoing included.
    pub end: Instant,
}

impl Deadline {
    /// From `now` on for `timeout`, of which the last quarter is for undoing.
    #[must_use]
    pub fn from(now: Instant, timeout: Duration) -> Self {
        Self {
            attaching: now + timeout * 3 / 4,
            end: now + timeout,
        }
    }
}

/// The time until `until`, zero when it has passed.
#[must_use]
pub fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now())
}
