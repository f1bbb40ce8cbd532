//! The arguments of traces, and what they begin.

use std::{borrow::Cow, env, net::Ipv6Addr, time::Duration};

use clap::Args as Arguments;
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::trace::IdGenerator;

use crate::Telemetry;

/// How long the collector may take to take spans.
const PATIENCE: Duration = Duration::from_secs(5);

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
    #[error("OTEL_EXPORTER_OTLP_PROTOCOL is {protocol:?}; {program} sends traces over grpc alone")]
    Protocol {
        /// What was given.
        protocol: String,
        /// Who sends.
        program: &'static str,
    },
}

impl TelemetryArgs {
    /// Where spans go, if anywhere.
    #[must_use]
    pub fn endpoint(&self) -> Option<&str> {
        let endpoints = [&self.otlp_traces_endpoint, &self.otlp_endpoint];
        let mut endpoints = endpoints.into_iter().flatten().map(String::as_str);
        endpoints.find(|endpoint| !endpoint.is_empty())
    }

    /// Begins to send what `program` does, under its name as `service.name`, if there is where to. Called within the
    /// runtime that carries the connection.
    ///
    /// # Errors
    /// The endpoint is none, or the protocol is not spoken.
    pub fn begin(
        &self,
        program: &'static str,
        ids: impl IdGenerator + 'static,
    ) -> Result<Option<Telemetry>, TelemetryError> {
        let Some(endpoint) = self.endpoint() else {
            return Ok(None);
        };
        for name in [
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
            "OTEL_EXPORTER_OTLP_PROTOCOL",
        ] {
            match env::var(name) {
                Ok(protocol) if protocol == "grpc" || protocol.is_empty() => {}
                Ok(protocol) => return Err(TelemetryError::Protocol { protocol, program }),
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
            .with_endpoint(in_brackets(endpoint))
            .with_timeout(PATIENCE)
            .build()
            .map_err(|error: ExporterBuildError| wrong(error.to_string()))?;
        Ok(Some(Telemetry::new(exporter, program, ids)))
    }
}

/// The endpoint with an IPv6 address as URLs have it: a pod that is told its node's address puts it into one as it is.
fn in_brackets(endpoint: &str) -> Cow<'_, str> {
    let bare = endpoint
        .strip_prefix("http://")
        .map(|rest| rest.trim_end_matches('/'))
        .and_then(|rest| rest.rsplit_once(':'))
        .filter(|(host, _)| host.parse::<Ipv6Addr>().is_ok());
    match bare {
        Some((host, port)) => format!("http://[{host}]:{port}").into(),
        None => endpoint.into(),
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_sdk::trace::RandomIdGenerator;

    use super::*;

    fn begin(args: &TelemetryArgs) -> Result<Option<Telemetry>, TelemetryError> {
        args.begin("polypod-test", RandomIdGenerator::default())
    }

    fn args(endpoint: &str) -> TelemetryArgs {
        TelemetryArgs {
            otlp_endpoint: Some(endpoint.to_owned()),
            otlp_traces_endpoint: None,
        }
    }

    #[test]
    fn none_without_an_endpoint() {
        assert!(begin(&TelemetryArgs::default()).unwrap().is_none());
        assert!(begin(&args("")).unwrap().is_none());
    }

    #[test]
    fn the_endpoint_of_traces_alone_wins() {
        let mut both = args("http://a:4317");
        assert_eq!(both.endpoint(), Some("http://a:4317"));
        both.otlp_traces_endpoint = Some("http://b:4317".to_owned());
        assert_eq!(both.endpoint(), Some("http://b:4317"));
        both.otlp_traces_endpoint = Some(String::new());
        assert_eq!(both.endpoint(), Some("http://a:4317"));
    }

    #[tokio::test]
    async fn addresses_of_nodes_as_they_are() {
        for (endpoint, wanted) in [
            ("http://192.0.2.1:4317", "http://192.0.2.1:4317"),
            ("http://fd00::1:4317", "http://[fd00::1]:4317"),
            ("http://fd00::1:4317/", "http://[fd00::1]:4317"),
            ("http://[fd00::1]:4317", "http://[fd00::1]:4317"),
            (
                "http://collector.monitoring:4317",
                "http://collector.monitoring:4317",
            ),
        ] {
            assert_eq!(in_brackets(endpoint), wanted);
            assert!(begin(&args(endpoint)).unwrap().is_some(), "{endpoint}");
        }
    }

    #[tokio::test]
    async fn endpoints_that_are_none() {
        for wrong in [
            "127.0.0.1:4317",
            "https://collector:4317",
            "http://",
            "http://a b",
        ] {
            let error = begin(&args(wrong)).unwrap_err();
            assert!(error.to_string().contains(wrong), "{error}");
        }
    }
}
