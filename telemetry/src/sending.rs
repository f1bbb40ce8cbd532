//! What sends spans.

use std::{env, time::Duration};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::{
    Resource,
    trace::{BatchConfigBuilder, BatchSpanProcessor, IdGenerator, SdkTracer, SdkTracerProvider},
};

/// Spans that wait for the collector at most; more are dropped, and nobody waits.
const WAITING: usize = 1024;

/// How many spans are sent together.
const TOGETHER: usize = 256;

/// How long the last spans are waited for when the process ends.
const LAST: Duration = Duration::from_millis(500);

/// Sends spans until it is ended.
#[derive(Debug)]
pub struct Telemetry {
    provider: SdkTracerProvider,
    program: &'static str,
}

impl Telemetry {
    /// Sends by `exporter` what `program` does.
    pub(crate) fn new(
        exporter: SpanExporter,
        program: &'static str,
        ids: impl IdGenerator + 'static,
    ) -> Self {
        let batch = BatchConfigBuilder::default()
            .with_max_queue_size(WAITING)
            .with_max_export_batch_size(TOGETHER)
            .build();
        let processor = BatchSpanProcessor::builder(exporter)
            .with_batch_config(batch)
            .build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            .with_id_generator(ids)
            .with_resource(resource(program))
            .build();
        Self { provider, program }
    }

    /// What makes spans.
    #[must_use]
    pub fn tracer(&self) -> SdkTracer {
        self.provider.tracer(self.program)
    }

    /// Sends what is left, within a bound. Not to be called where it would hold others up: it waits.
    pub fn end(&self) {
        if let Err(error) = self.provider.shutdown_with_timeout(LAST) {
            tracing::warn!(%error, "The last spans are not sent");
        }
    }
}

/// `service.name` is the program's, unless `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES` says another.
fn resource(program: &'static str) -> Resource {
    let builder = Resource::builder();
    let is_named = env::var_os("OTEL_SERVICE_NAME").is_some()
        || env::var("OTEL_RESOURCE_ATTRIBUTES").is_ok_and(|all| all.contains("service.name="));
    if is_named {
        builder.build()
    } else {
        builder.with_service_name(program).build()
    }
}
