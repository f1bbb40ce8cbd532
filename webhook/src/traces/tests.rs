//! What is told of reviews and questions, and what of it the pod is told.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use opentelemetry::trace::{SpanId, Status};
use opentelemetry_sdk::trace::SpanData;
use serde_json::{Value, json};
use spec::network::TRACEPARENT;

use super::{kept::traces, *};
use crate::{
    fixture::{self, creation, review, send},
    server::{self, Webhook},
};

const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const AUTHOR: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn traced() -> (Webhook, kept::Kept) {
    let (traces, kept) = traces();
    let webhook = Webhook {
        traces,
        ..fixture::webhook()
    };
    (webhook, kept)
}

async fn post(
    webhook: &Webhook,
    path: &str,
    caller: Option<&str>,
    body: &Value,
) -> (StatusCode, String) {
    let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
    if let Some(caller) = caller {
        request = request.header("traceparent", caller);
    }
    let request = request.body(Body::from(body.to_string())).unwrap();
    send(server::router(webhook.clone()), request).await
}

/// The patch of the answer, which allows.
async fn patch(webhook: &Webhook, caller: Option<&str>, review: &Value) -> Value {
    let (status, answer) = post(webhook, "/mutate", caller, review).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["response"]["allowed"], true, "{answer}");
    answer["response"]["patch"]
        .as_str()
        .map_or(Value::Null, |patch| {
            serde_json::from_slice(&STANDARD.decode(patch).unwrap()).unwrap()
        })
}

/// The review's pod as the patch leaves it.
fn patched(review: &Value, patch: &Value) -> Value {
    let mut object = review["request"]["object"].clone();
    let patch: json_patch::Patch = serde_json::from_value(patch.clone()).unwrap();
    json_patch::patch(&mut object, &patch).unwrap();
    object
}

fn annotation(pod: &Value) -> Option<&str> {
    pod["metadata"]["annotations"][TRACEPARENT].as_str()
}

fn names(spans: &[SpanData]) -> Vec<&str> {
    spans.iter().map(|span| span.name.as_ref()).collect()
}

fn attribute(span: &SpanData, key: &str) -> Option<String> {
    let mut attributes = span.attributes.iter();
    let found = attributes.find(|attribute| attribute.key.as_str() == key)?;
    Some(found.value.as_str().into_owned())
}

fn told_of(span: &SpanData) -> String {
    telemetry::told(&span.span_context).unwrap().to_string()
}

#[tokio::test]
async fn the_pod_gets_the_span_of_its_admission() {
    let (webhook, kept) = traced();
    let mut authored = creation(Some("macvlan-conf"));
    authored["request"]["object"]["metadata"]["annotations"][TRACEPARENT] = json!(AUTHOR);
    let mut wrong = authored.clone();
    wrong["request"]["object"]["metadata"]["annotations"][TRACEPARENT] = json!("x");
    for (what, caller, review, parent) in [
        (
            "the caller's",
            Some(CALLER),
            creation(Some("macvlan-conf")),
            Some(CALLER),
        ),
        (
            "the caller's first",
            Some(CALLER),
            authored.clone(),
            Some(CALLER),
        ),
        ("the author's", None, authored.clone(), Some(AUTHOR)),
        (
            "the author's beside no caller's",
            Some("00-x"),
            authored,
            Some(AUTHOR),
        ),
        ("none", None, wrong, None),
        ("devices, too", None, creation(Some("sriov-net-a")), None),
    ] {
        let patch = patch(&webhook, caller, &review).await;
        let spans = kept.take();
        assert_eq!(names(&spans), ["admission", "parse", "decide"], "{what}");
        let span = &spans[0];
        let pod = patched(&review, &patch);
        assert_eq!(annotation(&pod), Some(told_of(span).as_str()), "{what}");
        match parent {
            Some(parent) => {
                let parent: TraceContext = parent.parse().unwrap();
                assert_eq!(span.span_context.trace_id().to_string(), parent.trace_id());
                assert_eq!(
                    span.parent_span_id.to_string(),
                    parent.parent_id(),
                    "{what}"
                );
            }
            None => assert_eq!(span.parent_span_id, SpanId::INVALID, "{what}"),
        }
        for stage in &spans[1..] {
            assert_eq!(stage.parent_span_id, span.span_context.span_id(), "{what}");
        }
    }
}

