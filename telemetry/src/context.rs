//! A span of somebody else, as it is told, and a span of ours, as others are told of it.

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use spec::TraceContext;

/// The span that `asking` is, of which ours becomes a child.
#[must_use]
pub fn parent(asking: &TraceContext) -> Option<SpanContext> {
    let flags = if asking.is_sampled() {
        TraceFlags::SAMPLED
    } else {
        TraceFlags::default()
    };
    Some(SpanContext::new(
        TraceId::from_hex(asking.trace_id()).ok()?,
        SpanId::from_hex(asking.parent_id()).ok()?,
        flags,
        true,
        TraceState::default(),
    ))
}

/// What others are told of a span that is sent; of one that is not (flag `sampled`), nothing.
#[must_use]
pub fn told(span: &SpanContext) -> Option<TraceContext> {
    let (trace, id) = (span.trace_id(), span.span_id());
    let told = || format!("00-{trace}-{id}-01").parse().ok();
    span.is_sampled().then(told).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn parents_are_the_callers_spans() {
        let asking: TraceContext = GOOD.parse().unwrap();
        let parent = parent(&asking).unwrap();
        assert_eq!(parent.trace_id().to_string(), asking.trace_id());
        assert_eq!(parent.span_id().to_string(), asking.parent_id());
        assert!(parent.is_sampled() && parent.is_remote());
    }

    #[test]
    fn what_is_sent_is_told() {
        for (text, expected) in [
            (GOOD.to_owned(), Some(GOOD)),
            (GOOD.replace("00-0af", "cc-0af"), Some(GOOD)),
            (GOOD.replace("-01", "-00"), None),
        ] {
            let span = parent(&text.parse().unwrap()).unwrap();
            assert_eq!(told(&span).as_ref().map(TraceContext::as_str), expected);
        }
        assert_eq!(told(&SpanContext::empty_context()), None);
    }
}
