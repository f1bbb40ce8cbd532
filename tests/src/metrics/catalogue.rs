//! Every metric that the components can have, by component.

use super::{metric::Metric, of_agent, of_scheduling, of_webhook};

/// A part of the reference.
pub(crate) struct Section {
    pub(crate) title: &'static str,
    /// What is to be known of all of them.
    pub(crate) about: &'static str,
    pub(crate) metrics: &'static [Metric],
}

/// The parts, in their order.
pub(crate) const SECTIONS: [Section; 6] = [
    Section {
        title: "Webhook: admission",
        about: "Of each replica, on `--health-listen`. What the rules are is in [admission-server.md](admission-server.md).",
        metrics: of_webhook::ADMISSION,
    },
    Section {
        title: "Webhook: what it knows",
        about: "The policy in force, and the cluster as its watches tell it.",
        metrics: of_webhook::KNOWN,
    },
    Section {
        title: "Webhook: certificate",
        about: "[certificates.md](certificates.md) says how it is renewed.",
        metrics: of_webhook::CERTIFICATE,
    },
    Section {
        title: "Webhook: scheduler extender",
        about: "With `--scheduler-extender` or `--scheduling-gates`; [scheduler-extender.md](scheduler-extender.md).",
        metrics: of_scheduling::EXTENDER,
    },
    Section {
        title: "Webhook: pods without a node",
        about: "With the same flags and an API server; [scheduling-gates.md](scheduling-gates.md).",
        metrics: of_scheduling::WAITING,
    },
    Section {
        title: "Node agent",
        about: "Of each node's `polypod-device-bridge`; [observability.md](observability.md#who-reads-the-metrics) says where.",
        metrics: of_agent::AGENT,
    },
];

/// All of them.
pub(crate) fn all() -> impl Iterator<Item = &'static Metric> {
    SECTIONS.iter().flat_map(|section| section.metrics)
}

/// The one whose series this is.
pub(crate) fn of_series(series: &str) -> Option<&'static Metric> {
    all().find(|metric| metric.series().iter().any(|name| name == series))
}
