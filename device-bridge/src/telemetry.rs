//! Traces for an OpenTelemetry collector, joined to those of the plugin. Without an endpoint there is none of it: no thread,
//! no connection, no span.

use std::{
    env,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use clap::Args as Arguments;
use opentelemetry::{
    Context,
    trace::{
        SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
        TracerProvider as _,
    },
};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, Tracer},
};
use spec::TraceContext;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// `service.name`, unless `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES` says another.
const SERVICE: &str = "polypod-device-bridge";

/// Spans that wait for the collector at most; more are dropped, and nobody waits.
const WAITING: usize = 1024;

/// How many spans are sent together.
const TOGETHER: usize = 256;

/// How long the collector may take to take them.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long the last spans are waited for when the process ends.
const LAST: Duration = Duration::from_millis(500);

/// Whether spans are recorded. Only then parents are looked for.
static IS_ON: AtomicBool = AtomicBool::new(false);

/// Arguments of traces. The variables are those of the OpenTelemetry specification.
#[derive(Clone, Debug, Default, PartialEq, Eq, Arguments)]
pub struct TelemetryArgs {
    /// Where spans go by OTLP over gRPC, such as http://127.0.0.1:4317; none unless it is given
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    pub otlp_endpoint: Option<String>,

    /// The same for traces alone, which wins
    #[arg(
        long,
        env = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        value_name = "URL",
        hide = true
    )]
    pub otlp_traces_endpoint: Option<String>,
}

/// Traces cannot be sent as configured.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The endpoint.
    #[error(
        "--otlp-endpoint {endpoint:?}: {problem}; write http://host:port of a collector that takes OTLP over gRPC"
    )]
    Endpoint {
        /// What was given.
        endpoint: String,
        /// What is wrong.
        problem: String,
    },
    /// Another protocol is asked for.
    #[error(
        "OTEL_EXPORTER_OTLP_PROTOCOL is {0:?}; polypod-device-bridge sends traces over grpc alone"
    )]
    Protocol(String),
}

/// Sends spans until it is ended.
#[derive(Debug)]
pub struct Telemetry(SdkTracerProvider);

impl TelemetryArgs {
    /// Where spans go, if anywhere.
    #[must_use]
    pub fn endpoint(&self) -> Option<&str> {
        let endpoints = [&self.otlp_traces_endpoint, &self.otlp_endpoint];
        let mut endpoints = endpoints.into_iter().flatten().map(String::as_str);
        endpoints.find(|endpoint| !endpoint.is_empty())
    }

    /// Begins to send, if there is where to. Called within the runtime that carries the connection.
    ///
    /// # Errors
    /// The endpoint is none, or the protocol is not spoken.
    pub fn begin(&self) -> Result<Option<Telemetry>, TelemetryError> {
        let Some(endpoint) = self.endpoint() else {
            return Ok(None);
        };
        for name in [
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
            "OTEL_EXPORTER_OTLP_PROTOCOL",
        ] {
            match env::var(name) {
                Ok(protocol) if protocol == "grpc" || protocol.is_empty() => {}
                Ok(other) => return Err(TelemetryError::Protocol(other)),
                Err(_) => {}
            }
        }
        let wrong = |problem: String| TelemetryError::Endpoint {
            endpoint: endpoint.to_owned(),
            problem,
        };
        // The collector is on this node or in this cluster; TLS to it would be a second set of roots in memory.
        if !endpoint.starts_with("http://") {
            return Err(wrong("it does not begin with http://".to_owned()));
        }
        let exporter = SpanExporter::builder()
            .with_tonic()
            .with_endpoint(endpoint)
            .with_timeout(PATIENCE)
            .build()
            .map_err(|error: ExporterBuildError| wrong(error.to_string()))?;
        let batch = BatchConfigBuilder::default()
            .with_max_queue_size(WAITING)
            .with_max_export_batch_size(TOGETHER)
            .build();
        let processor = BatchSpanProcessor::builder(exporter)
            .with_batch_config(batch)
            .build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            .with_resource(resource())
            .build();
        IS_ON.store(true, Ordering::Release);
        Ok(Some(Telemetry(provider)))
    }
}

impl Telemetry {
    /// What makes spans.
    #[must_use]
    pub fn tracer(&self) -> Tracer {
        self.0.tracer(SERVICE)
    }

    /// Sends what is left, within a bound. Not to be called where it would hold others up: it waits.
    pub fn end(&self) {
        if let Err(error) = self.0.shutdown_with_timeout(LAST) {
            tracing::warn!(%error, "The last spans are not sent");
        }
    }
}

fn resource() -> Resource {
    let builder = Resource::builder();
    let is_named = env::var_os("OTEL_SERVICE_NAME").is_some()
        || env::var("OTEL_RESOURCE_ATTRIBUTES").is_ok_and(|all| all.contains("service.name="));
    if is_named {
        builder.build()
    } else {
        builder.with_service_name(SERVICE).build()
    }
}

/// Makes `span` a child of the span that asks.
pub(crate) fn join(span: &Span, asking: Option<&TraceContext>) {
    if !IS_ON.load(Ordering::Acquire) {
        return;
    }
    if let Some(parent) = asking.and_then(parent)
        && let Err(error) = span.set_parent(Context::new().with_remote_span_context(parent))
    {
        tracing::debug!(%error, "A span has no parent");
    }
}

fn parent(asking: &TraceContext) -> Option<SpanContext> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn args(endpoint: &str) -> TelemetryArgs {
        TelemetryArgs {
            otlp_endpoint: Some(endpoint.to_owned()),
            otlp_traces_endpoint: None,
        }
    }

    #[test]
    fn none_without_an_endpoint() {
        assert!(TelemetryArgs::default().begin().unwrap().is_none());
        assert!(args("").begin().unwrap().is_none());
    }

    #[tokio::test]
    async fn endpoints_that_are_none() {
        for wrong in [
            "127.0.0.1:4317",
            "https://collector:4317",
            "http://",
            "http://a b",
        ] {
            let error = args(wrong).begin().unwrap_err();
            assert!(error.to_string().contains(wrong), "{error}");
        }
    }

    #[test]
    fn parents_are_the_plugins_spans() {
        let asking: TraceContext = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            .parse()
            .unwrap();
        let parent = parent(&asking).unwrap();
        assert_eq!(parent.trace_id().to_string(), asking.trace_id());
        assert_eq!(parent.span_id().to_string(), asking.parent_id());
        assert!(parent.is_sampled() && parent.is_remote());
    }
}
