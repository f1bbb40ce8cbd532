//! The trace that a request belongs to (W3C Trace Context, `traceparent`), for the log.

use spec::bridge::{Question, Report};
use tracing::Span;

/// The trace's id: 32 hexadecimal digits. `None` where the text is none that the specification (2.2) lets use.
#[must_use]
pub fn trace_id(traceparent: &str) -> Option<&str> {
    let mut parts = traceparent.trim().split('-');
    let version = hex(parts.next()?, 2)?;
    let trace = hex(parts.next()?, 32)?;
    let parent = hex(parts.next()?, 16)?;
    hex(parts.next()?, 2)?;
    let is_zero = |digits: &str| digits.bytes().all(|digit| digit == b'0');
    // A later version may have more parts, the present one has not.
    let is_malformed = version == "ff" || (version == "00" && parts.next().is_some());
    (!is_malformed && !is_zero(trace) && !is_zero(parent)).then_some(trace)
}

fn hex(part: &str, digits: usize) -> Option<&str> {
    let is_hex = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    (part.len() == digits && part.bytes().all(is_hex)).then_some(part)
}

/// The span in which a question is answered.
pub(crate) fn question_span(question: &Question) -> Span {
    tracing::info_span!(
        "question",
        namespace = %question.pod.namespace,
        pod = %question.pod.name,
        uid = question.pod.uid,
        container_id = %question.container_id,
        trace_id = question.traceparent.as_deref().and_then(trace_id),
    )
}

/// The span in which a report is published.
pub(crate) fn report_span(report: &Report) -> Span {
    tracing::info_span!(
        "report",
        namespace = %report.pod.namespace,
        pod = %report.pod.name,
        uid = report.pod.uid,
        container_id = %report.container_id,
        trace_id = report.traceparent.as_deref().and_then(trace_id),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids() {
        const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
        for (text, is_one) in [
            (format!("00-{TRACE}-00f067aa0ba902b7-01"), true),
            (format!("cc-{TRACE}-00f067aa0ba902b7-01-more"), true),
            (format!("00-{TRACE}-00f067aa0ba902b7-01-more"), false),
            (format!("ff-{TRACE}-00f067aa0ba902b7-01"), false),
            (format!("00-{TRACE}-0000000000000000-01"), false),
            (format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)), false),
            (
                format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase()),
                false,
            ),
            (format!("00-{TRACE}-00f067aa0ba902b7"), false),
            (format!("00-{TRACE}é-00f067aa0ba902b7-01"), false),
            (String::new(), false),
        ] {
            assert_eq!(trace_id(&text).is_some(), is_one, "{text}");
        }
    }
}
