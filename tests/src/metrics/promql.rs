//! Which metrics and labels a query names. Whether it is a query at all is promtool's part; here it is taken for one.

use std::collections::BTreeSet;

use super::catalogue::of_series;

/// What Prometheus and its operator put on everything that is scraped.
const OF_TARGETS: [&str; 8] = [
    "job",
    "instance",
    "namespace",
    "pod",
    "container",
    "node",
    "endpoint",
    "le",
];

/// Metrics of others, that dashboard and alerts ask for besides, and the labels that they are asked by.
const OF_OTHERS: [(&str, &[&str]); 12] = [
    ("up", &[]),
    ("ALERTS", &["alertname", "alertstate"]),
    ("container_memory_working_set_bytes", &[]),
    ("container_spec_memory_limit_bytes", &[]),
    ("container_cpu_usage_seconds_total", &[]),
    ("kube_pod_container_status_restarts_total", &[]),
    ("kube_daemonset_status_number_unavailable", &["daemonset"]),
    (
        "kube_daemonset_status_desired_number_scheduled",
        &["daemonset"],
    ),
    ("kubelet_runtime_operations_total", &["operation_type"]),
    (
        "kubelet_runtime_operations_errors_total",
        &["operation_type"],
    ),
    (
        "kubelet_runtime_operations_duration_seconds_bucket",
        &["operation_type"],
    ),
    ("vector", &[]),
];

/// Words of the language before a list of labels.
const GROUPING: [&str; 6] = [
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
];

/// Other words and functions of the language.
const LANGUAGE: [&str; 20] = [
    "and",
    "or",
    "unless",
    "sum",
    "min",
    "max",
    "count",
    "avg",
    "topk",
    "rate",
    "increase",
    "histogram_quantile",
    "min_over_time",
    "max_over_time",
    "absent",
    "bool",
    "offset",
    "vector",
    "label_values",
    "clamp_min",
];

/// Holds a query against the catalogue; gives the labels that its result may have, and says what is asked for.
pub(super) fn hold(what: &str, query: &str) -> BTreeSet<&'static str> {
    let mut labels: BTreeSet<&'static str> = OF_TARGETS.into();
    let mut grouped: Vec<String> = Vec::new();
    let mut rest = query;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphabetic() || "_\"'[$".contains(c)) {
        rest = &rest[start..];
        if let Some(quote) = rest.chars().next().filter(|c| "\"'".contains(*c)) {
            rest = rest[1..].split_once(quote).map_or("", |(_, rest)| rest);
            continue;
        }
        if rest.starts_with(['[', '$']) {
            rest = rest.find(']').map_or("", |end| &rest[end..]);
            continue;
        }
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':');
        let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after.trim_start();
        if GROUPING.contains(&word) {
            let (inner, after) = list(rest, '(', ')');
            grouped.extend(inner.split(',').map(|label| label.trim().to_owned()));
            rest = after;
        } else if !LANGUAGE.contains(&word) {
            let (inner, after) = list(rest, '{', '}');
            labels.extend(selector(what, word, inner));
            rest = after;
        }
    }
    for label in grouped.iter().filter(|label| !label.is_empty()) {
        assert!(
            labels.contains(label.as_str()),
            "{what}: nobody has the label {label}: {query}"
        );
    }
    labels
}

/// What stands in brackets, if they come next, and what follows. Values of labels hold no brackets.
fn list(text: &str, open: char, close: char) -> (&str, &str) {
    let inner = text
        .strip_prefix(open)
        .and_then(|text| text.split_once(close));
    inner.unwrap_or(("", text))
}

/// The labels of a metric, after what it is asked by was held against them.
fn selector(what: &str, name: &str, inner: &str) -> BTreeSet<&'static str> {
    let others = OF_OTHERS.iter().find(|(other, _)| *other == name);
    let metric = of_series(name);
    assert!(
        metric.is_some() || others.is_some(),
        "{what}: there is no metric {name}"
    );
    let own = metric.map_or(&[][..], |metric| metric.labels);
    let mut labels: BTreeSet<&'static str> = own.iter().map(|label| label.0).collect();
    labels.extend(others.map_or(&[][..], |(_, labels)| labels));
    for matcher in matchers(inner) {
        let (label, value) = matcher;
        assert!(
            labels.contains(label) || OF_TARGETS.contains(&label),
            "{what}: {name} has no label {label}"
        );
        let known = metric
            .and_then(|metric| metric.label(label))
            .and_then(|label| label.1.known());
        let Some(known) = known else { continue };
        for value in value.split('|').filter(|value| !value.starts_with('$')) {
            assert!(
                known.contains(value),
                "{what}: {label} of {name} is never {value:?}"
            );
        }
    }
    labels
}

/// Label and value of each condition.
fn matchers(inner: &str) -> impl Iterator<Item = (&str, &str)> {
    inner.split("\",").filter_map(|matcher| {
        let (label, value) = matcher.split_once('"')?;
        let label = label.trim_end_matches(['=', '~', '!']).trim();
        Some((label, value.trim_end_matches('"')))
    })
}
