//! The patch, and what the API server may say to it. The answers are those of a real one (Kubernetes 1.36).

use super::*;
use crate::{
    fake_api_server::{FakeApiServer, refusal},
    fixture::bare_question,
};

const PATCH: &str = "PATCH /api/v1/namespaces/default/pods/p/status";
const POD: &str = "GET /api/v1/namespaces/default/pods/p";

fn pod_object(uid: &str, source: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {
        "namespace": "default", "name": "p", "uid": uid, "annotations": {"kubernetes.io/config.source": source},
    }})
}

async fn publish(api: &FakeApiServer) -> Result<Outcome, AnnotateError> {
    annotate(&api.client(), &bare_question().pod, "[]", Some("{}")).await
}

#[tokio::test]
async fn one_annotation_of_one_pod_is_patched() {
    let api = FakeApiServer::default();
    api.answer(PATCH, 200, pod_object("u1", "api"));
    assert_eq!(publish(&api).await.unwrap(), Outcome::Published);
    let body = json!({"metadata": {"uid": "u1", "annotations": {
        "k8s.v1.cni.cncf.io/network-status": "[]", "polypod.dev/attachments": "{}"}}});
    assert_eq!(api.asked(), [(PATCH.to_owned(), body)]);
}

#[tokio::test]
async fn times_that_nobody_knows_are_taken_away() {
    let api = FakeApiServer::default();
    api.answer(PATCH, 200, pod_object("u1", "api"));
    let pod = bare_question().pod;
    annotate(&api.client(), &pod, "[]", None).await.unwrap();
    let (_, body) = api.asked().remove(0);
    let annotations = body["metadata"]["annotations"].as_object().unwrap();
    assert_eq!(annotations["polypod.dev/attachments"], Value::Null);
}

#[tokio::test]
async fn an_older_policy_refuses_the_times_alone() {
    let api = FakeApiServer::default();
    api.answer(PATCH, 403, refusal(403, "only network-status"));
    api.answer(PATCH, 200, pod_object("u1", "api"));
    assert_eq!(publish(&api).await.unwrap(), Outcome::Published);
    let asked = api.asked();
    assert_eq!(asked.len(), 2);
    let annotations = json!({"k8s.v1.cni.cncf.io/network-status": "[]"});
    assert_eq!(asked[1].1["metadata"]["annotations"], annotations);
}

#[tokio::test]
async fn pods_that_went() {
    let api = FakeApiServer::default();
    assert_eq!(publish(&api).await.unwrap(), Outcome::Gone);
    api.answer(PATCH, 409, refusal(409, "Precondition failed"));
    assert_eq!(publish(&api).await.unwrap(), Outcome::Gone);
    api.answer(POD, 200, pod_object("u2", "api"));
    assert_eq!(publish(&api).await.unwrap(), Outcome::Replaced);
}

#[tokio::test]
async fn a_static_pod_has_another_uid_at_the_api_server() {
    let api = FakeApiServer::default();
    api.answer(PATCH, 409, refusal(409, "Precondition failed"));
    api.answer(PATCH, 200, pod_object("u2", "file"));
    api.answer(POD, 200, pod_object("u2", "file"));
    assert_eq!(publish(&api).await.unwrap(), Outcome::Published);
    let asked = api.asked();
    assert_eq!(api.requests(), [PATCH, POD, PATCH]);
    assert!(asked[2].1["metadata"].get("uid").is_none());
}

#[tokio::test]
async fn what_may_pass_and_what_may_not() {
    for (status, wanted) in [
        (403, true),
        (422, false),
        (409, true),
        (429, true),
        (503, true),
    ] {
        let api = FakeApiServer::default();
        api.answer(PATCH, status, refusal(status, "because"));
        api.answer(POD, 200, pod_object("u1", "api"));
        let error = publish(&api).await.unwrap_err();
        assert_eq!(error.is_passing, wanted, "{status}");
        assert!(error.problem.contains("because"), "{}", error.problem);
    }
}
