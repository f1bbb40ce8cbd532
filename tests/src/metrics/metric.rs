//! A metric as the reference describes it.

use std::collections::BTreeSet;

use admission::Rule;

/// A metric of a component.
#[derive(Debug)]
pub(crate) struct Metric {
    /// As Prometheus stores it; of a histogram without `_bucket`, `_sum` and `_count`.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// What it is measured in or counts.
    pub(crate) unit: &'static str,
    pub(crate) labels: &'static [Label],
    pub(crate) meaning: &'static str,
    /// When somebody should worry; empty where nobody need.
    pub(crate) worry: &'static str,
    /// Whether every value of every label is there before anything happened, so that the first one is an increase.
    pub(crate) begins: bool,
}

/// What Prometheus takes it for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// A label and what it may say.
#[derive(Debug)]
pub(crate) struct Label(pub(crate) &'static str, pub(crate) Values);

/// What a label may say.
#[derive(Debug)]
pub(crate) enum Values {
    /// One of these.
    These(&'static [&'static str]),
    /// A rule of admission, or one of these.
    Rules(&'static [&'static str]),
    /// Anything of this description.
    Any(&'static str),
}

impl Kind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

impl Values {
    /// All of them, where they are known beforehand.
    pub(crate) fn known(&self) -> Option<BTreeSet<&'static str>> {
        match self {
            Self::These(values) => Some(values.iter().copied().collect()),
            Self::Rules(more) => {
                let rules = Rule::ALL.iter().map(|rule| rule.as_str());
                Some(rules.chain(more.iter().copied()).collect())
            }
            Self::Any(_) => None,
        }
    }
}

impl Metric {
    /// A label of it by its name.
    pub(crate) fn label(&self, name: &str) -> Option<&Label> {
        self.labels.iter().find(|label| label.0 == name)
    }

    /// The names of its series.
    pub(crate) fn series(&self) -> Vec<String> {
        match self.kind {
            Kind::Histogram => ["_bucket", "_sum", "_count"]
                .map(|suffix| format!("{}{suffix}", self.name))
                .into(),
            Kind::Counter | Kind::Gauge => vec![self.name.to_owned()],
        }
    }

    pub(super) const fn counter(
        name: &'static str,
        unit: &'static str,
        labels: &'static [Label],
        meaning: &'static str,
        worry: &'static str,
    ) -> Self {
        Self::new(Kind::Counter, name, unit, labels, meaning, worry)
    }

    pub(super) const fn gauge(
        name: &'static str,
        unit: &'static str,
        labels: &'static [Label],
        meaning: &'static str,
        worry: &'static str,
    ) -> Self {
        Self::new(Kind::Gauge, name, unit, labels, meaning, worry)
    }

    /// Of seconds.
    pub(super) const fn histogram(
        name: &'static str,
        labels: &'static [Label],
        meaning: &'static str,
        worry: &'static str,
    ) -> Self {
        Self::new(Kind::Histogram, name, "seconds", labels, meaning, worry)
    }

    /// One whose series are all there from the start.
    pub(super) const fn beginning_at_zero(self) -> Self {
        Self {
            begins: true,
            ..self
        }
    }

    const fn new(
        kind: Kind,
        name: &'static str,
        unit: &'static str,
        labels: &'static [Label],
        meaning: &'static str,
        worry: &'static str,
    ) -> Self {
        Self {
            name,
            kind,
            unit,
            labels,
            meaning,
            worry,
            begins: false,
        }
    }
}
