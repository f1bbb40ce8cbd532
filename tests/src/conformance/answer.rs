//! An answer, with everything that is wanted of every answer whatever its row: row 69, and what API servers ask for.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use json_patch::{Patch, PatchOperation};
use serde_json::Value;

use super::webhook::Hook;

/// An answer that an API server can use.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) outcome: Outcome,
    pub(super) warnings: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Outcome {
    /// The object, with the patch applied if there is one.
    Allowed {
        object: Value,
        is_patched: bool,
    },
    Denied {
        code: u64,
        message: String,
    },
}

/// The API server's advice for the length of a warning, in characters.
const LONGEST_WARNING: usize = 120;

macro_rules! ensure {
    ($condition:expr, $($problem:tt)+) => {
        if !$condition {
            return Err(format!($($problem)+));
        }
    };
}

impl Answer {
    /// Reads the answer to `review`.
    pub(super) fn read(hook: Hook, review: &Value, text: &str) -> Result<Self, String> {
        let answer: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let keys = keys(&answer);
        ensure!(
            keys == ["apiVersion", "kind", "response"],
            "the answer has {keys:?}, and nothing of the request belongs there"
        );
        ensure!(
            answer["apiVersion"] == review["apiVersion"] && answer["kind"] == review["kind"],
            "the answer is of another version or kind"
        );
        let response = &answer["response"];
        ensure!(
            response["uid"] == review["request"]["uid"],
            "the uid is not the request's"
        );
        ensure!(
            response.get("patch").is_some() == response.get("patchType").is_some(),
            "patch and patchType belong together"
        );
        audit_annotations(response)?;
        let warnings = warnings(response)?;
        let outcome = match response["allowed"].as_bool() {
            Some(true) => {
                let object = &review["request"]["object"];
                let (object, is_patched) = patched(hook, response, object)?;
                Outcome::Allowed { object, is_patched }
            }
            Some(false) => denied(response)?,
            None => return Err("allowed is no boolean".to_owned()),
        };
        Ok(Self { outcome, warnings })
    }
}

fn keys(value: &Value) -> Vec<&str> {
    let keys = value.as_object().into_iter().flat_map(|map| map.keys());
    keys.map(String::as_str).collect()
}

/// The names are put behind the webhook's and a slash, which makes them qualified names.
fn audit_annotations(response: &Value) -> Result<(), String> {
    let Some(annotations) = response.get("auditAnnotations") else {
        return Ok(());
    };
    for (key, text) in annotations.as_object().into_iter().flatten() {
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        ensure!(
            (1..=63).contains(&key.len()) && key.chars().all(is_of_name),
            "{key:?} cannot be the name of an audit annotation"
        );
        ensure!(text.is_string(), "audit annotation {key} is no text");
    }
    Ok(())
}

fn warnings(response: &Value) -> Result<Vec<String>, String> {
    let mut warnings = Vec::new();
    for warning in response["warnings"].as_array().into_iter().flatten() {
        let text = warning.as_str().ok_or("a warning is no text")?;
        ensure!(
            text.chars().count() <= LONGEST_WARNING,
            "a warning of more than {LONGEST_WARNING} characters"
        );
        ensure!(
            !text.is_empty() && !text.contains(char::is_control),
            "the warning {text:?} is empty or has control characters"
        );
        warnings.push(text.to_owned());
    }
    let different: BTreeSet<&String> = warnings.iter().collect();
    ensure!(different.len() == warnings.len(), "a warning twice");
    Ok(warnings)
}

fn denied(response: &Value) -> Result<Outcome, String> {
    ensure!(response.get("patch").is_none(), "a denial with a patch");
    let status = &response["status"];
    ensure!(status["status"] == "Failure", "status.status of a denial");
    let code = status["code"].as_u64().ok_or("a denial without a code")?;
    let reason = match code {
        422 => "Invalid",
        403 => "Forbidden",
        other => return Err(format!("a denial of code {other}")),
    };
    ensure!(
        status["reason"] == reason,
        "the reason to {code} is {reason}"
    );
    let message = visible(&status["message"])?;
    let causes = status["details"]["causes"].as_array();
    let causes = causes.filter(|causes| !causes.is_empty());
    for cause in causes.ok_or("a denial without causes")? {
        for part in ["reason", "field", "message"] {
            visible(&cause[part]).map_err(|problem| format!("the {part} of a cause: {problem}"))?;
        }
    }
    Ok(Outcome::Denied { code, message })
}

fn visible(text: &Value) -> Result<String, String> {
    let text = text.as_str().filter(|text| !text.trim().is_empty());
    let text = text.ok_or("it is missing or empty")?;
    ensure!(
        !text.contains(char::is_control),
        "control characters in {text:?}"
    );
    Ok(text.to_owned())
}

/// The object with the patch applied, in which every operation changes something, and names are added in their order.
fn patched(hook: Hook, response: &Value, object: &Value) -> Result<(Value, bool), String> {
    let mut object = object.clone();
    let Some(patch) = response.get("patch") else {
        return Ok((object, false));
    };
    ensure!(hook == Hook::Mutate, "a patch of a validating webhook");
    ensure!(response["patchType"] == "JSONPatch", "the patchType");
    let patch = STANDARD
        .decode(patch.as_str().unwrap_or_default())
        .map_err(|error| format!("the patch is not base64: {error}"))?;
    let patch: Patch =
        serde_json::from_slice(&patch).map_err(|error| format!("the patch: {error}"))?;
    ensure!(!patch.is_empty(), "an empty patch");
    let mut quantities: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for operation in patch.0 {
        ensure!(
            matches!(operation, PatchOperation::Add(_)),
            "{operation} takes something away"
        );
        let path = operation.path().to_string();
        let before = object.clone();
        json_patch::patch(&mut object, &[operation])
            .map_err(|error| format!("the patch does not apply: {error}"))?;
        ensure!(before != object, "adding {path} changes nothing");
        if let Some((list, name)) = quantity(&path) {
            quantities
                .entry(list.to_owned())
                .or_default()
                .push(name.to_owned());
        }
    }
    for (list, names) in quantities {
        ensure!(
            names.is_sorted(),
            "what is added to {list} is not sorted by name: {names:?}"
        );
    }
    Ok((object, true))
}

/// List and resource of a path such as `/spec/containers/0/resources/limits/example.com~1foo`.
fn quantity(path: &str) -> Option<(&str, &str)> {
    let is_quantity = path.contains("/resources/limits/") || path.contains("/resources/requests/");
    path.rsplit_once('/').filter(|_| is_quantity)
}
