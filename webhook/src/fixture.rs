//! A webhook with some networks, and the ways to ask it.

use std::sync::Arc;

use admission::NetworkIndex;
use api::objects;
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::{
    configured::Configured,
    metrics::Metrics,
    server::{self, Webhook},
    store::{Part, Store},
    traces::Traces,
};

const NETWORKS: &str = r#"
apiVersion: k8s.cni.cncf.io/v1
kind: NetworkAttachmentDefinition
metadata:
  name: sriov-net-a
  resourceVersion: "17"
  annotations:
    k8s.v1.cni.cncf.io/resourceName: intel.com/sriov
spec:
  config: '{"type": "sriov", "vlan": 1000}'
---
apiVersion: k8s.cni.cncf.io/v1
kind: NetworkAttachmentDefinition
metadata:
  name: macvlan-conf
spec:
  config: '{"cniVersion": "0.3.0", "type": "macvlan", "master": "eth0", "mode": "bridge"}'
"#;

/// A webhook that knows its networks.
pub(crate) fn webhook() -> Webhook {
    let objects = objects::parse(NETWORKS, "fixture").unwrap();
    let networks = objects::networks(&objects, "default").unwrap();
    let networks: NetworkIndex = networks.into_iter().collect();
    with(Store::filled(networks.into()))
}

/// A webhook that does not know its networks yet.
pub(crate) fn unsynced() -> Webhook {
    with(Store::awaiting([Part::Networks]))
}

pub(crate) fn with(store: Store) -> Webhook {
    Webhook {
        store: Arc::new(store),
        configured: Arc::new(Configured::default()),
        metrics: Arc::new(Metrics::new()),
        permissions: Arc::default(),
        readiness: Arc::default(),
        api_server: None,
        traces: Traces::default(),
    }
}

/// A review of a pod's creation with this networks annotation.
pub(crate) fn creation(annotation: Option<&str>) -> Value {
    let mut object = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "web-"},
        "spec": {"containers": [{"name": "app", "image": "x", "resources": {}}]},
    });
    if let Some(annotation) = annotation {
        object["metadata"]["annotations"] = json!({"k8s.v1.cni.cncf.io/networks": annotation});
    }
    review("CREATE", &object, &Value::Null)
}

/// A review of a pod.
pub(crate) fn review(operation: &str, object: &Value, old_object: &Value) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "namespace": "default",
            "operation": operation,
            "userInfo": {"username": "admin"},
            "object": object,
            "oldObject": old_object,
            "dryRun": false,
            "options": null,
        },
    })
}

/// Posts a body as JSON.
pub(crate) async fn post(webhook: &Webhook, path: &str, body: &Value) -> (StatusCode, String) {
    post_as(webhook, path, Some("application/json"), body.to_string()).await
}

/// Posts any body.
pub(crate) async fn post_as(
    webhook: &Webhook,
    path: &str,
    content_type: Option<&str>,
    body: impl Into<Body>,
) -> (StatusCode, String) {
    let mut request = Request::post(path);
    if let Some(content_type) = content_type {
        request = request.header(header::CONTENT_TYPE, content_type);
    }
    let request = request.body(body.into()).unwrap();
    send(server::router(webhook.clone()), request).await
}

/// Calls a router.
pub(crate) async fn send(router: Router, request: Request<Body>) -> (StatusCode, String) {
    let response = router.oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// The response in an answer, which must be one.
pub(crate) async fn response(webhook: &Webhook, path: &str, body: &Value) -> Value {
    let (status, answer) = post(webhook, path, body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let mut answer: Value = serde_json::from_str(&answer).unwrap();
    answer["response"].take()
}
