//! The dashboard asks for metrics and labels that exist, and asks an operator's questions.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{catalogue::all, promql};
use crate::{fixture::binaries::workspace, manifests::objects::items};

/// Metrics that are in the reference and on no panel: they are alerts of their own, or other dashboards'.
const ON_NO_PANEL: [&str; 6] = [
    "polypod_networks",
    "polypod_store_last_event_age_seconds",
    "polypod_configuration_last_change_timestamp_seconds",
    "polypod_tls_name_missing",
    "polypod_scheduler_synced",
    "polypod_bridge_cached_objects",
];

/// As Grafana imports it.
fn dashboard() -> Value {
    let file = workspace().join("manifests/monitoring/polypod-dashboard.json");
    let text = std::fs::read_to_string(file).expect("the dashboard is there");
    serde_json::from_str(&text).expect("it is JSON")
}

/// Every query of it, by its panel.
pub(super) fn queries() -> Vec<(String, String, String)> {
    let dashboard = dashboard();
    let panels = items(&dashboard["panels"]);
    panels
        .flat_map(|panel| {
            let title = text(&panel["title"]);
            items(&panel["targets"]).map(move |target| {
                (
                    title.clone(),
                    text(&target["expr"]),
                    text(&target["legendFormat"]),
                )
            })
        })
        .collect()
}

pub(super) fn asks_for_what_there_is() {
    let dashboard = dashboard();
    let mut asked = String::new();
    for (panel, query, legend) in queries() {
        let labels = promql::hold(&panel, &query);
        for label in legend.split("{{").skip(1) {
            let label = label.split("}}").next().unwrap_or_default();
            assert!(
                labels.contains(label),
                "{panel}: no label {label} for {legend}"
            );
        }
        asked.push_str(&query);
    }
    for variable in items(&dashboard["templating"]["list"]) {
        if variable["type"] == "query" {
            let query = text(&variable["definition"]);
            // Its second argument is a label.
            let query = query.replace("label_values(", "").replace(')', "");
            let (metric, label) = query.split_once(", ").expect("a metric and a label");
            let labels = promql::hold("a variable", metric);
            assert!(labels.contains(label), "{metric} has no label {label}");
        }
    }
    for metric in all().filter(|metric| metric.name.starts_with("polypod_")) {
        let is_asked = asked.contains(metric.name);
        assert_ne!(
            is_asked,
            ON_NO_PANEL.contains(&metric.name),
            "{}",
            metric.name
        );
    }
    laid_out(&dashboard);
}

/// Panels have ids of their own, lie beside each other, say what they show, and ask the data source that is chosen.
fn laid_out(dashboard: &Value) {
    let mut ids = BTreeSet::new();
    let mut taken = BTreeSet::new();
    for panel in items(&dashboard["panels"]) {
        let title = text(&panel["title"]);
        assert!(
            ids.insert(panel["id"].as_u64()),
            "{title}: its id is another's"
        );
        let at = |key: &str| panel["gridPos"][key].as_u64().expect("it has a place");
        assert!(at("x") + at("w") <= 24, "{title} is too wide");
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(taken.insert((x, y)), "{title} lies on another");
            }
        }
        for target in items(&panel["targets"]) {
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{title}");
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
