//! How often the kubelet is asked: well below the 100 calls a second, ten at once, that it answers all its clients together.

use std::{
    num::NonZeroU16,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

/// A token bucket. Who waits for a token gets it in the order of asking.
#[derive(Debug)]
pub(crate) struct Limiter {
    /// Between two tokens.
    interval: Duration,
    /// How far the calls may run ahead of an even pace.
    slack: Duration,
    /// When the next call would be at an even pace.
    next: Mutex<Option<Instant>>,
}

impl Limiter {
    pub(crate) fn new(per_second: NonZeroU16, burst: NonZeroU16) -> Self {
        let interval = Duration::from_secs(1) / u32::from(per_second.get());
        Self {
            interval,
            slack: interval * u32::from(burst.get() - 1),
            next: Mutex::new(None),
        }
    }

    /// Waits until a call may be made.
    pub(crate) async fn acquire(&self) {
        let at = self.reserve(Instant::now());
        if at > Instant::now() {
            sleep_until(at).await;
        }
    }

    /// When the call that is wanted at `now` may be made.
    fn reserve(&self, now: Instant) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let even = next.map_or(now, |next| next.max(now));
        *next = Some(even + self.interval);
        even.checked_sub(self.slack).map_or(now, |at| at.max(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(n: u16) -> NonZeroU16 {
        NonZeroU16::new(n).unwrap()
    }

    #[test]
    fn a_burst_and_then_an_even_pace() {
        let limiter = Limiter::new(number(20), number(5));
        let now = Instant::now();
        let waits: Vec<u128> = (0..8)
            .map(|_| (limiter.reserve(now) - now).as_millis())
            .collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 50, 100, 150]);
        // Whoever did not call for a while may call in a burst again, and in no larger one.
        let later = now + Duration::from_secs(60);
        let waits: Vec<u128> = (0..6)
            .map(|_| (limiter.reserve(later) - later).as_millis())
            .collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 50]);
    }

    #[test]
    fn a_burst_of_one() {
        let limiter = Limiter::new(number(10), number(1));
        let now = Instant::now();
        assert_eq!(limiter.reserve(now), now);
        assert_eq!(limiter.reserve(now), now + Duration::from_millis(100));
    }
}
