//! Waiting, and what is said when it was in vain.

use std::time::{Duration, Instant};

/// Asks until there is an answer; panics with the last reason when there is none in time.
pub(crate) fn until<T>(
    what: &str,
    limit: Duration,
    mut ask: impl FnMut() -> Result<T, String>,
) -> T {
    let end = Instant::now() + limit;
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(why) if Instant::now() > end => {
                panic!("never within {} s: {what}: {why}", limit.as_secs())
            }
            Err(_) => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}
