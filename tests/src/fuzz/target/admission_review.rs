//! A body as the API server posts it, through both hooks, to the answer that would be sent.

use admission::{Cluster, Policy};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use json_patch::Patch;
use serde_json::{Value, json};
use webhook::{
    answer::Answer,
    decide::{Decision, decide},
    hook::Hook,
    review::{self, Request},
};

use super::{
    pods,
    world::{self, World},
};

/// Answers a body by both hooks. What `/mutate` lets in, `/validate` lets in.
pub fn admission_review(bytes: &[u8]) {
    let (world, body) = world::of(bytes);
    let World { cluster, policy } = world;
    let request = match review::parse(body) {
        Ok(request) => request,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let _before_the_start = answered(Hook::Validate, &request, None, policy);
    let _as_it_is = answered(Hook::Validate, &request, Some(cluster), policy);
    let Some(object) = answered(Hook::Mutate, &request, Some(cluster), policy) else {
        return;
    };
    if request.operation != "CREATE" || pods::opts_out(&object) {
        return;
    }
    let Ok(mut stored) = serde_json::from_slice::<Value>(body) else {
        return;
    };
    let is_pod = request.kind.group.is_empty() && request.kind.kind == "Pod";
    if stored["request"].is_null() || !is_pod {
        return;
    }
    stored["request"]["object"] = object;
    let body = stored.to_string();
    let request = review::parse(body.as_bytes()).expect("only its object has changed");
    let decision = decide(Hook::Mutate, &request, Some(cluster), policy);
    assert!(
        !matches!(
            decision,
            Ok(Decision::Patched { .. } | Decision::Denied(_)) | Err(_)
        ),
        "the patched pod is not let in as it is: {decision:?}"
    );
    let decision = decide(Hook::Validate, &request, Some(cluster), policy);
    if matches!(&decision, Ok(Decision::Denied(denial)) if pods::is_open(denial)) {
        return;
    }
    assert!(
        matches!(decision, Ok(Decision::Allowed(_))),
        "the patched pod is denied: {decision:?}"
    );
}

/// Decides, checks the answer against the contract of the API server, and gives back the object as it would be stored.
fn answered(
    hook: Hook,
    request: &Request<'_>,
    cluster: Option<&Cluster>,
    policy: &Policy,
) -> Option<Value> {
    let decision = match decide(hook, request, cluster, policy) {
        Ok(decision) => decision,
        Err(undecided) => {
            assert!(!undecided.to_string().is_empty());
            return None;
        }
    };
    if let Decision::Denied(denial) = &decision {
        pods::explained(denial);
    }
    let answer = Answer::new(request, &decision).expect("an answer is JSON");
    let text = serde_json::to_string(&answer).expect("an answer is JSON");
    let answer: Value = serde_json::from_str(&text).expect("it was just written");
    let response = &answer["response"];
    assert_eq!(response["uid"], json!(request.uid));
    assert_eq!(
        response["patch"].is_null(),
        response["patchType"].is_null(),
        "one without the other"
    );
    for warning in response["warnings"].as_array().into_iter().flatten() {
        let text = warning.as_str().expect("warnings are texts");
        assert!(text.chars().count() <= 120 && !text.contains(char::is_control));
    }
    if response["allowed"] == json!(false) {
        let status = &response["status"];
        assert!(
            status["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        );
        assert!(
            status["details"]["causes"]
                .as_array()
                .is_some_and(|causes| !causes.is_empty())
        );
        assert!(
            response["patch"].is_null(),
            "a denied object is not patched"
        );
        return None;
    }
    let mut object: Value = serde_json::from_str(request.object?.get()).ok()?;
    if let Some(patch) = response["patch"].as_str() {
        let patch = STANDARD.decode(patch).expect("a patch is base64");
        let patch: Patch = serde_json::from_slice(&patch).expect("a patch is JSON");
        assert!(!patch.is_empty(), "an empty patch is none");
        json_patch::patch(&mut object, &patch).expect("a patch applies");
    }
    Some(object)
}
