//! What operators watch, as Prometheus reads it.

mod connections;
mod decisions;
mod gauges;

use std::{fmt, time::Duration};

use prometheus_client::{
    collector::Collector,
    encoding::{
        EncodeLabelSet,
        text::{encode_eof, encode_registry},
    },
    metrics::{
        counter::Counter,
        family::Family,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};

pub use connections::{Connections, Counted, Limit};
pub(crate) use decisions::mode;
pub use decisions::{Outcome, Reason};
pub use gauges::Known;

use decisions::Decisions;
use gauges::Gauges;

use crate::{decide::Decision, hook::Hook, instance_gauges};

/// The content type of [`Metrics::render`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics of the process.
#[derive(Debug)]
pub struct Metrics {
    /// The connections of the TLS port.
    pub connections: Connections,
    registry: Registry,
    decisions: Decisions,
    duration: Family<Requests, Histogram>,
    in_flight: Family<Requests, prometheus_client::metrics::gauge::Gauge>,
    panics: Counter,
    gauges: Gauges,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Requests {
    hook: Hook,
}

impl Metrics {
    /// Metrics of a process that has done nothing yet. Decisions begin at 0, so that the first one is an increase.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("polypod");
        let decisions = Decisions::register(&mut registry);
        // From 50 µs, where most answers are, to 1.6 s, where API servers give up.
        let duration = Family::<Requests, Histogram>::new_with_constructor(|| {
            Histogram::new(exponential_buckets(0.000_05, 2.0, 16))
        });
        registry.register(
            "admission_request_duration_seconds",
            "Time from a review's headers to its answer",
            duration.clone(),
        );
        let in_flight = Family::default();
        registry.register(
            "admission_requests_in_flight",
            "Reviews that are being answered",
            in_flight.clone(),
        );
        let panics = Counter::default();
        registry.register(
            "admission_panics",
            "Reviews that a defect of the webhook ended",
            panics.clone(),
        );
        Self {
            connections: Connections::register(&mut registry),
            gauges: Gauges::register(&mut registry),
            registry,
            decisions,
            duration,
            in_flight,
            panics,
        }
    }

    /// Tells about more than it counts itself.
    #[must_use]
    pub fn with(mut self, collector: Box<dyn Collector>) -> Self {
        self.registry.register_collector(collector);
        self
    }

    /// Counts more than that.
    #[must_use]
    pub fn and(mut self, register: impl FnOnce(&mut Registry)) -> Self {
        register(&mut self.registry);
        self
    }

    /// Counts a review that was decided. One of a dry run injects nothing.
    pub fn count(&self, hook: Hook, decision: &Decision, is_dry_run: bool) {
        self.decisions.count(hook, decision, is_dry_run);
    }

    /// Counts a review that was not decided.
    pub fn count_failed(&self, hook: Hook, reason: Reason) {
        self.decisions.count_failed(hook, reason);
        if reason == Reason::Panic {
            self.panics.inc();
        }
    }

    /// Notes that a review has begun, until what is given back is dropped.
    #[must_use]
    pub fn begin(&self, hook: Hook) -> Counted {
        Counted::new(self.in_flight.get_or_create_owned(&Requests { hook }))
    }

    /// Notes how long a request took.
    pub fn observe(&self, hook: Hook, duration: Duration) {
        self.duration
            .get_or_create(&Requests { hook })
            .observe(duration.as_secs_f64());
    }

    /// The metrics as text, with what nobody counts but everybody can ask for.
    ///
    /// # Errors
    /// Writing into memory failed.
    pub fn render(&self, known: &Known) -> Result<String, fmt::Error> {
        self.gauges.set(known);
        let mut text = String::new();
        encode_registry(&mut text, &self.registry)?;
        instance_gauges::encode(&mut text, &known.instances)?;
        encode_eof(&mut text)?;
        Ok(text)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
