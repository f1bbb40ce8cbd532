//! Traces for an OpenTelemetry collector, by OTLP over gRPC: where they go, how many wait, and how a W3C `traceparent` and a
//! span's context become each other.
//!
//! Which spans there are each program says itself. Without an endpoint there is none of it: no thread, no connection.

mod args;
mod context;
mod sending;

pub use args::{TelemetryArgs, TelemetryError};
pub use context::{parent, told};
pub use sending::Telemetry;
