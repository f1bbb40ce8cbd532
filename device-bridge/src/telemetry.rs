//! The agent's traces, joined to those of the plugin. Without an endpoint there is none of it: no thread, no connection, no
//! span.

use std::sync::atomic::{AtomicBool, Ordering};

pub use ::telemetry::{Telemetry, TelemetryArgs, TelemetryError};
use opentelemetry::{Context, trace::TraceContextExt as _};
use opentelemetry_sdk::trace::RandomIdGenerator;
use spec::TraceContext;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// Who sends.
const PROGRAM: &str = "polypod-device-bridge";

/// Whether spans are recorded. Only then parents are looked for.
static IS_ON: AtomicBool = AtomicBool::new(false);

/// Begins to send, if there is where to. Called within the runtime that carries the connection.
///
/// # Errors
/// The endpoint is none, or the protocol is not spoken.
pub fn begin(args: &TelemetryArgs) -> Result<Option<Telemetry>, TelemetryError> {
    let telemetry = args.begin(PROGRAM, RandomIdGenerator::default())?;
    IS_ON.store(telemetry.is_some(), Ordering::Release);
    Ok(telemetry)
}

/// Makes `span` a child of the span that asks.
pub(crate) fn join(span: &Span, asking: Option<&TraceContext>) {
    if !IS_ON.load(Ordering::Acquire) {
        return;
    }
    if let Some(parent) = asking.and_then(::telemetry::parent)
        && let Err(error) = span.set_parent(Context::new().with_remote_span_context(parent))
    {
        tracing::debug!(%error, "A span has no parent");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_without_an_endpoint() {
        assert!(begin(&TelemetryArgs::default()).unwrap().is_none());
        assert!(!IS_ON.load(Ordering::Acquire));
    }
}
