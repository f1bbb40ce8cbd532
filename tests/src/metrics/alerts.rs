//! Alerts: what they ask for exists, each has a runbook and each runbook an alert, and promtool sees them fire.

use std::{collections::BTreeSet, fs, process::Command};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{dashboard, promql};
use crate::{
    fixture::binaries::workspace,
    manifests::objects::{items, manifests, read},
};

/// What Prometheus puts into the text of an alert: the labels of its query's result.
const LABEL: &str = "$labels.";

fn rule_file() -> Value {
    read(&manifests("monitoring/rules.yaml"))[0]["spec"].clone()
}

fn alerts() -> Vec<Value> {
    let file = rule_file();
    items(&file["groups"])
        .flat_map(|group| items(&group["rules"]))
        .cloned()
        .collect()
}

fn word<'a>(alert: &'a Value, path: &str) -> &'a str {
    let found = alert.pointer(path).and_then(Value::as_str);
    found.unwrap_or_else(|| panic!("{alert} has no {path}"))
}

pub(super) fn ask_for_what_there_is() {
    let mut names = BTreeSet::new();
    for alert in alerts() {
        let name = word(&alert, "/alert");
        assert!(names.insert(name.to_owned()), "{name} is there twice");
        assert!(name.starts_with("Polypod"), "{name}");
        let severity = word(&alert, "/labels/severity");
        assert!(
            ["critical", "warning", "info"].contains(&severity),
            "{name}: {severity}"
        );
        let labels = promql::hold(name, word(&alert, "/expr"));
        let said = word(&alert, "/annotations/description");
        for label in said.split(LABEL).skip(1) {
            let end = label.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let label = &label[..end.unwrap_or(label.len())];
            assert!(
                labels.contains(label),
                "{name}: nobody has the label {label}"
            );
        }
        assert!(!word(&alert, "/annotations/summary").is_empty());
    }
}

/// What each section of a runbook answers.
const PARTS: [&str; 2] = ["**Means.**", "**Do.**"];

pub(super) fn have_runbooks() {
    let file = workspace().join("docs/runbooks.md");
    let text = fs::read_to_string(file).expect("the page is there");
    let sections: Vec<(&str, &str)> = text
        .split("\n### ")
        .skip(1)
        .map(|section| section.split_once('\n').expect("a section has text"))
        .collect();
    let anchors: BTreeSet<String> = sections
        .iter()
        .map(|(title, _)| title.to_lowercase())
        .collect();
    assert_eq!(anchors.len(), sections.len(), "a section is there twice");
    let linked: BTreeSet<String> = alerts()
        .iter()
        .map(|alert| {
            let url = word(alert, "/annotations/runbook_url");
            let (page, anchor) = url.split_once('#').expect("it names a section");
            assert_eq!(page, "docs/runbooks.md");
            assert_eq!(anchor, word(alert, "/alert").to_lowercase());
            anchor.to_owned()
        })
        .collect();
    assert_eq!(
        linked, anchors,
        "alerts, and the sections of docs/runbooks.md"
    );
    for (title, section) in sections {
        for part in PARTS {
            assert!(section.contains(part), "{title} does not say {part}");
        }
    }
}

/// These rules as a file of Prometheus, beside which a test puts others.
fn written(file: &Value) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let rules = serde_yaml_ng::to_string(file).expect("it is YAML");
    fs::write(folder.path().join("rules.yaml"), rules).expect("the folder is ours");
    folder
}

fn promtool(folder: &TempDir, arguments: &[&str]) {
    let output = Command::new("promtool")
        .args(arguments)
        .current_dir(folder.path())
        .output()
        .expect("the scenario needs it");
    let told = [output.stdout, output.stderr].concat();
    let told = String::from_utf8_lossy(&told);
    assert!(output.status.success(), "{told}");
}

/// The queries of the dashboard, too, each as a rule.
pub(super) fn are_taken_by_promtool() {
    let folder = written(&rule_file());
    promtool(&folder, &["check", "rules", "rules.yaml"]);
    let rules: Vec<Value> = dashboard::queries()
        .iter()
        .enumerate()
        .map(|(number, (panel, query, _))| {
            let query = query.replace("$__rate_interval", "5m");
            json!({"record": format!("panel:{number}"), "expr": query, "labels": {"panel": panel}})
        })
        .collect();
    assert!(rules.len() > 50, "{}", rules.len());
    let file = json!({"groups": [{"name": "dashboard", "rules": rules}]});
    fs::write(folder.path().join("dashboard.yaml"), file.to_string()).expect("the folder is ours");
    promtool(&folder, &["check", "rules", "dashboard.yaml"]);
}

/// Each alert fires in a test of its own and, where all is well, none does.
pub(super) fn fire_when_they_should() {
    let mut file = rule_file();
    let groups = file["groups"].as_array_mut().into_iter().flatten();
    for rule in groups.flat_map(|group| group["rules"].as_array_mut().into_iter().flatten()) {
        // promtool would have every text repeated; whether they can be written is checked with the rules.
        rule["annotations"] = json!({});
    }
    let folder = written(&file);
    let tests = workspace().join("tests/src/metrics/alerts.yaml");
    let tests = fs::read_to_string(tests).expect("the tests are there");
    let said: Value = serde_yaml_ng::from_str(&tests).expect("they are YAML");
    let fired: BTreeSet<&str> = items(&said["tests"])
        .flat_map(|test| items(&test["alert_rule_test"]))
        .filter(|expected| items(&expected["exp_alerts"]).next().is_some())
        .filter_map(|expected| expected["alertname"].as_str())
        .collect();
    let alerts = alerts();
    let all: BTreeSet<&str> = alerts.iter().map(|alert| word(alert, "/alert")).collect();
    assert_eq!(fired, all, "alerts that are seen firing in alerts.yaml");
    fs::write(folder.path().join("tests.yaml"), tests).expect("the folder is ours");
    promtool(&folder, &["test", "rules", "tests.yaml"]);
}
