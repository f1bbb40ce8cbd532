//! Waiting for a condition, but not for ever.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

use super::interrupt;

/// Between two looks: short beside anything the demo waits for, long enough to cost nothing.
const PAUSE: Duration = Duration::from_millis(5);

/// Looks until there is something, at most for `limit`. `what` completes "waited for …".
/// Gives up at once when the demo is interrupted.
pub(super) fn wait_for<T>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    wait_through(what, limit, || {
        let found = look()?;
        if found.is_none() {
            interrupt::check()?;
        }
        Ok(found)
    })
}

/// As [`wait_for`], but waits on when the demo is interrupted: for what must not be left half done.
pub(super) fn wait_through<T>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let began = Instant::now();
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if began.elapsed() >= limit {
            bail!("waited {} s in vain for {what}", limit.as_secs());
        }
        thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_what_appears_and_gives_up() {
        let mut looks = 0;
        let found = wait_for("the third look", Duration::from_secs(5), || {
            looks += 1;
            Ok((looks == 3).then_some(looks))
        });
        assert_eq!(found.unwrap(), 3);
        let error = wait_for::<()>("nothing", Duration::ZERO, || Ok(None)).unwrap_err();
        assert_eq!(error.to_string(), "waited 0 s in vain for nothing");
    }
}
