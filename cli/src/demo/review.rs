//! The AdmissionReview as the API server writes it, and what it reads from the answer (`admission.k8s.io/v1`).

use anyhow::{Context, Result, bail};
use base64::{Engine, engine::general_purpose::STANDARD};
use json_patch::Patch;
use serde::Deserialize;
use serde_json::{Value, json};

/// An answer.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The pod may be stored, with these changes.
    Allowed {
        /// The changes; none for a pod that lacks nothing.
        patch: Patch,
        /// What `kubectl` shows as warnings.
        warnings: Vec<String>,
    },
    /// The pod is refused, for this reason.
    Denied {
        /// What `kubectl` shows.
        reason: String,
    },
}

#[derive(Deserialize)]
struct Review {
    response: Response,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    uid: String,
    allowed: bool,
    patch_type: Option<String>,
    patch: Option<String>,
    #[serde(default)]
    warnings: Vec<String>,
    status: Option<Status>,
}

#[derive(Deserialize)]
struct Status {
    message: Option<String>,
}

/// The review of a pod that is to be created.
pub(super) fn request(uid: &str, pod: &Value) -> Value {
    let kind = json!({"group": "", "version": "v1", "kind": "Pod"});
    let resource = json!({"group": "", "version": "v1", "resource": "pods"});
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": uid,
            "kind": kind,
            "resource": resource,
            "requestKind": kind,
            "requestResource": resource,
            "name": pod["metadata"]["name"],
            "namespace": pod["metadata"]["namespace"],
            "operation": "CREATE",
            "userInfo": {"username": "kubernetes-admin", "groups": ["system:authenticated"]},
            "object": pod,
            "oldObject": null,
            "dryRun": false,
            "options": {"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions"},
        },
    })
}

/// Reads an answer as strictly as the API server does.
pub(super) fn verdict(uid: &str, answer: &str) -> Result<Verdict> {
    let review: Review = serde_json::from_str(answer)
        .with_context(|| format!("the webhook's answer is no AdmissionReview: {answer}"))?;
    let response = review.response;
    if response.uid != uid {
        bail!(
            "the webhook answered request {}, but {uid} was asked",
            response.uid
        );
    }
    if !response.allowed {
        let reason = response.status.and_then(|status| status.message);
        return Ok(Verdict::Denied {
            reason: reason.unwrap_or_else(|| "(no reason was given)".to_owned()),
        });
    }
    let patch = match (response.patch_type.as_deref(), response.patch) {
        (_, None) => Patch::default(),
        (Some("JSONPatch"), Some(encoded)) => {
            let bytes = STANDARD
                .decode(encoded)
                .context("the patch is not base64")?;
            serde_json::from_slice(&bytes).context("the patch is no JSONPatch")?
        }
        (other, Some(_)) => {
            bail!("the patch is of type {other:?}; the API server takes JSONPatch only")
        }
    };
    Ok(Verdict::Allowed {
        patch,
        warnings: response.warnings,
    })
}

/// One line per operation: what is done, where, and the value.
pub(super) fn describe(patch: &Patch) -> Vec<String> {
    patch
        .0
        .iter()
        .map(|operation| {
            let wire = json!(operation);
            let text = |key: &str| wire[key].as_str().unwrap_or_default().to_owned();
            let value = wire.get("value").map(|value| format!("  {value}"));
            format!(
                "{:<8} {}{}",
                text("op"),
                text("path"),
                value.unwrap_or_default()
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(response: &Value) -> String {
        json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}).to_string()
    }

    #[test]
    fn a_patch_is_decoded_and_described() {
        let encoded = STANDARD.encode(r#"[{"op":"add","path":"/spec/a~1b","value":{"c":"2"}}]"#);
        let text = answer(
            &json!({"uid": "1", "allowed": true, "patchType": "JSONPatch", "patch": encoded}),
        );
        let Verdict::Allowed { patch, warnings } = verdict("1", &text).unwrap() else {
            panic!("denied");
        };
        assert!(warnings.is_empty());
        assert_eq!(describe(&patch), [r#"add      /spec/a~1b  {"c":"2"}"#]);
        assert!(verdict("2", &text).is_err());
    }

    #[test]
    fn a_denial_has_its_reason() {
        let text = answer(
            &json!({"uid": "1", "allowed": false, "status": {"message": "no such network"}}),
        );
        let Verdict::Denied { reason } = verdict("1", &text).unwrap() else {
            panic!("allowed");
        };
        assert_eq!(reason, "no such network");
    }

    #[test]
    fn a_patch_the_api_server_would_not_take_is_an_error() {
        for response in [
            json!({"uid": "1", "allowed": true, "patch": "W10="}),
            json!({"uid": "1", "allowed": true, "patchType": "JSONPatch", "patch": "["}),
            json!({"uid": "1"}),
        ] {
            assert!(verdict("1", &answer(&response)).is_err(), "{response}");
        }
    }

    #[test]
    fn the_request_is_a_creation_of_the_pod() {
        let pod = json!({"metadata": {"name": "a", "namespace": "b"}});
        let review = request("1", &pod);
        assert_eq!(review["request"]["operation"], "CREATE");
        assert_eq!(review["request"]["namespace"], "b");
        assert_eq!(review["request"]["object"], pod);
    }
}
