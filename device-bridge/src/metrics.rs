//! What operators watch, as Prometheus reads it.

use std::{fmt, sync::atomic::AtomicI64, time::Duration};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

use crate::reconcile::Finding;

/// The content type of [`Metrics::render`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Whole = Gauge<i64, AtomicI64>;

/// How the requests of plugins end.
const BEGUN: [(&str, &[&str]); 2] = [
    (
        "question",
        &["answered", "refused", "timeout", "turned_away"],
    ),
    ("report", &["taken", "refused", "timeout", "turned_away"]),
];

/// All metrics of the process. Whoever has something to count has an `Arc` of it.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    duration: Family<StageLabels, Histogram>,
    waiting: Whole,
    kubelet_calls: Family<CallLabels, Counter>,
    cached: Family<KindLabels, Whole>,
    cache_age: Family<KindLabels, Whole>,
    devices: Family<DeviceLabels, Whole>,
    zone_devices: Family<ZoneLabels, Whole>,
    discrepancies: Family<KindLabels, Counter>,
    published: Family<PublishedLabels, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    verb: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StageLabels {
    verb: &'static str,
    stage: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    method: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DeviceLabels {
    resource: String,
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ZoneLabels {
    resource: String,
    zone: u32,
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PublishedLabels {
    what: &'static str,
    outcome: &'static str,
}

impl Metrics {
    /// Metrics of a process that has done nothing yet.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("polypod_bridge");
        // From 50 µs to 26 s, which is about the deadline of a request.
        let duration = Family::<StageLabels, Histogram>::new_with_constructor(|| {
            Histogram::new(exponential_buckets(0.000_05, 2.0, 20))
        });
        let metrics = Self {
            requests: Family::default(),
            duration,
            waiting: Gauge::default(),
            kubelet_calls: Family::default(),
            cached: Family::default(),
            cache_age: Family::default(),
            devices: Family::default(),
            zone_devices: Family::default(),
            discrepancies: Family::default(),
            published: Family::default(),
            registry: Registry::default(),
        };
        registry.register(
            "requests",
            "Requests by verb and outcome",
            metrics.requests.clone(),
        );
        registry.register_with_unit(
            "request_duration",
            "Time of a request by verb and stage; the stage all is from the request to its reply",
            Unit::Seconds,
            metrics.duration.clone(),
        );
        registry.register(
            "requests_waiting",
            "Requests that wait for their turn",
            metrics.waiting.clone(),
        );
        registry.register(
            "kubelet_calls",
            "Calls of the kubelet's pod-resources API by method and outcome",
            metrics.kubelet_calls.clone(),
        );
        registry.register(
            "cached_objects",
            "Objects in memory by kind",
            metrics.cached.clone(),
        );
        registry.register_with_unit(
            "cache_age",
            "Time since the API server was last heard of by kind of object",
            Unit::Seconds,
            metrics.cache_age.clone(),
        );
        registry.register(
            "devices",
            "Devices by resource and state (allocatable, allocated, free)",
            metrics.devices.clone(),
        );
        registry.register(
            "zone_devices",
            "Devices by resource, NUMA zone and state (allocatable, free)",
            metrics.zone_devices.clone(),
        );
        registry.register(
            "discrepancies",
            "What reconciling found by kind",
            metrics.discrepancies.clone(),
        );
        registry.register(
            "published",
            "Writes to the API server by what was written and outcome",
            metrics.published.clone(),
        );
        let metrics = Self {
            registry,
            ..metrics
        };
        metrics.begin();
        metrics
    }

    /// What alerts ask for begins at 0, so that the first one is an increase.
    fn begin(&self) {
        for (verb, outcomes) in BEGUN {
            for outcome in outcomes {
                let labels = RequestLabels { verb, outcome };
                drop(self.requests.get_or_create(&labels));
            }
        }
        for what in ["network-status", "event"] {
            for outcome in ["ok", "failed"] {
                let labels = PublishedLabels { what, outcome };
                drop(self.published.get_or_create(&labels));
            }
        }
        for kind in Finding::KINDS {
            drop(self.discrepancies.get_or_create(&KindLabels { kind }));
        }
    }

    /// Counts a request that ended.
    pub fn count_request(&self, verb: &'static str, outcome: &'static str) {
        self.requests
            .get_or_create(&RequestLabels { verb, outcome })
            .inc();
    }

    /// Notes how long a stage of a request took.
    pub fn observe(&self, verb: &'static str, stage: &'static str, duration: Duration) {
        self.duration
            .get_or_create(&StageLabels { verb, stage })
            .observe(duration.as_secs_f64());
    }

    /// Requests that wait for their turn.
    #[must_use]
    pub const fn waiting(&self) -> &Gauge<i64, AtomicI64> {
        &self.waiting
    }

    /// Counts a call of the kubelet that ended.
    pub fn count_kubelet_call(&self, method: &'static str, outcome: &'static str) {
        self.kubelet_calls
            .get_or_create(&CallLabels { method, outcome })
            .inc();
    }

    /// How many objects of a kind are in memory, and for how long nothing was heard of the API server.
    pub fn set_cache(&self, kind: &'static str, objects: usize, age: Duration) {
        let labels = KindLabels { kind };
        self.cached.get_or_create(&labels).set(whole(objects));
        self.cache_age
            .get_or_create(&labels)
            .set(i64::try_from(age.as_secs()).unwrap_or(i64::MAX));
    }

    /// How many devices of a resource there are, how many of them pods hold, and how many a pod could get.
    pub fn set_devices(&self, resource: &str, allocatable: usize, allocated: usize, free: usize) {
        for (state, count) in [
            ("allocatable", allocatable),
            ("allocated", allocated),
            ("free", free),
        ] {
            self.devices
                .get_or_create(&DeviceLabels {
                    resource: resource.to_owned(),
                    state,
                })
                .set(whole(count));
        }
    }

    /// The same of a NUMA zone.
    pub fn set_zone_devices(&self, resource: &str, zone: u32, allocatable: usize, free: usize) {
        for (state, count) in [("allocatable", allocatable), ("free", free)] {
            self.zone_devices
                .get_or_create(&ZoneLabels {
                    resource: resource.to_owned(),
                    zone,
                    state,
                })
                .set(whole(count));
        }
    }

    /// Counts what reconciling found.
    pub fn count_discrepancy(&self, kind: &'static str) {
        self.discrepancies.get_or_create(&KindLabels { kind }).inc();
    }

    /// Counts a write to the API server that ended.
    pub fn count_published(&self, what: &'static str, outcome: &'static str) {
        self.published
            .get_or_create(&PublishedLabels { what, outcome })
            .inc();
    }

    /// The metrics as text.
    ///
    /// # Errors
    /// Writing into memory failed.
    pub fn render(&self) -> Result<String, fmt::Error> {
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

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_told() {
        let metrics = Metrics::new();
        metrics.count_request("question", "answered");
        metrics.observe("question", "devices", Duration::from_millis(3));
        metrics.waiting().set(2);
        metrics.count_kubelet_call("Get", "ok");
        metrics.set_cache("pods", 3, Duration::from_secs(61));
        metrics.set_devices("intel.com/sriov", 8, 5, 3);
        metrics.set_zone_devices("intel.com/sriov", 1, 4, 2);
        metrics.count_discrepancy("record_without_sandbox");
        metrics.count_published("network-status", "ok");
        let text = metrics.render().unwrap();
        for line in [
            r#"polypod_bridge_requests_total{verb="question",outcome="answered"} 1"#,
            r#"polypod_bridge_request_duration_seconds_count{verb="question",stage="devices"} 1"#,
            "polypod_bridge_requests_waiting 2",
            r#"polypod_bridge_kubelet_calls_total{method="Get",outcome="ok"} 1"#,
            r#"polypod_bridge_cached_objects{kind="pods"} 3"#,
            r#"polypod_bridge_cache_age_seconds{kind="pods"} 61"#,
            r#"polypod_bridge_devices{resource="intel.com/sriov",state="allocated"} 5"#,
            r#"polypod_bridge_devices{resource="intel.com/sriov",state="free"} 3"#,
            r#"polypod_bridge_zone_devices{resource="intel.com/sriov",zone="1",state="free"} 2"#,
            r#"polypod_bridge_discrepancies_total{kind="record_without_sandbox"} 1"#,
            r#"polypod_bridge_published_total{what="network-status",outcome="ok"} 1"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
