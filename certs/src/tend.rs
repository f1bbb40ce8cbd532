//! One look at the store, and one step: what the leader among the replicas does again and again.

use time::OffsetDateTime;

use crate::carry_out::carry_out;
use crate::error::Error;
use crate::names::ServerNames;
use crate::rotation::{self, Observed, Reason, Step};
use crate::schedule::Schedule;
use crate::state::State;
use crate::store::{Bundle, Store};

/// What was found, and what is stored now.
#[derive(Debug)]
pub struct Tended {
    /// What is stored now.
    pub bundle: Option<Bundle>,
    /// The step that was taken.
    pub action: Action,
    /// What of the stored bundle could not be read.
    pub faults: Vec<Error>,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A step of the schedule.
    Step(Step),
    /// What was stored served nobody any more, and was replaced by what served last.
    Restored,
}

/// Why a step could not be taken; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum TendError<E: std::error::Error + 'static> {
    /// A certificate could not be made.
    #[error(transparent)]
    Certificate(#[from] Error),
    /// The store could not be read or written, or has changed meanwhile.
    #[error(transparent)]
    Store(E),
}

/// Looks at what is stored, lets `observe` see what the world makes of it, and takes the next step, if there is one.
///
/// `observe` is given what is stored, or [`Bundle::NOTHING`].
/// `last_good` is what this process serves. It is put back where what is stored was deleted or damaged: whatever its
/// clients trust, they trust that.
///
/// # Errors
/// See [`TendError`]; the caller looks again a little later.
pub async fn tend<S: Store>(
    store: &S,
    last_good: Option<&Bundle>,
    observe: impl AsyncFnOnce(&Bundle) -> Observed,
    schedule: &Schedule,
    names: &ServerNames,
    now: OffsetDateTime,
) -> Result<Tended, TendError<S::Error>> {
    let (stored, revision) = store.load().await.map_err(TendError::Store)?;
    let nothing = Bundle::NOTHING;
    let state = State::read(stored.as_ref().unwrap_or(&nothing));
    let faults = match stored {
        Some(_) => state.faults,
        // It is not damaged, there is none.
        None => Vec::new(),
    };
    let state = State {
        faults: Vec::new(),
        ..state
    };
    let observed = observe(stored.as_ref().unwrap_or(&nothing)).await;
    let step = rotation::next(now, &state, schedule, names, &observed);
    let heals = !matches!(step, Step::Wait { .. }) && state.check_chain(now).is_err();
    let good = last_good.filter(|good| heals && stored.as_ref() != Some(*good));
    let by_good = good.map(|good| (good, State::read(good)));
    let (action, bundle) = match by_good {
        Some((good, served)) if served.check_chain(now).is_ok() => {
            (Action::Restored, Some(good.clone()))
        }
        // What is served is from the future: the clock is wrong, and so would be what it dates.
        Some((_, served)) if served.written_after().is_some_and(|written| now < written) => {
            let until = served.written_after().unwrap_or(now);
            let reason = Reason::Clock;
            (Action::Step(Step::Wait { until, reason }), None)
        }
        _ => {
            let bundle = carry_out(step, now, stored.as_ref(), &state, schedule, names)?;
            (Action::Step(step), bundle)
        }
    };
    let bundle = match bundle {
        Some(bundle) => {
            store
                .save(&bundle, &revision)
                .await
                .map_err(TendError::Store)?;
            Some(bundle)
        }
        None => stored,
    };
    Ok(Tended {
        bundle,
        action,
        faults,
    })
}

#[cfg(test)]
mod tests;
