//! The log: JSON lines on standard error, because standard output is for the lines that say where it serves.

use std::panic::{Location, PanicHookInfo};

use tracing::{debug, error};
use tracing_subscriber::{EnvFilter, filter::ParseError};

/// The log cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// A level or filter that is none.
    #[error("--log-level {level:?}: {source}; write a level such as info, or module=level")]
    Filter {
        /// What was given.
        level: String,
        /// What is wrong with it.
        source: ParseError,
    },
    /// Something else logs already.
    #[error("setting up the log: {0}")]
    Taken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Sets up the log of the process, panics among it.
///
/// # Errors
/// `level` is no filter, or there is a log already.
pub fn begin(level: Option<&str>) -> Result<(), LoggingError> {
    let filter = match level {
        Some(level) => EnvFilter::try_new(level).map_err(|source| LoggingError::Filter {
            level: level.to_owned(),
            source,
        })?,
        None => EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")),
    };
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .try_init()
        .map_err(LoggingError::Taken)?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// Logs where a panic is; what it says may quote a pod.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(Location::to_string);
    let location = location.as_deref().unwrap_or("unknown");
    error!(location, "Panic, a defect of this webhook");
    let payload = panic.payload();
    let words = payload.downcast_ref::<&str>().copied();
    let words = words.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let words = words.unwrap_or("no text");
    debug!(location, words, "Panic in full");
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        panic::{catch_unwind, set_hook, take_hook},
        sync::{Arc, Mutex},
        thread,
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(text);
            Ok(text.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_panic_is_logged_as_json_and_quotes_nothing_above_debug() {
        // The hook is the process's: other tests may panic meanwhile, on threads of their own.
        let (own, others) = (thread::current().id(), take_hook());
        set_hook(Box::new(move |panic| {
            if thread::current().id() == own {
                log_panic(panic);
            } else {
                others(panic);
            }
        }));
        let logged = |level| {
            let log = Log::default();
            let writer = log.clone();
            let subscriber = tracing_subscriber::fmt()
                .json()
                .flatten_event(true)
                .with_max_level(level)
                .with_writer(move || writer.clone())
                .finish();
            tracing::subscriber::with_default(subscriber, || {
                tracing::callsite::rebuild_interest_cache();
                let pod = "secret-pod";
                assert!(catch_unwind(|| panic!("no such {pod}")).is_err());
            });
            let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
            for line in text.lines() {
                serde_json::from_str::<serde_json::Value>(line).unwrap();
            }
            text
        };
        let (told, in_full) = (logged(tracing::Level::INFO), logged(tracing::Level::DEBUG));
        drop(take_hook());
        assert!(told.contains("webhook/src/logging.rs:"), "{told}");
        assert!(!told.contains("secret-pod"), "{told}");
        assert!(in_full.contains("secret-pod"), "{in_full}");
    }
}
