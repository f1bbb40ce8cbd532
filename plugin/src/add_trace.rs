//! The trace of an ADD, where the agent tells of one: its span `ADD`, below which each delegate has a span.
//!
//! The plugin sends none of them. The agent does when it is told how long everything took, and comes to the same ids.

use spec::TraceContext;

/// What delegates are told of the trace.
#[derive(Clone, Debug)]
pub struct AddTrace {
    /// The span of the whole ADD: `TRACEPARENT` of a delegate that has no span of its own, as one that is executed for DEL
    /// after a failure.
    pub add: TraceContext,
    /// Whether it is the runtime's trace, and what the runtime says of its own in `TRACESTATE` is true of it.
    pub is_the_runtimes: bool,
}

impl AddTrace {
    /// Of the span that the agent has told, in a call of the runtime's.
    #[must_use]
    pub fn new(add: &TraceContext, runtime: Option<&TraceContext>) -> Self {
        Self {
            add: add.clone(),
            is_the_runtimes: runtime.is_some_and(|runtime| runtime.trace_id() == add.trace_id()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_trace_it_is() {
        let add: TraceContext = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            .parse()
            .unwrap();
        let other: TraceContext = add.as_str().replace("0af", "1af").parse().unwrap();
        let same_trace = add.of_stage(0);
        for (runtime, is_the_runtimes) in [
            (None, false),
            (Some(&other), false),
            (Some(&same_trace), true),
        ] {
            assert_eq!(
                AddTrace::new(&add, runtime).is_the_runtimes,
                is_the_runtimes
            );
        }
    }
}
