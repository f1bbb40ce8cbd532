//! The stages of an answer: how long each takes, and its span in a trace.

use std::time::Instant;

use tracing::Instrument as _;

use crate::metrics::Metrics;

/// The target of the spans of stages. They are of traces alone: a line of the log shows the question it belongs to.
pub(crate) const TARGET: &str = "device_bridge::stage";

/// Awaits `work` as a stage of `verb`.
pub(crate) async fn stage<T>(
    metrics: &Metrics,
    verb: &'static str,
    name: &'static str,
    work: impl Future<Output = T>,
) -> T {
    let begun = Instant::now();
    let span = tracing::info_span!(target: TARGET, "stage", otel.name = name);
    let done = work.instrument(span).await;
    metrics.observe(verb, name, begun.elapsed());
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stage_is_counted_however_it_ends() {
        let metrics = Metrics::new();
        let failed: Result<(), ()> = stage(&metrics, "question", "lookup", async { Err(()) }).await;
        assert!(failed.is_err());
        let text = metrics.render().unwrap();
        let line =
            r#"polypod_bridge_request_duration_seconds_count{verb="question",stage="lookup"} 1"#;
        assert!(text.contains(line), "{text}");
    }
}
