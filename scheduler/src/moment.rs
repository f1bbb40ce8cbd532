//! Time, as whoever asks says it is.

use std::time::Duration;

/// A moment of a clock that never goes back, since an arbitrary beginning. The engine has no clock of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(Duration);

impl Moment {
    /// So long after the beginning.
    #[must_use]
    pub const fn after(beginning: Duration) -> Self {
        Self(beginning)
    }

    /// How long ago `earlier` was; nothing if it is yet to come.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// So much later.
    #[must_use]
    pub const fn plus(self, pause: Duration) -> Self {
        Self(self.0.saturating_add(pause))
    }
}
