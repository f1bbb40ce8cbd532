//! The log: lines on standard error, because standard output belongs to the contract (the line that says where it serves,
//! the reply of `resolve`).

use clap::ValueEnum;
use opentelemetry_sdk::trace::Tracer;
use tracing::{Metadata, level_filters::LevelFilter};
use tracing_subscriber::{
    EnvFilter, Layer as _,
    filter::{ParseError, filter_fn},
    fmt,
    layer::SubscriberExt as _,
    registry,
    util::SubscriberInitExt as _,
};

/// What is logged where nobody says anything else. kube logs every failed request as an error; ours say what the request
/// was for.
const USUAL: &str = "info,kube_client::client::builder=off";

/// How a line is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// A JSON object, for collectors
    #[default]
    Json,
    /// Words, for people
    Text,
}

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

/// Sets up the log of the process, and its spans as traces where there is a tracer.
///
/// # Errors
/// `level` is no filter, or there is a log already.
pub fn begin(
    level: Option<&str>,
    format: LogFormat,
    tracer: Option<Tracer>,
) -> Result<(), LoggingError> {
    let filter = match level {
        Some(level) => EnvFilter::try_new(level).map_err(|source| LoggingError::Filter {
            level: level.to_owned(),
            source,
        })?,
        None => EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(USUAL)),
    };
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match format {
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .boxed(),
        LogFormat::Text => lines.with_ansi(false).boxed(),
    };
    let lines = lines.with_filter(filter);
    // Whatever the level of the log is: a trace without its spans is none.
    let traces = tracer.map(|tracer| {
        tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_filter(filter_fn(is_traced))
    });
    registry()
        .with(lines)
        .with(traces)
        .try_init()
        .map_err(|error| LoggingError::Taken(error.into()))
}

/// Our own spans and what happens in them; those of the libraries below would double the exporter's own.
fn is_traced(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with("device_bridge") && *metadata.level() <= LevelFilter::INFO
}
