//! The wire: what is sent for which review, and what is refused before it is one.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use axum::body::Bytes;

use super::*;
use crate::body::BODY_LIMIT;
use crate::fixture::{creation, post, post_as, response, review, unsynced, webhook};
use crate::metrics::Known;

fn known(webhook: &Webhook) -> Known {
    Known {
        parts: webhook.store.parts(),
        leaf_expiry: 99,
        configuration: webhook.configured.standing(),
        instances: webhook.store.instances(&"kube-system".parse().unwrap()),
    }
}

fn patch_of(response: &Value) -> Value {
    let patch = STANDARD
        .decode(response["patch"].as_str().unwrap())
        .unwrap();
    serde_json::from_slice(&patch).unwrap()
}

#[tokio::test]
async fn vector_69_a_patch_and_nothing_of_the_request() {
    let review = creation(Some("sriov-net-a,sriov-net-a"));
    let (status, answer) = post(&webhook(), "/mutate", &review).await;
    assert_eq!(status, StatusCode::OK);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    insta::assert_json_snapshot!("patched", answer);
    insta::assert_json_snapshot!("patched_patch", patch_of(&answer["response"]));
}

#[tokio::test]
async fn a_denial_says_why_where_and_what_to_do() {
    for path in ["/mutate", "/validate"] {
        let response = response(
            &webhook(),
            path,
            &creation(Some("sriov-net,macvlan-conf@eth0")),
        )
        .await;
        insta::assert_json_snapshot!("denied", response);
    }
}

#[tokio::test]
async fn the_validating_hook_denies_what_is_missing_and_never_patches() {
    let missing = response(&webhook(), "/validate", &creation(Some("sriov-net-a"))).await;
    insta::assert_json_snapshot!("missing", missing);
    let mut final_pod = creation(Some("sriov-net-a"));
    let quantity = json!({"intel.com/sriov": "1"});
    final_pod["request"]["object"]["spec"]["containers"][0]["resources"] =
        json!({"requests": quantity, "limits": quantity});
    for path in ["/mutate", "/validate"] {
        let complete = response(&webhook(), path, &final_pod).await;
        insta::assert_json_snapshot!("complete", complete);
    }
}

#[tokio::test]
async fn vectors_12_to_14_and_57_allowed_without_a_patch() {
    let mut host_network = creation(Some("sriov-net-a"));
    host_network["request"]["object"]["spec"]["hostNetwork"] = json!(true);
    for (review, warnings) in [
        (creation(None), 0),
        (creation(Some("")), 0),
        (creation(Some("[]")), 1),
        (host_network, 1),
    ] {
        let response = response(&webhook(), "/mutate", &review).await;
        assert_eq!(response["allowed"], true);
        assert_eq!(response["patch"], Value::Null);
        assert_eq!(response["patchType"], Value::Null);
        let texts = response["warnings"].as_array().map_or(0, Vec::len);
        assert_eq!(texts, warnings, "{response}");
    }
}

#[tokio::test]
async fn vectors_60_and_61_changes_are_judged_and_never_patched() {
    let pod = |annotation| creation(annotation)["request"]["object"].take();
    let (none, bad, good) = (pod(None), pod(Some("nothing")), pod(Some("sriov-net-a")));
    for path in ["/mutate", "/validate"] {
        for (old, new, allowed) in [
            (&bad, &bad, true),
            (&bad, &none, true),
            (&good, &good, true),
            (&none, &good, false),
            (&none, &bad, false),
        ] {
            let response = response(&webhook(), path, &review("UPDATE", new, old)).await;
            assert_eq!(response["allowed"], allowed, "{old} {new}");
            assert_eq!(response["patch"], Value::Null);
        }
    }
}

