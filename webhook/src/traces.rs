//! Traces of reviews, and of what schedulers ask. Without a collector there is none of it, and nothing is looked at for it.
//!
//! A span tells where an object is and what was decided, and nothing else of it: the review's uid finds the rest in the API
//! server's audit log.

use std::time::SystemTime;

use api::pod::Pod;
use axum::http::HeaderMap;
use opentelemetry::{
    Context, KeyValue,
    trace::{SpanBuilder, SpanKind, TraceContextExt as _},
};
use opentelemetry_sdk::trace::{SdkTracer, Span};
use spec::TraceContext;
use telemetry::{Telemetry, TelemetryArgs, TelemetryError};

use crate::extender::verb::Verb;

mod ids;
#[cfg(test)]
pub(crate) mod kept;
mod review;
#[cfg(test)]
mod tests;

pub use review::{ReviewTrace, Stage};

/// Who sends.
const PROGRAM: &str = "polypod-webhook";

/// What makes spans, where they are sent.
#[derive(Clone, Debug, Default)]
pub struct Traces(Option<SdkTracer>);

impl Traces {
    /// Begins to send, if there is where to. Called within the runtime that carries the connection.
    ///
    /// # Errors
    /// The endpoint is none, or the protocol is not spoken.
    pub fn begin(args: &TelemetryArgs) -> Result<Option<Telemetry>, TelemetryError> {
        args.begin(PROGRAM, ids::Ids::default())
    }

    /// Those that `telemetry` sends.
    #[must_use]
    pub fn of(telemetry: Option<&Telemetry>) -> Self {
        Self(telemetry.map(Telemetry::tracer))
    }

    /// The trace of a review that begins now and came with `headers`.
    #[must_use]
    pub fn review(&self, headers: &HeaderMap) -> ReviewTrace<'_> {
        ReviewTrace::new(self.0.as_ref(), || caller(headers))
    }

    /// Now, where that is of interest.
    pub(crate) fn moment(&self) -> Option<SystemTime> {
        self.0.is_some().then(SystemTime::now)
    }

    /// The span of a scheduler's question about `pod`, until it is dropped. One that has no trace begins none: a scheduler
    /// asks about a pod as often as it likes.
    pub(crate) fn question(
        &self,
        verb: Verb,
        begun: Option<SystemTime>,
        pod: &Pod,
        nodes: usize,
    ) -> Option<Span> {
        let (tracer, begun) = (self.0.as_ref()?, begun?);
        let parent = admission::traceparent(pod)?;
        let metadata = &pod.metadata;
        let attributes = [
            KeyValue::new("namespace", metadata.namespace.clone()),
            KeyValue::new("pod", metadata.name.clone()),
            KeyValue::new("uid", metadata.uid.clone()),
            KeyValue::new("nodes", i64::try_from(nodes).unwrap_or(i64::MAX)),
        ];
        let builder = SpanBuilder::from_name(verb.as_str())
            .with_kind(SpanKind::Server)
            .with_start_time(begun)
            .with_attributes(attributes);
        Some(builder.start_with_context(tracer, &below(Some(&parent))))
    }
}

/// The span that the caller says it is in (W3C Trace Context, 3.2). API servers do where they trace.
fn caller(headers: &HeaderMap) -> Option<TraceContext> {
    headers.get("traceparent")?.to_str().ok()?.parse().ok()
}

/// A context in which spans become children of `parent`; without one, the first of a trace.
fn below(parent: Option<&TraceContext>) -> Context {
    let parent = parent.and_then(telemetry::parent);
    parent.map_or_else(Context::new, |parent| {
        Context::new().with_remote_span_context(parent)
    })
}
