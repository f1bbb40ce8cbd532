//! Findings as SARIF 2.1.0 (OASIS), which code scanners and forges read.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};

use super::{
    format::subject,
    report::{Finding, Report},
    rules,
};

/// What a path may not hold in a URI reference (RFC 3986, 3.3); `%` and `:` as a first segment could mean a scheme.
const NOT_IN_A_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b':')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The log: one run, every rule, a result for each finding.
pub(super) fn print(report: &Report) -> Result<String, serde_json::Error> {
    let rules = rules::all();
    let descriptions: Vec<Value> = rules
        .iter()
        .map(|(id, description)| json!({"id": id, "shortDescription": {"text": description}}))
        .collect();
    let results: Vec<Value> = report
        .findings
        .iter()
        .map(|finding| result(finding, &rules))
        .collect();
    let notifications: Vec<Value> = report
        .unusable
        .iter()
        .map(|unusable| json!({"level": "error", "message": {"text": unusable.message}}))
        .collect();
    let log = json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "kubectl-polypod",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": descriptions,
            }},
            "invocations": [{
                "executionSuccessful": report.unusable.is_empty(),
                "toolExecutionNotifications": notifications,
            }],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    Ok(serde_json::to_string_pretty(&log)? + "\n")
}

fn result(finding: &Finding, rules: &[(&str, &str)]) -> Value {
    let index = rules.iter().position(|(id, _)| *id == finding.rule);
    let name = subject(&finding.object);
    let uri = utf8_percent_encode(&finding.place.file, NOT_IN_A_PATH).to_string();
    let path = match finding.field.as_str() {
        "" => name.clone(),
        field => format!("{name}: {field}"),
    };
    json!({
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": finding.level.as_str(),
        "message": {"text": format!("{name}: {}", finding.message)},
        "locations": [{
            "physicalLocation": {
                "artifactLocation": {"uri": uri},
                "region": {"startLine": finding.place.line},
            },
            "logicalLocations": [{"fullyQualifiedName": path}],
        }],
    })
}