#[tokio::test]
async fn vector_68_and_other_objects_are_allowed() {
    let bad = || creation(Some("nothing"));
    let mut deleted = bad();
    deleted["request"]["oldObject"] = deleted["request"]["object"].take();
    deleted["request"]["operation"] = json!("DELETE");
    let mut of_other_kind = bad();
    of_other_kind["request"]["kind"] =
        json!({"group": "apps", "version": "v1", "kind": "Deployment"});
    let mut of_other_group = bad();
    of_other_group["request"]["kind"]["group"] = json!("metrics.k8s.io");
    let mut subresource = bad();
    subresource["request"]["subResource"] = json!("status");
    for review in [deleted, of_other_kind, of_other_group, subresource] {
        for path in ["/mutate", "/validate"] {
            assert_eq!(response(&webhook(), path, &review).await["allowed"], true);
        }
    }
}

#[tokio::test]
async fn networks_are_validated_and_may_be_edited_beside_their_faults() {
    let network = |config: &str, label: &str| {
        json!({
            "apiVersion": "k8s.cni.cncf.io/v1",
            "kind": "NetworkAttachmentDefinition",
            "metadata": {"name": "n", "labels": {"a": label}},
            "spec": {"config": config},
        })
    };
    let of = |operation, object: &Value, old: &Value| {
        let mut review = review(operation, object, old);
        review["request"]["kind"] = json!({"group": "k8s.cni.cncf.io", "version": "v1", "kind": "NetworkAttachmentDefinition"});
        review
    };
    let bad = network("{\"plugins\":[null]}", "1");
    let denied = response(&webhook(), "/validate", &of("CREATE", &bad, &Value::Null)).await;
    insta::assert_json_snapshot!("network_denied", denied);
    let labelled = network("{\"plugins\":[null]}", "2");
    for (review, path, allowed) in [
        (of("UPDATE", &labelled, &bad), "/validate", true),
        (of("UPDATE", &bad, &network("", "1")), "/validate", false),
        (of("UPDATE", &bad, &json!(5)), "/validate", false),
        (of("CREATE", &bad, &Value::Null), "/mutate", true),
        (of("DELETE", &Value::Null, &bad), "/validate", true),
    ] {
        assert_eq!(
            response(&webhook(), path, &review).await["allowed"],
            allowed,
            "{review}"
        );
    }
}

#[tokio::test]
async fn vector_25_before_the_networks_are_known_nobody_is_denied() {
    for path in ["/mutate", "/validate"] {
        let (status, text) = post(&unsynced(), path, &creation(Some("sriov-net-a"))).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(text.contains("not known yet"), "{text}");
        assert_eq!(
            response(&unsynced(), path, &creation(None)).await["allowed"],
            true
        );
    }
}

#[tokio::test]
async fn vectors_64_to_66_what_is_no_review() {
    let json = Some("application/json");
    let good = creation(None).to_string();
    let v1beta1 = good.replace("admission.k8s.io/v1", "admission.k8s.io/v1beta1");
    let mut broken_pod = creation(Some("a"));
    broken_pod["request"]["object"]["spec"] = json!("x");
    let mut nowhere = creation(Some("a"));
    nowhere["request"]["namespace"] = Value::Null;
    let mut texts = String::new();
    for (content_type, body, wanted) in [
        (json, good.as_str(), 200),
        (Some("application/json; charset=utf-8"), &good, 200),
        (Some("Application/JSON"), &good, 200),
        (None, &good, 415),
        (Some("text/plain"), &good, 415),
        (json, "", 400),
        (json, "null", 400),
        (json, "[]", 400),
        (json, "{", 400),
        (
            json,
            r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}"#,
            400,
        ),
        (
            json,
            r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":null}"#,
            400,
        ),
        (
            json,
            r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{}}"#,
            400,
        ),
        (json, &v1beta1, 400),
        (json, &broken_pod.to_string(), 400),
        (json, &nowhere.to_string(), 400),
    ] {
        let (status, text) = post_as(&webhook(), "/mutate", content_type, body.to_owned()).await;
        assert_eq!(status.as_u16(), wanted, "{text}");
        if wanted != 200 {
            texts.push_str(&format!("{wanted} {text}"));
        }
    }
    insta::assert_snapshot!("no_review", texts);
}

