//! Ids of spans that webhooks know again.

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

/// Random ids, as [`admission::span_id`] makes them.
#[derive(Debug, Default)]
pub(super) struct Ids(RandomIdGenerator);

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        self.0.new_trace_id()
    }

    fn new_span_id(&self) -> SpanId {
        let random = u64::from_be_bytes(self.0.new_span_id().to_bytes());
        SpanId::from(admission::span_id(random))
    }
}
