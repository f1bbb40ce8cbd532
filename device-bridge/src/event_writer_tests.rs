//! What is asked of the API server for an Event.

use super::*;
use crate::{
    fake_api_server::{FakeApiServer, refusal},
    fixture::bare_question,
    pod_event::EventKind,
};

const CREATE: &str = "POST /api/v1/namespaces/default/events";
const POD: &str = "GET /api/v1/namespaces/default/pods/p";

fn event() -> PodEvent {
    PodEvent {
        pod: bare_question().pod,
        kind: EventKind::Normal,
        reason: "AddedInterface",
        message: "Add net1 [10.0.0.5/24] from default/a".to_owned(),
    }
}

fn created() -> Value {
    serde_json::to_value(event().object(&Time(Timestamp::UNIX_EPOCH))).unwrap()
}

async fn tell(api: &FakeApiServer, event: PodEvent) -> Result<(), EventError> {
    Publisher::Pod(api.client()).try_to_tell(event).await
}

#[tokio::test]
async fn it_is_created() {
    let api = FakeApiServer::default();
    api.answer(CREATE, 201, created());
    tell(&api, event()).await.unwrap();
    let [(request, body)] = &api.asked()[..] else {
        panic!("{:?}", api.requests());
    };
    assert_eq!(request, CREATE);
    assert_eq!(body["message"], "Add net1 [10.0.0.5/24] from default/a");
    assert_eq!(body["involvedObject"]["uid"], "u1");
    assert_eq!(body["source"]["component"], "multus");
}

#[tokio::test]
async fn one_that_is_there_is_counted() {
    let api = FakeApiServer::default();
    let path = format!("PATCH /api/v1/namespaces/default/events/{}", event().name());
    api.answer(CREATE, 409, refusal(409, "there"));
    let mut known = created();
    known["count"] = json!(4);
    api.answer(&path, 200, known);
    tell(&api, event()).await.unwrap();
    assert_eq!(api.requests(), [CREATE, &path, &path]);
    assert_eq!(api.asked()[2].1, json!({"count": 5}));
}

#[tokio::test]
async fn a_uid_that_nobody_gave_is_the_pods() {
    let api = FakeApiServer::default();
    let mut unnamed = event();
    unnamed.pod.uid = None;
    tell(&api, unnamed.clone()).await.unwrap();
    assert_eq!(api.requests(), [POD]);
    let metadata = json!({"namespace": "default", "name": "p", "uid": "u7"});
    api.answer(
        POD,
        200,
        json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": metadata}),
    );
    api.answer(CREATE, 201, created());
    tell(&api, unnamed).await.unwrap();
    assert_eq!(api.asked()[2].1["involvedObject"]["uid"], "u7");
}

#[tokio::test]
async fn a_refusal_is_an_error() {
    let api = FakeApiServer::default();
    api.answer(CREATE, 403, refusal(403, "events is forbidden"));
    let error = tell(&api, event()).await.unwrap_err().to_string();
    assert!(error.contains("events is forbidden"), "{error}");
}

#[tokio::test]
async fn without_an_api_server_it_is_a_line_beside_the_status() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = Publisher::Folder(folder.path().join("status"));
    publisher.tell(event()).await;
    publisher.tell(event()).await;
    let text = fs::read_to_string(folder.path().join("status/default_p.events.jsonl")).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1]["reason"], "AddedInterface");
}
