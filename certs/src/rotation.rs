//! What is to be done next about the stored certificates: renewing the server's, and replacing the CA in three phases.
//!
//! A pure function of what is stored, what is seen and the time. Whoever asks, however often, and whatever happened to
//! those who asked before, it goes on where the stored state is.

use time::OffsetDateTime;

use crate::due::{due_at, leaf_due_at};
use crate::names::ServerNames;
use crate::schedule::Schedule;
use crate::state::{Phase, State};

/// What is seen of the world beside what is stored. Each is a moment since when something has been true without a break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observed {
    /// What is stored is as it is. Stands in for a stored moment that is missing.
    pub stored: OffsetDateTime,
    /// Clients are told to trust exactly the stored CAs; `None` while they are not.
    pub published: Option<OffsetDateTime>,
    /// Every endpoint that can be asked proves itself to a client that trusts the issuing CA alone; `None` while one does not.
    pub served: Option<OffsetDateTime>,
}

/// What has to be done about the certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing before this moment, unless what is observed changes.
    Wait {
        /// When to ask again; always later than the moment that was asked about.
        until: OffsetDateTime,
        /// What is waited for.
        reason: Reason,
    },
    /// Nothing usable is there: make a CA and a server certificate from it. CAs that are trusted stay trusted for a while.
    Generate,
    /// Issue a new server certificate from the CA that is there.
    RenewLeaf,
    /// Make the next CA and let clients trust it beside the old one.
    TrustBoth,
    /// Issue the server certificate from the next CA, which is the issuing one from here on.
    ServeNew,
    /// No longer trust any but the issuing CA.
    DropOld,
}

/// What a [`Step::Wait`] waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The time to renew something.
    Due,
    /// Clients to hear of a CA, or of its end.
    Published,
    /// Every endpoint to serve the new certificate.
    Served,
    /// This machine's clock: what is stored was written later than it says now is.
    Clock,
}

impl Reason {
    /// What is waited for, in words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Due => "the time to renew",
            Self::Published => "clients to trust both CAs",
            Self::Served => "every endpoint to serve the new certificate",
            Self::Clock => "this machine's clock, which is behind what is stored",
        }
    }
}

/// What has to be done at `now`.
pub fn next(
    now: OffsetDateTime,
    state: &State,
    schedule: &Schedule,
    names: &ServerNames,
    observed: &Observed,
) -> Step {
    // A wrong clock dates wrongly: what it would write could be over before it begins.
    if let Some(until) = state.written_after().filter(|written| now < *written) {
        let reason = Reason::Clock;
        return Step::Wait { until, reason };
    }
    if state.check_chain(now).is_err() {
        return heal(now, state);
    }
    let is_misnamed = state.check(names, now).is_err();
    let issues = |ca: &crate::authority::Authority| ca.validity().contains(now);
    if is_misnamed && state.authority.as_ref().is_some_and(issues) {
        return Step::RenewLeaf;
    }
    let begun = state.since.unwrap_or(observed.stored);
    let after = |seen: Option<OffsetDateTime>| Some(seen?.max(begun) + schedule.propagation());
    let (awaited, reason, step) = match state.phase() {
        Phase::Stable => {
            let due = state.authority.as_ref().map(|ca| due_at(ca.validity()));
            (Some(due.unwrap_or(now)), Reason::Due, Step::TrustBoth)
        }
        Phase::TrustBoth => (after(observed.published), Reason::Published, Step::ServeNew),
        Phase::ServeNew => (after(observed.served), Reason::Served, Step::DropOld),
    };
    if awaited.is_some_and(|moment| moment <= now) {
        return step;
    }
    let renewal = renewal(state, schedule, now);
    match (awaited, renewal) {
        (_, Some(due)) if due <= now => Step::RenewLeaf,
        (Some(until), Some(due)) if due < until => Step::Wait { until: due, reason },
        (Some(until), _) | (None, Some(until)) => Step::Wait { until, reason },
        (None, None) => Step::Wait {
            until: now + schedule.propagation().max(time::Duration::SECOND),
            reason,
        },
    }
}

/// What is stored serves nobody: the shortest way to something that does.
fn heal(now: OffsetDateTime, state: &State) -> Step {
    let valid = |ca: &crate::authority::Authority| ca.validity().contains(now);
    match (&state.authority, &state.next) {
        (Some(authority), _) if valid(authority) => Step::RenewLeaf,
        (_, Some(next)) if valid(next) => Step::ServeNew,
        _ => Step::Generate,
    }
}

/// When the server certificate is to be renewed, if a new one would last longer than the present one.
fn renewal(state: &State, schedule: &Schedule, now: OffsetDateTime) -> Option<OffsetDateTime> {
    let (authority, leaf) = (state.authority.as_ref()?, state.leaf.as_ref()?);
    let due = leaf_due_at(leaf);
    let renewed = (due.max(now) + schedule.leaf_life()).min(authority.validity().not_after());
    (leaf.validity().not_after() < renewed).then_some(due)
}

#[cfg(test)]
mod tests;
