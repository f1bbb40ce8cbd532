//! The agent's traces, joined to those of admission, runtime and plugin. Without an endpoint there is none of it: no thread, no
//! connection, no span.

use std::sync::OnceLock;

pub use ::telemetry::{Telemetry, TelemetryArgs, TelemetryError};
use opentelemetry::trace::TraceContextExt as _;
use spec::TraceContext;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

mod above;
mod ids;
mod past_span;
mod sending;

pub(crate) use self::{above::Above, past_span::PastSpan, sending::Sending};

/// Who sends.
const PROGRAM: &str = "polypod-device-bridge";

/// What sends, if anything does. Only then parents are looked for.
static SENDING: OnceLock<Sending> = OnceLock::new();

/// Begins to send, if there is where to. Called within the runtime that carries the connection.
///
/// # Errors
/// The endpoint is none, or the protocol is not spoken.
pub fn begin(args: &TelemetryArgs) -> Result<Option<Telemetry>, TelemetryError> {
    let telemetry = args.begin(PROGRAM, ids::Ids::default())?;
    if let Some(telemetry) = &telemetry {
        SENDING.get_or_init(|| Sending::new(telemetry.tracer()));
    }
    Ok(telemetry)
}

/// What sends, where spans are sent.
pub(crate) fn sending() -> Option<&'static Sending> {
    SENDING.get()
}

/// Makes `span`, which nobody has entered yet, a child of `parent`.
pub(crate) fn join(span: &Span, parent: Option<&TraceContext>) {
    if sending().is_none() {
        return;
    }
    if let Some(parent) = parent.and_then(::telemetry::parent)
        && let Err(error) = span.set_parent(sending::below(Some(parent)))
    {
        tracing::debug!(%error, "A span has no parent");
    }
}

/// Makes `span`, which nobody has entered yet, a child of what is above it, and links it to what else is.
pub(crate) fn join_below(span: &Span, above: &Above) {
    join(span, above.parent());
    if sending().is_some()
        && let Some(link) = above.link().and_then(::telemetry::parent)
    {
        span.add_link(link);
    }
}

/// The current span, as others are told of it; none where it is not sent.
pub(crate) fn current() -> Option<TraceContext> {
    sending()?;
    ::telemetry::told(Span::current().context().span().span_context())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_without_an_endpoint() {
        assert!(begin(&TelemetryArgs::default()).unwrap().is_none());
        assert!(sending().is_none());
        assert_eq!(current(), None);
    }
}
