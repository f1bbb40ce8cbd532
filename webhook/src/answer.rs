//! What the API server is told: an AdmissionReview with a response, and nothing of the request but its uid.
//!
//! Own types, because kube's write the patch as a list of numbers (kube-rs/kube#1781).

use std::{borrow::Cow, collections::BTreeMap};

use admission::{Denial, Plan, Warning};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;

use crate::{
    audit,
    decide::Decision,
    review::{API_VERSION, KIND, Request},
};

/// How long a text of the status may be. A denial quotes what it found, and an annotation may be 256 KiB.
const MOST: usize = 2000;

/// How many characters the warnings of one answer may have together. Beyond 4096 for all webhooks of a request the API server
/// shortens or drops some; each has a frame of `299 - ""`, and other webhooks have something to say, too.
const MOST_OF_WARNINGS: usize = 3000;

/// What is counted for the frame of a warning.
const FRAME: usize = 8;

/// The review that is sent back.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer<'a> {
    api_version: &'static str,
    kind: &'static str,
    response: Response<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    /// A JSON patch as base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Cow<'a, str>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    audit_annotations: BTreeMap<&'static str, String>,
}

/// A `meta/v1` Status.
#[derive(Debug, Serialize)]
struct Status {
    status: &'static str,
    code: u16,
    reason: &'static str,
    message: String,
    details: Details,
}

/// What kubectl makes its sentence of where the reason is `Invalid`: `The Pod "web" is invalid: …`.
#[derive(Debug, Serialize)]
struct Details {
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    group: String,
    kind: String,
    causes: Vec<Cause>,
}

#[derive(Debug, Serialize)]
struct Cause {
    reason: &'static str,
    field: String,
    message: String,
}

impl<'a> Answer<'a> {
    /// The answer to `request`.
    ///
    /// # Errors
    /// The patch cannot be written as JSON.
    pub fn new(
        request: &'a Request<'_>,
        decision: &'a Decision,
    ) -> Result<Self, serde_json::Error> {
        let mut response = Response {
            uid: &request.uid,
            allowed: true,
            patch_type: None,
            patch: None,
            status: None,
            warnings: Vec::new(),
            audit_annotations: audit::annotations(decision),
        };
        match decision {
            Decision::Allowed(plan) => response.warnings = warnings(plan),
            Decision::Patched { plan, patch } => {
                // The two fields belong together: one without the other makes the answer invalid.
                response.patch_type = Some("JSONPatch");
                response.patch = Some(STANDARD.encode(serde_json::to_vec(patch)?));
                response.warnings = warnings(plan);
            }
            Decision::Denied(denial) => {
                response.allowed = false;
                response.status = Some(status(request, denial));
            }
        }
        Ok(Self {
            api_version: API_VERSION,
            kind: KIND,
            response,
        })
    }
}

fn warnings(plan: &Plan) -> Vec<Cow<'_, str>> {
    let mut left = MOST_OF_WARNINGS;
    let mut warnings = Vec::new();
    for warning in plan.warnings.iter().map(Warning::as_str) {
        // Quotes and backslashes are escaped in the header.
        let escaped = warning.matches(['"', '\\']).count();
        let size = warning.chars().count() + escaped + FRAME;
        if size > left {
            let more = plan.warnings.len() - warnings.len();
            warnings.push(format!("and {more} more warnings").into());
            break;
        }
        left -= size;
        warnings.push(warning.into());
    }
    warnings
}

fn status(request: &Request<'_>, denial: &Denial) -> Status {
    Status {
        status: "Failure",
        code: denial.code(),
        reason: denial.reason(),
        message: shortened(denial.to_string()),
        details: Details {
            name: request.display_name(),
            group: request.kind.group.to_string(),
            kind: request.kind.kind.to_string(),
            causes: denial
                .causes()
                .map(|cause| Cause {
                    reason: cause.reason,
                    field: cause.field,
                    message: shortened(cause.message),
                })
                .collect(),
        },
    }
}

/// The text, cut where it is longer than anybody reads.
pub(crate) fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MOST) {
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_stay_within_what_the_api_server_passes_on() {
        let of = |count: usize| Plan {
            warnings: (0..count)
                .map(|n| Warning::new(&format!("{n} {}", "\"".repeat(200))))
                .collect(),
            ..Plan::default()
        };
        assert_eq!(warnings(&of(5)).len(), 5);
        let plan = of(1000);
        let told = warnings(&plan);
        let (last, first) = told.split_last().unwrap();
        assert_eq!(*last, format!("and {} more warnings", 1000 - first.len()));
        assert!(first.len() >= 10);
        let header = |text: &Cow<'_, str>| format!("299 - {text:?}").chars().count();
        assert!(told.iter().map(header).sum::<usize>() < 3100);
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(shortened("ä".repeat(MOST)), "ä".repeat(MOST));
        assert_eq!(
            shortened("ä".repeat(MOST + 1)),
            format!("{}…", "ä".repeat(MOST))
        );
    }
}
