//! Rows 64 to 69: reviews that are none, large ones, and such that leave nothing to decide.

use serde_json::{Value, json};

use super::{
    answer::Outcome,
    row::Row,
    webhook::{Hook, Webhook, review},
};

pub(super) fn requests() {
    let webhook = Webhook::start(None);
    no_reviews(&webhook);
    large(&webhook);
    deleted(&webhook);
    only_the_response(&webhook);
}

/// Rows 64 and 65: what cannot be answered is told to the API server's log, and left to its failure policy.
fn no_reviews(webhook: &Webhook) {
    let envelope = |version: &str| json!({"apiVersion": version, "kind": "AdmissionReview"});
    let pod = Row::networks("65", "foo");
    let mut old_version = review(&pod, &pod.object, false);
    old_version["apiVersion"] = json!("admission.k8s.io/v1beta1");
    let mut null = envelope("admission.k8s.io/v1");
    null["request"] = Value::Null;
    for (number, body, word) in [
        ("64", envelope("admission.k8s.io/v1"), "no request"),
        ("64", null, "no request"),
        ("65", old_version, "admission.k8s.io/v1"),
    ] {
        for hook in [Hook::Mutate, Hook::Validate] {
            let (status, text) = webhook.post(hook, &body.to_string());
            assert_eq!(status, 400, "row {number}: {text}");
            assert!(text.contains(word), "row {number}: {text}");
        }
    }
}

/// Row 67: an object may have 3 MiB, and the review of a change holds two of them.
fn large(webhook: &Webhook) {
    let of_size = |bytes: usize| {
        let pod = Row::networks("67", "foo");
        pod.annotated("example.com/large", &"x".repeat(bytes))
    };
    let created = of_size(5 << 19);
    let answer = webhook.ask(Hook::Mutate, &created).expect("it is answered");
    assert!(
        matches!(
            answer.outcome,
            Outcome::Allowed {
                is_patched: true,
                ..
            }
        ),
        "row 67: 2.5 MiB"
    );
    let changed = of_size(3 << 20).updates(|old| old.set("/metadata/labels", json!({"a": "b"})));
    let length = review(&changed, &changed.object, false).to_string().len();
    assert!(length > 6 << 20, "{length}");
    for hook in [Hook::Mutate, Hook::Validate] {
        let answer = webhook.ask(hook, &changed).expect("it is answered");
        assert!(
            matches!(
                answer.outcome,
                Outcome::Allowed {
                    is_patched: false,
                    ..
                }
            ),
            "row 67: 6 MiB"
        );
    }
    let (status, text) = webhook.post(Hook::Mutate, &"x".repeat((8 << 20) + 1));
    assert_eq!(status, 413, "{text}");
    assert!(text.contains("8 MiB"), "{text}");
}

/// Row 68: there is no object any more.
fn deleted(webhook: &Webhook) {
    for text in ["foo", "fooo", "[null]"] {
        let row = Row::networks("68", text);
        let mut review = review(&row, &Value::Null, false);
        review["request"]["operation"] = json!("DELETE");
        review["request"]["oldObject"] = row.object.clone();
        for hook in [Hook::Mutate, Hook::Validate] {
            let (status, answer) = webhook.post(hook, &review.to_string());
            assert_eq!(status, 200, "row 68: {answer}");
            let answer: Value = serde_json::from_str(&answer).expect("the answer is JSON");
            assert_eq!(answer["response"]["allowed"], true, "row 68: {answer}");
            assert_eq!(answer["response"].get("patch"), None, "row 68: {answer}");
        }
    }
}

/// Row 69, whose parts every answer of every table is read by; here to the letter.
fn only_the_response(webhook: &Webhook) {
    let keys = |value: &Value| -> Vec<String> {
        let mut keys: Vec<String> = value
            .as_object()
            .map_or_else(Vec::new, |map| map.keys().cloned().collect());
        keys.sort();
        keys
    };
    let fields = |row: &Row| {
        let mut review = review(row, &row.object, false);
        review["request"]["uid"] = json!("0f3c\"é");
        let (_, answer) = webhook.post(Hook::Mutate, &review.to_string());
        let answer: Value = serde_json::from_str(&answer).expect("the answer is JSON");
        assert_eq!(keys(&answer), ["apiVersion", "kind", "response"]);
        assert_eq!(answer["response"]["uid"], "0f3c\"é", "row 69");
        keys(&answer["response"])
    };
    assert_eq!(fields(&Row::pod("69")), ["allowed", "uid"]);
    assert_eq!(
        fields(&Row::networks("69", "foo")),
        ["allowed", "auditAnnotations", "patch", "patchType", "uid"]
    );
    let denied = fields(&Row::networks("69", "fooo"));
    assert!(denied.contains(&"status".to_owned()), "{denied:?}");
    assert!(!denied.contains(&"patch".to_owned()), "{denied:?}");
}
