//! What the running programs expose over HTTP is what the catalogue says, and begins as it says.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    catalogue::{all, of_series},
    metric::Metric,
};

/// Conditions that no scenario here brings about; that they are registered is read from the source, and other tests see them.
const ELSEWHERE: [&str; 3] = [
    // A watch of a real API server.
    "polypod_store_last_event_age_seconds",
    // A registration at a real API server: cluster::certificates.
    "polypod_tls_ca_bundle_mismatch",
    // NodeInventories: the scheduler's own tests.
    "polypod_scheduler_inventory_age_seconds",
];

/// What was seen: of each metric of each label the values.
#[derive(Debug, Default)]
pub(super) struct Seen(BTreeMap<&'static str, BTreeMap<String, BTreeSet<String>>>);

impl Seen {
    /// Reads what a program exposes.
    pub(super) fn read(&mut self, text: &str) {
        assert!(text.ends_with("# EOF\n"), "it is whole: {text}");
        let mut types = BTreeMap::new();
        for line in text.lines() {
            if let Some(told) = line.strip_prefix("# TYPE ") {
                let (name, kind) = told.split_once(' ').expect("a name and a type");
                types.insert(name, kind);
            } else if !line.starts_with('#') {
                self.sample(line, &types);
            }
        }
    }

    fn sample(&mut self, line: &str, types: &BTreeMap<&str, &str>) {
        let end = line.find(['{', ' ']).expect("a value follows");
        let series = &line[..end];
        let metric = of_series(series).unwrap_or_else(|| {
            panic!("{series} is exposed and not described in tests/src/metrics")
        });
        let family = metric.name.trim_end_matches("_total");
        let kind = types.get(family).or_else(|| types.get(metric.name));
        assert_eq!(kind, Some(&metric.kind.as_str()), "{series}");
        let labels = labels(&line[end..]);
        let names: BTreeSet<&str> = labels
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| *name != "le")
            .collect();
        let described: BTreeSet<&str> = metric.labels.iter().map(|label| label.0).collect();
        assert_eq!(names, described, "{line}");
        let seen = self.0.entry(metric.name).or_default();
        for (name, value) in labels {
            let Some(label) = metric.label(&name) else {
                continue;
            };
            if let Some(known) = label.1.known() {
                assert!(
                    known.contains(value.as_str()),
                    "{name} is {value:?}: {line}"
                );
            }
            seen.entry(name).or_default().insert(value);
        }
    }

    /// Nothing is described that nobody exposes, and what begins at 0 began so.
    pub(super) fn is_everything(&self) {
        let missing: Vec<&str> = all()
            .map(|metric| metric.name)
            .filter(|name| !self.0.contains_key(name))
            .collect();
        assert_eq!(missing, ELSEWHERE, "what is described and not exposed");
        for metric in all().filter(|metric| metric.begins) {
            begins(metric, &self.0[metric.name]);
        }
    }
}

fn begins(metric: &Metric, seen: &BTreeMap<String, BTreeSet<String>>) {
    for label in metric.labels {
        let known = label.1.known().expect("what begins is known beforehand");
        let seen: BTreeSet<&str> = seen[label.0].iter().map(String::as_str).collect();
        assert_eq!(seen, known, "{}: {}", metric.name, label.0);
    }
}

/// The labels of a sample, from its brace on.
fn labels(text: &str) -> Vec<(String, String)> {
    let Some(inner) = text.strip_prefix('{') else {
        return Vec::new();
    };
    let inner = inner.split('}').next().unwrap_or_default();
    inner
        .split("\",")
        .filter_map(|pair| pair.split_once("=\""))
        .map(|(name, value)| (name.to_owned(), value.trim_end_matches('"').to_owned()))
        .collect()
}
