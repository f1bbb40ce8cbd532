//! Findings as text and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::report::{Level, Report, Subject};

/// The version of the JSON's structure. Fields may be added without another one.
const VERSION: u8 = 1;

/// A line for each finding, as compilers print theirs, so that editors can jump there; below it the field.
pub(super) fn text(report: &Report) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        let (place, level) = (&finding.place, finding.level.as_str());
        // Writing to a text cannot fail.
        let _ = writeln!(
            text,
            "{}:{}: {level}: {}: {}: {}",
            place.file,
            place.line,
            finding.rule,
            subject(&finding.object),
            finding.message
        );
        if !finding.field.is_empty() {
            let _ = writeln!(
                text,
                "    at {} (document {})",
                finding.field, place.document
            );
        }
    }
    text
}

/// The report as one object, with the numbers that the exit code is made of.
pub(super) fn json(report: &Report) -> Result<String, serde_json::Error> {
    let mut object = json!({
        "version": VERSION,
        "errors": report.count(Level::Error),
        "warnings": report.count(Level::Warning),
    });
    if let (Value::Object(object), Value::Object(fields)) =
        (&mut object, serde_json::to_value(report)?)
    {
        object.extend(fields);
    }
    Ok(serde_json::to_string_pretty(&object)? + "\n")
}

/// An object in the words of kubectl, with its namespace.
pub(super) fn subject(subject: &Subject) -> String {
    let Subject {
        kind,
        namespace,
        name,
        ..
    } = subject;
    if namespace.is_empty() {
        format!("{kind} {name}")
    } else {
        format!("{kind} {namespace}/{name}")
    }
}
