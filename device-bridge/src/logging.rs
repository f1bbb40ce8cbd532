//! The log: JSON lines on standard error, because standard output belongs to the contract (the line that says where it
//! serves, the reply of `resolve`).

use tracing_subscriber::{EnvFilter, filter::ParseError};

/// What is logged where nobody says anything else. kube logs every failed request as an error; ours say what the request
/// was for.
const USUAL: &str = "info,kube_client::client::builder=off";

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

/// Sets up the log of the process.
///
/// # Errors
/// `level` is no filter, or there is a log already.
pub fn begin(level: Option<&str>) -> Result<(), LoggingError> {
    let filter = match level {
        Some(level) => EnvFilter::try_new(level).map_err(|source| LoggingError::Filter {
            level: level.to_owned(),
            source,
        })?,
        None => EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(USUAL)),
    };
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .try_init()
        .map_err(LoggingError::Taken)
}