#[tokio::test]
async fn vector_67_the_limit_on_bodies() {
    let mut large = creation(Some("sriov-net-a"));
    large["request"]["object"]["metadata"]["labels"] = json!({"a": "x".repeat(6 << 20)});
    assert_eq!(
        response(&webhook(), "/mutate", &large).await["allowed"],
        true
    );
    let (status, text) = post_as(
        &webhook(),
        "/mutate",
        Some("application/json"),
        vec![b' '; BODY_LIMIT + 1],
    )
    .await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(text.contains("8 MiB"), "{text}");
}

#[tokio::test]
async fn a_body_without_room_is_told_to_come_again_and_a_small_one_is_answered() {
    let webhook = webhook();
    let room = Room::new(0, 64 << 10, std::time::Duration::from_millis(10));
    let mut review = creation(Some("sriov-net-a"));
    let mut statuses = Vec::new();
    for length in [10, 64 << 10] {
        review["request"]["object"]["metadata"]["labels"] = json!({"a": "x".repeat(length)});
        let request = axum::http::Request::post("/mutate")
            .header("content-type", "application/json")
            .body(Body::from(review.to_string()))
            .unwrap();
        let router = router_within(room.clone(), webhook.clone());
        statuses.push(crate::fixture::send(router, request).await);
    }
    let [(small, _), (large, told)] = &statuses[..] else {
        panic!("two were sent")
    };
    assert_eq!(*small, StatusCode::OK);
    assert_eq!(*large, StatusCode::SERVICE_UNAVAILABLE);
    assert!(told.contains("no room"), "{told}");
    let text = webhook.metrics.render(&known(&webhook)).unwrap();
    let line =
        r#"polypod_admission_decisions_total{hook="mutate",decision="failed",reason="no-room"} 1"#;
    assert!(text.contains(line), "{text}");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let never =
        axum::body::Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
    let (status, text) = post_as(
        &webhook(),
        "/mutate?timeout=50ms",
        Some("application/json"),
        never,
    )
    .await;
    assert_eq!(status, StatusCode::GATEWAY_TIMEOUT);
    assert!(text.contains("within 45ms"), "{text}");
}

