//! What makes the agent's spans that are not those of its log.

use std::time::SystemTime;

use opentelemetry::{
    Context, KeyValue,
    trace::{Link, Span as _, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt as _},
};
use opentelemetry_sdk::trace::{
    Config, IdGenerator as _, RandomIdGenerator, SamplingDecision, ShouldSample, Span, Tracer,
};
use spec::TraceContext;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::{
    Above,
    ids::chosen,
    past_span::{ADD, PastSpan},
};

/// There is one where spans are sent.
#[derive(Debug)]
pub(crate) struct Sending {
    tracer: Tracer,
    /// As the tracer's own is, which nobody can ask.
    sampler: Box<dyn ShouldSample>,
    ids: RandomIdGenerator,
}

impl Sending {
    pub(super) fn new(tracer: Tracer) -> Self {
        Self {
            tracer,
            sampler: Config::default().sampler,
            ids: RandomIdGenerator::default(),
        }
    }

    /// Names a span `ADD` that will be sent when the ADD is over; the flag `sampled` says whether it will.
    pub(crate) fn name_add(&self, above: &Above) -> Option<TraceContext> {
        let parent = above.parent().and_then(::telemetry::parent);
        let trace = parent
            .as_ref()
            .map_or_else(|| self.ids.new_trace_id(), SpanContext::trace_id);
        let context = parent.map(|parent| below(Some(parent)));
        let kind = SpanKind::Internal;
        let sampled = self
            .sampler
            .should_sample(context.as_ref(), trace, ADD, &kind, &[], &[]);
        let is_sent = sampled.decision == SamplingDecision::RecordAndSample;
        let id = self.ids.new_span_id();
        format!("00-{trace}-{id}-{:02x}", u8::from(is_sent))
            .parse()
            .ok()
    }

    /// Sends spans of what is over.
    pub(crate) fn send(&self, spans: impl IntoIterator<Item = PastSpan>) {
        for past in spans {
            self.send_one(past);
        }
    }

    fn send_one(&self, past: PastSpan) {
        let Some(own) = ::telemetry::parent(&past.own) else {
            return;
        };
        let link = past.link.as_ref().and_then(::telemetry::parent);
        let attributes = past.attributes.into_iter();
        let builder = SpanBuilder::from_name(past.name)
            .with_start_time(past.begun)
            .with_attributes(attributes.map(|(name, value)| KeyValue::new(name, value)))
            .with_links(link.into_iter().map(Link::with_context).collect());
        let parent = below(past.parent.as_ref().and_then(::telemetry::parent));
        let mut span = chosen(&own, || builder.start_with_context(&self.tracer, &parent));
        if let Some(code) = past.failed {
            span.set_status(Status::error(format!("CNI error {code}")));
        }
        span.end_with_timestamp(past.ended);
    }

    /// A stage of the current span, until it is dropped.
    pub(crate) fn stage(&self, name: &'static str, begun: SystemTime) -> Span {
        let builder = SpanBuilder::from_name(name).with_start_time(begun);
        builder.start_with_context(&self.tracer, &tracing::Span::current().context())
    }
}

/// A context in which spans become children of `parent`; without one, the first of a trace.
pub(super) fn below(parent: Option<SpanContext>) -> Context {
    parent.map_or_else(Context::new, |parent| {
        Context::new().with_remote_span_context(parent)
    })
}

#[cfg(test)]
#[path = "sending_tests.rs"]
mod tests;
