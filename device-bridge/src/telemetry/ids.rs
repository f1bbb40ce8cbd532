//! Ids of spans: random ones, and those that were told before the span is sent.

use std::cell::Cell;

use opentelemetry::trace::{SpanContext, SpanId, TraceId};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

thread_local! {
    /// What the span gets that this thread begins next.
    static CHOSEN: Cell<Option<(TraceId, SpanId)>> = const { Cell::new(None) };
}

/// Makes ids for the agent's spans. A builder of spans takes none.
#[derive(Debug, Default)]
pub(super) struct Ids(RandomIdGenerator);

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        let chosen = CHOSEN.get().map(|(trace, _)| trace);
        chosen.unwrap_or_else(|| self.0.new_trace_id())
    }

    fn new_span_id(&self) -> SpanId {
        let chosen = CHOSEN.get().map(|(_, span)| span);
        chosen.unwrap_or_else(|| self.0.new_span_id())
    }
}

/// Begins one span, by `begin`, which has the ids of `context`.
pub(super) fn chosen<T>(context: &SpanContext, begin: impl FnOnce() -> T) -> T {
    CHOSEN.set(Some((context.trace_id(), context.span_id())));
    let begun = begin();
    CHOSEN.set(None);
    begun
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_unless_chosen() {
        let ids = Ids::default();
        let told = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let told = ::telemetry::parent(&told.parse().unwrap()).unwrap();
        let begun = chosen(&told, || (ids.new_span_id(), ids.new_trace_id()));
        assert_eq!(begun, (told.span_id(), told.trace_id()));
        assert_ne!(ids.new_span_id(), told.span_id());
        assert_ne!(ids.new_trace_id(), told.trace_id());
    }
}