#[tokio::test]
async fn a_second_call_keeps_the_first_ones_span() {
    let (webhook, kept) = traced();
    for caller in [None, Some(CALLER)] {
        let mut authored = creation(Some("sriov-net-a"));
        authored["request"]["object"]["metadata"]["annotations"][TRACEPARENT] = json!(AUTHOR);
        let first = patched(&authored, &patch(&webhook, caller, &authored).await);
        let again = review("CREATE", &first, &Value::Null);
        // Another replica knows as much.
        let (other, _kept) = traced();
        for webhook in [&webhook, &other] {
            assert_eq!(patch(webhook, caller, &again).await, Value::Null);
        }
        let spans = kept.take();
        let admissions: Vec<_> = spans
            .iter()
            .filter(|span| span.name == "admission")
            .collect();
        let [one, two] = admissions[..] else {
            panic!("{admissions:?}");
        };
        assert_eq!(annotation(&first), Some(told_of(one).as_str()));
        assert_eq!(one.span_context.trace_id(), two.span_context.trace_id());
    }
}

#[tokio::test]
async fn who_is_not_sampled_is_followed() {
    let (webhook, kept) = traced();
    let caller = CALLER.replace("-01", "-00");
    let review = creation(Some("sriov-net-a"));
    let quiet = patch(&webhook, Some(&caller), &review).await;
    assert!(kept.take().is_empty());
    let off = patch(&fixture::webhook(), Some(CALLER), &review).await;
    assert_eq!(quiet, off, "as without traces");
    assert!(!off.to_string().contains(TRACEPARENT), "{off}");
    // A pod that asks for nothing, the validating hook, and changes.
    assert_eq!(
        patch(&webhook, Some(CALLER), &creation(None)).await,
        Value::Null
    );
    let object = &review["request"]["object"];
    let changed = fixture::review("UPDATE", object, object);
    assert_eq!(patch(&webhook, Some(CALLER), &changed).await, Value::Null);
}

#[tokio::test]
async fn what_is_told() {
    let (webhook, kept) = traced();
    let mut denied = creation(Some("nothing-of-that-name"));
    denied["request"]["dryRun"] = json!(true);
    let (_, answer) = post(&webhook, "/validate", None, &denied).await;
    assert!(answer.contains(r#""allowed":false"#), "{answer}");
    let spans = kept.take();
    let mut told: Vec<String> = spans[0]
        .attributes
        .iter()
        .map(|attribute| format!("{}={}", attribute.key, attribute.value))
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            "decision=denied",
            "dry_run=true",
            "hook=validate",
            "kind=Pod",
            "namespace=default",
            "operation=CREATE",
            "pod=web-*",
            "review_uid=705ab4f5-6393-11e8-b7cc-42010a800002",
            "rules=network-not-found",
        ]
    );
    let (status, _) = post(&webhook, "/mutate", Some(CALLER), &json!("no review")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let spans = kept.take();
    assert_eq!(names(&spans), ["admission"]);
    assert_eq!(spans[0].status, Status::error("bad-request"));
    assert_eq!(
        told_of(&spans[0])[..36],
        CALLER[..36],
        "in the caller's trace"
    );
    assert_eq!(attribute(&spans[0], "hook").as_deref(), Some("mutate"));
}

#[test]
fn a_question_joins_the_trace_of_its_pod_and_begins_none() {
    let (traces, kept) = traces();
    let pod = |annotations: Value| -> Pod {
        let metadata =
            json!({"name": "p", "namespace": "default", "uid": "u", "annotations": annotations});
        serde_json::from_value(json!({"metadata": metadata, "spec": {"containers": []}})).unwrap()
    };
    for (annotations, is_traced) in [
        (json!({}), false),
        (json!({TRACEPARENT: "x"}), false),
        (json!({TRACEPARENT: AUTHOR}), true),
    ] {
        let begun = traces.moment();
        let question = traces.question(Verb::Filter, begun, &pod(annotations.clone()), 3);
        assert_eq!(question.is_some(), is_traced, "{annotations}");
        drop(question);
    }
    let spans = kept.take();
    assert_eq!(names(&spans), ["filter"]);
    assert_eq!(told_of(&spans[0])[..36], AUTHOR[..36]);
    assert_eq!(attribute(&spans[0], "nodes").as_deref(), Some("3"));
    let off = Traces::default();
    let traced = pod(json!({TRACEPARENT: AUTHOR}));
    assert!(off.moment().is_none());
    assert!(
        off.question(Verb::Filter, off.moment(), &traced, 3)
            .is_none()
    );
}