#[tokio::test]
async fn every_end_of_a_request_is_counted() {
    let webhook = webhook();
    for annotation in ["sriov-net-a", "macvlan-conf", "nothing"] {
        post(&webhook, "/mutate", &creation(Some(annotation))).await;
    }
    post(&webhook, "/validate", &json!({})).await;
    let text = webhook.metrics.render(&known(&webhook)).unwrap();
    for line in [
        r#"polypod_admission_decisions_total{hook="mutate",decision="allowed",reason="none"} 1"#,
        r#"polypod_admission_decisions_total{hook="mutate",decision="patched",reason="none"} 1"#,
        r#"polypod_admission_decisions_total{hook="mutate",decision="denied",reason="network-not-found"} 1"#,
        r#"polypod_admission_decisions_total{hook="validate",decision="failed",reason="bad-request"} 1"#,
        r#"polypod_admission_decisions_total{hook="validate",decision="allowed",reason="none"} 0"#,
        r#"polypod_admission_request_duration_seconds_count{hook="mutate"} 3"#,
        "polypod_networks 2",
        "polypod_tls_leaf_expiry_seconds 99",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[tokio::test]
async fn vector_63_a_dry_run_is_answered_alike_and_injects_nothing() {
    let webhook = webhook();
    let mut review = creation(Some("sriov-net-a"));
    let mut answers = Vec::new();
    for dry_run in [json!(true), json!(false), Value::Null] {
        review["request"]["dryRun"] = dry_run;
        answers.push(response(&webhook, "/mutate", &review).await);
        let text = webhook.metrics.render(&known(&webhook)).unwrap();
        let devices = answers.len() - 1;
        let line =
            format!(r#"polypod_injected_devices_total{{resource="intel.com/sriov"}} {devices}"#);
        assert_eq!(text.contains(&line), devices > 0, "{text}");
    }
    assert!(answers[0]["patch"].is_string());
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
}

#[tokio::test]
async fn what_is_let_pass_is_counted_and_told_to_the_audit_log() {
    let webhook = webhook();
    let policy = "{apiVersion: polypod.dev/v1alpha1, kind: AdmissionConfiguration, modes: [{mode: monitor}]}";
    let policy = admission::configuration::parse(policy, "f").unwrap();
    webhook.configured.replace(policy);
    let review = creation(Some("nothing"));
    for path in ["/mutate", "/validate"] {
        let response = response(&webhook, path, &review).await;
        assert_eq!(response["allowed"], true);
        let findings = response["auditAnnotations"]["findings"].as_str().unwrap();
        assert!(
            findings.starts_with("network-not-found (monitor): "),
            "{findings}"
        );
    }
    let text = webhook.metrics.render(&known(&webhook)).unwrap();
    let line = r#"polypod_admission_findings_total{rule="network-not-found",mode="monitor"} 1"#;
    assert!(text.contains(line), "{text}");
}

#[tokio::test]
async fn a_panic_is_an_answer_and_is_counted() {
    let webhook = webhook();
    let broken = Router::new()
        .route(
            "/mutate",
            axum::routing::post(async || -> Response { panic!("a defect") }),
        )
        .layer(middleware::from_fn_with_state(
            (Hook::Mutate, webhook.clone()),
            attended,
        ));
    let request = axum::http::Request::post("/mutate")
        .body(axum::body::Body::empty())
        .unwrap();
    let (status, text) = crate::fixture::send(broken, request).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(text.contains("defect"), "{text}");
    let metrics = webhook.metrics.render(&known(&webhook)).unwrap();
    for line in [
        r#"polypod_admission_decisions_total{hook="mutate",decision="failed",reason="panic"} 1"#,
        "polypod_admission_panics_total 1",
        r#"polypod_admission_requests_in_flight{hook="mutate"} 0"#,
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
}

#[tokio::test]
async fn a_webhook_that_ends_answers_and_sends_its_clients_away() {
    let webhook = webhook();
    let headers = async || {
        let request = axum::http::Request::post("/mutate")
            .header("content-type", "application/json")
            .body(axum::body::Body::from(creation(None).to_string()))
            .unwrap();
        let response = tower::ServiceExt::oneshot(router(webhook.clone()), request).await;
        let response = response.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response.headers().get(header::CONNECTION).cloned()
    };
    assert_eq!(headers().await, None);
    webhook.readiness.end();
    assert_eq!(headers().await.unwrap(), "close");
}

#[tokio::test]
async fn nothing_of_a_pod_is_logged_above_debug() {
    #[derive(Clone, Default)]
    struct Log(Arc<std::sync::Mutex<Vec<u8>>>);
    impl std::io::Write for Log {
        fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend(text);
            Ok(text.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let logged = async |level| {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        let guard = tracing::subscriber::set_default(subscriber);
        // Another test's thread, which has no subscriber, may have been the first at a line of the log: then tracing
        // holds that line for unwanted until it is asked again.
        post(&webhook(), "/mutate", &creation(Some("secret-word"))).await;
        tracing::callsite::rebuild_interest_cache();
        for annotation in ["sriov-net-a", "secret-word", "secret-word@"] {
            let mut review = creation(Some(annotation));
            review["request"]["namespace"] = json!("secret-namespace");
            review["request"]["name"] = json!("secret-name");
            post(&webhook(), "/mutate", &review).await;
        }
        let mut unreadable = creation(Some("secret-word"));
        unreadable["request"]["object"]["spec"] = json!("secret-spec");
        post(&webhook(), "/mutate", &unreadable).await;
        drop(guard);
        let bytes = log.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    };
    let text = logged(tracing::Level::INFO).await;
    assert!(text.contains("network-not-found"), "{text}");
    assert!(text.contains("bad-request"), "{text}");
    assert!(
        text.contains("705ab4f5-6393-11e8-b7cc-42010a800002"),
        "{text}"
    );
    assert!(!text.contains("secret"), "{text}");
    let text = logged(tracing::Level::DEBUG).await;
    for word in ["secret-word", "secret-name", "secret-namespace"] {
        assert!(text.contains(word), "{word}: {text}");
    }
}
