//! What operators watch, as Prometheus reads it.

use std::{fmt, sync::atomic::AtomicI64, time::Duration};

use prometheus_client::{
    collector::Collector,
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};

use crate::{decide::Decision, hook::Hook};

/// The content type of [`Metrics::render`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics of the process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    decisions: Family<Decisions, Counter>,
    duration: Family<Requests, Histogram>,
    networks: Gauge<i64, AtomicI64>,
    leaf_expiry: Gauge<i64, AtomicI64>,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Allowed as it is.
    Allowed,
    /// Allowed with a patch.
    Patched,
    /// Denied.
    Denied,
    /// Not decided, so that the failure policy does.
    Failed,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Decisions {
    hook: Hook,
    decision: Outcome,
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
        let decisions = Family::<Decisions, Counter>::default();
        for hook in [Hook::Mutate, Hook::Validate] {
            for decision in Outcome::ALL {
                drop(decisions.get_or_create(&Decisions { hook, decision }));
            }
        }
        registry.register(
            "admission_decisions",
            "Admission reviews by hook and decision",
            decisions.clone(),
        );
        // From 50 µs, where most answers are, to 1.6 s, where API servers give up.
        let duration = Family::<Requests, Histogram>::new_with_constructor(|| {
            Histogram::new(exponential_buckets(0.000_05, 2.0, 16))
        });
        registry.register(
            "admission_request_duration_seconds",
            "Time from a review's headers to its answer",
            duration.clone(),
        );
        let networks = Gauge::default();
        registry.register(
            "networks",
            "NetworkAttachmentDefinitions that are known",
            networks.clone(),
        );
        let leaf_expiry = Gauge::default();
        registry.register(
            "tls_leaf_expiry_seconds",
            "Time until the certificate that is served expires",
            leaf_expiry.clone(),
        );
        Self {
            registry,
            decisions,
            duration,
            networks,
            leaf_expiry,
        }
    }

    /// Tells about more than it counts itself.
    #[must_use]
    pub fn with(mut self, collector: Box<dyn Collector>) -> Self {
        self.registry.register_collector(collector);
        self
    }

    /// Counts a request that ended.
    pub fn count(&self, hook: Hook, decision: Outcome) {
        self.decisions
            .get_or_create(&Decisions { hook, decision })
            .inc();
    }

    /// Notes how long a request took.
    pub fn observe(&self, hook: Hook, duration: Duration) {
        self.duration
            .get_or_create(&Requests { hook })
            .observe(duration.as_secs_f64());
    }

    /// The metrics as text, with the number of networks and the seconds until the certificate expires, which nobody
    /// counts but everybody can ask for.
    ///
    /// # Errors
    /// Writing into memory failed.
    pub fn render(&self, networks: usize, leaf_expiry: i64) -> Result<String, fmt::Error> {
        self.networks
            .set(i64::try_from(networks).unwrap_or(i64::MAX));
        self.leaf_expiry.set(leaf_expiry);
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Outcome {
    const ALL: [Self; 4] = [Self::Allowed, Self::Patched, Self::Denied, Self::Failed];

    /// Its name in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Patched => "patched",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }
}

impl From<&Decision> for Outcome {
    fn from(decision: &Decision) -> Self {
        match decision {
            Decision::Allowed(_) => Self::Allowed,
            Decision::Patched { .. } => Self::Patched,
            Decision::Denied(_) => Self::Denied,
        }
    }
}

impl EncodeLabelValue for Outcome {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
        self.as_str().encode(encoder)
    }
}
