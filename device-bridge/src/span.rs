//! The spans of the log, which carry the trace that a request belongs to.

use spec::{
    TraceContext,
    bridge::{Question, Report},
};
use tracing::Span;

use crate::telemetry::join;

/// The span in which a question is answered.
pub(crate) fn question_span(question: &Question) -> Span {
    let span = tracing::info_span!(
        "question",
        namespace = %question.pod.namespace,
        pod = %question.pod.name,
        uid = question.pod.uid,
        container_id = %question.container_id,
        trace_id = question.traceparent.as_ref().map(TraceContext::trace_id),
    );
    join(&span, question.traceparent.as_ref());
    span
}

/// The span in which a report is published.
pub(crate) fn report_span(report: &Report) -> Span {
    let span = tracing::info_span!(
        "report",
        namespace = %report.pod.namespace,
        pod = %report.pod.name,
        uid = report.pod.uid,
        container_id = %report.container_id,
        trace_id = report.traceparent.as_ref().map(TraceContext::trace_id),
    );
    join(&span, report.traceparent.as_ref());
    span
}
