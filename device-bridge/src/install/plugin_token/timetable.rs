//! When the API server is asked for the plugin's next token, and whether it still takes the one in hand.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::{Duration, SystemTime},
};

use tokio::time::Instant;

/// After which part of its life a token is renewed at the earliest, in hundredths: client-go's managers begin at 80 or 70.
const EARLIEST: u32 = 70;

/// Over how much of its life nodes are spread from there on, in hundredths: those that start together do not stay together.
const SPREAD: u32 = 10;

/// The first pause after the API server gave nothing.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// The longest pause after the API server gave nothing.
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// Which part of a token's life the longest pause is at most: of the quarter that is left then several tries are made.
const RETRIES_IN_A_LIFE: u32 = 20;

/// How often it is asked whether the API server takes the token. It does not, when the Node or the service account was made
/// anew, or the key was changed that signed it.
const CHECK: Duration = Duration::from_secs(300);

/// After what time an API server is asked again that binds no tokens to Nodes: it may have been upgraded.
const SELDOM: Duration = Duration::from_secs(3600);

/// The longest wait without a look at the clock: a machine that slept wakes up with a token that is over.
const LOOK: Duration = Duration::from_secs(60);

/// A point in time, by two clocks: one that nobody sets, and one that goes on while the machine sleeps.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// By the clock that nobody sets.
    pub instant: Instant,
    /// By the clock on the wall.
    pub wall: SystemTime,
}

impl Moment {
    /// This moment.
    #[must_use]
    pub fn now() -> Self {
        Self {
            instant: Instant::now(),
            wall: SystemTime::now(),
        }
    }

    /// What has passed since `then`, by the clock that says more. A token that is renewed early does no harm.
    #[must_use]
    pub fn since(&self, then: &Self) -> Duration {
        let wall = self.wall.duration_since(then.wall).unwrap_or_default();
        self.instant
            .saturating_duration_since(then.instant)
            .max(wall)
    }
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Ask for a token.
    Ask,
    /// Ask whether the token in hand is taken.
    Check,
    /// Wait, then ask again what is next.
    Wait(Duration),
}

#[derive(Clone, Copy, Debug)]
struct Due {
    from: Moment,
    after: Duration,
}

impl Due {
    fn left(&self, now: &Moment) -> Duration {
        self.after.saturating_sub(now.since(&self.from))
    }
}

/// What happened, as far as the next question to the API server is concerned.
#[derive(Clone, Debug)]
pub struct Timetable {
    /// By what nodes are told from each other.
    node: String,
    /// The life of the last token, or the one that is asked for.
    life: Duration,
    /// How many questions were asked: each is spread anew.
    asked: u64,
    failures: u32,
    ask: Option<Due>,
    check: Option<Due>,
    /// The end of the token in hand.
    end: Option<Due>,
}

impl Timetable {
    /// Nothing happened yet: a token with this life is asked for at once.
    #[must_use]
    pub const fn new(node: String, life: Duration) -> Self {
        Self {
            node,
            life,
            asked: 0,
            failures: 0,
            ask: None,
            check: None,
            end: None,
        }
    }

    /// What is to be done at `now`.
    #[must_use]
    pub fn next(&self, now: &Moment) -> Next {
        let left = |due: Option<Due>| due.map(|due| due.left(now));
        let Some(ask) = left(self.ask).filter(|left| !left.is_zero()) else {
            return Next::Ask;
        };
        match left(self.check) {
            Some(Duration::ZERO) => Next::Check,
            check => Next::Wait(check.unwrap_or(LOOK).min(ask).min(LOOK)),
        }
    }

    /// Whether there is a token in hand that is good at `now`, as far as is known.
    #[must_use]
    pub fn has_good(&self, now: &Moment) -> bool {
        self.end.is_some_and(|end| !end.left(now).is_zero())
    }

    /// The API server was asked at `asked` and gave a token that lives so long.
    pub fn granted(&mut self, asked: Moment, life: Duration) {
        self.life = life;
        self.failures = 0;
        let spread = self.spread();
        let due = |after| Some(Due { from: asked, after });
        self.ask = due(life / 100 * EARLIEST + (life / 100 * SPREAD).mul_f64(spread));
        self.check = due(CHECK.mul_f64(0.8 + 0.2 * spread));
        self.end = due(life);
    }

    /// The API server gave nothing at `now`.
    pub fn failed(&mut self, now: Moment) {
        let longest = LONGEST_RETRY.min(self.life / RETRIES_IN_A_LIFE);
        // Far above the longest pause, far below what overflows.
        let doubled = FIRST_RETRY * 2_u32.pow(self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        let after = doubled.min(longest).mul_f64(0.5 + 0.5 * self.spread());
        self.ask = Some(Due { from: now, after });
    }

    /// The API server binds no tokens to Nodes.
    pub fn unsupported(&mut self, now: Moment) {
        self.failures = 0;
        let after = SELDOM.mul_f64(0.8 + 0.2 * self.spread());
        self.ask = Some(Due { from: now, after });
        self.check = None;
        self.end = None;
    }

    /// The API server took the token at `now`, or could not be asked.
    pub fn checked(&mut self, now: Moment) {
        let after = CHECK.mul_f64(0.8 + 0.2 * self.spread());
        self.check = Some(Due { from: now, after });
    }

    /// The API server does not take the token: another one is asked for at once.
    pub fn rejected(&mut self) {
        self.ask = None;
        self.check = None;
        self.end = None;
    }

    /// From 0 to 1: another number for each node and each question, and the same one whenever it is computed again.
    fn spread(&mut self) -> f64 {
        self.asked = self.asked.wrapping_add(1);
        let mut hasher = DefaultHasher::new();
        (&self.node, self.asked).hash(&mut hasher);
        #[allow(
            clippy::cast_possible_truncation,
            reason = "sixteen of its bits are enough"
        )]
        let bits = hasher.finish() as u16;
        f64::from(bits) / f64::from(u16::MAX)
    }
}

#[cfg(test)]
#[path = "timetable_tests.rs"]
mod tests;
