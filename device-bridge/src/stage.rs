//! The stages of an answer: how long each takes, and its span in a trace.

use std::time::{Duration, Instant, SystemTime};

use crate::{metrics::Metrics, telemetry};

/// When a stage was begun, by the clock and for measuring.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Begun {
    pub(crate) at: SystemTime,
    instant: Instant,
}

impl Begun {
    pub(crate) fn now() -> Self {
        Self {
            at: SystemTime::now(),
            instant: Instant::now(),
        }
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.instant.elapsed()
    }
}

/// Awaits `work` as a stage of `verb` that was `begun` then.
pub(crate) async fn stage<T>(
    metrics: &Metrics,
    verb: &'static str,
    name: &'static str,
    begun: Begun,
    work: impl Future<Output = T>,
) -> T {
    // It is sent, too, if the work is given up.
    let _span = telemetry::sending().map(|sending| sending.stage(name, begun.at));
    let done = work.await;
    metrics.observe(verb, name, begun.elapsed());
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stage_is_counted_however_it_ends() {
        let metrics = Metrics::new();
        let begun = Begun::now();
        let failing = async { Err(()) };
        let failed: Result<(), ()> = stage(&metrics, "question", "lookup", begun, failing).await;
        assert!(failed.is_err());
        let text = metrics.render().unwrap();
        let line =
            r#"polypod_bridge_request_duration_seconds_count{verb="question",stage="lookup"} 1"#;
        assert!(text.contains(line), "{text}");
    }
}
