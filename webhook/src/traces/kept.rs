//! A collector within the test.

use std::{
    cmp::Reverse,
    future::ready,
    sync::{Arc, Mutex, PoisonError},
};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SdkTracerProvider, SpanData, SpanExporter},
};

use super::{Traces, ids::Ids};

/// The spans that have ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept(Arc<Mutex<Vec<SpanData>>>);

/// Traces, and what comes of them.
pub(crate) fn traces() -> (Traces, Kept) {
    let kept = Kept::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(kept.clone())
        .with_id_generator(Ids::default())
        .build();
    (Traces(Some(provider.tracer("test"))), kept)
}

impl Kept {
    /// What has come since the last call, the first begun first, and a span before those within it.
    pub(crate) fn take(&self) -> Vec<SpanData> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut spans = std::mem::take(&mut *kept);
        spans.sort_by_key(|span| (span.start_time, Reverse(span.end_time)));
        spans
    }
}

impl SpanExporter for Kept {
    fn export(&self, batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(batch);
        ready(Ok(()))
    }
}
