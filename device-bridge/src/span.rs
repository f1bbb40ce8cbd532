//! The spans of the log, which carry the trace that a request belongs to.

use spec::{
    TraceContext,
    bridge::{Question, Report},
};
use tracing::{Span, field::Empty};

use crate::telemetry::{Above, join, join_below};

/// The span in which a question is answered: in the caller's trace, until it is [`put_into`] another.
pub(crate) fn question_span(question: &Question) -> Span {
    let span = tracing::info_span!(
        "question",
        namespace = %question.pod.namespace,
        pod = %question.pod.name,
        uid = question.pod.uid,
        container_id = %question.container_id,
        trace_id = Empty,
    );
    join(&span, question.traceparent.as_ref());
    span
}

/// Puts the span of a question, which nobody has entered yet, into the trace that the sandbox is in.
pub(crate) fn put_into(span: &Span, parent: Option<&TraceContext>) {
    if let Some(parent) = parent {
        span.record("trace_id", parent.trace_id());
        join(span, Some(parent));
    }
}

/// The span in which a report is published.
pub(crate) fn report_span(report: &Report) -> Span {
    let above = Above::of_report(report);
    let parent = report.add.as_ref().or_else(|| above.parent());
    let span = tracing::info_span!(
        "report",
        namespace = %report.pod.namespace,
        pod = %report.pod.name,
        uid = report.pod.uid,
        container_id = %report.container_id,
        trace_id = parent.map(TraceContext::trace_id),
    );
    match &report.add {
        Some(add) => join(&span, Some(add)),
        None => join_below(&span, &above),
    }
    span
}
