//! The events of a watch, one after another.

use futures::stream;
use serde_json::{Value, json};

use super::*;
use crate::{
    fake_api_server::{FakeApiServer, refusal},
    fixture::bare_question,
};

type Definition = DeserializeGuard<NetworkAttachmentDefinition>;

fn definition(name: &str, config: &Value) -> Definition {
    serde_json::from_value(json!({
        "apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
        "metadata": {"namespace": "default", "name": name}, "spec": {"config": config},
    }))
    .unwrap()
}

fn pod(uid: &str) -> PartialObjectMeta<Pod> {
    serde_json::from_value(json!({"metadata": {"namespace": "default", "name": "p", "uid": uid}}))
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn networks_follow_their_watch() {
    let store = Arc::new(Store::default());
    let (synced, mut is_synced) = oneshot::channel();
    let events = [
        Ok(Event::Init),
        Ok(Event::InitApply(definition("old", &json!("{}")))),
        // The list is begun anew: what it brought until now counts for nothing.
        Err(watcher::Error::NoResourceVersion),
        Ok(Event::Init),
        Ok(Event::InitApply(definition("a", &json!("{}")))),
        Ok(Event::InitApply(definition("A b", &json!("{}")))),
        Ok(Event::InitApply(definition("broken", &json!(5)))),
        Ok(Event::InitDone),
        Ok(Event::Apply(definition("b", &json!("{}")))),
        Ok(Event::Delete(definition("a", &json!("{}")))),
    ];
    follow(stream::iter(events), Networks(Arc::clone(&store)), synced).await;
    is_synced.try_recv().unwrap();
    let has = |name: &str| {
        let reference = definition(name, &json!(null));
        let reference = parsed::network(&reference).unwrap().reference;
        store.network(&reference).is_some()
    };
    assert!(has("b") && has("broken") && !has("a") && !has("old"));
    assert_eq!(store.counts(), (2, 0));
}

#[tokio::test]
async fn pods_follow_their_watch() {
    let store = Arc::new(Store::default());
    let (synced, is_synced) = oneshot::channel();
    let events = [
        Ok(Event::Init),
        Ok(Event::InitApply(pod("u1"))),
        Ok(Event::InitDone),
        Ok(Event::Apply(pod("u2"))),
        Ok(Event::Delete(pod("u1"))),
    ];
    follow(stream::iter(events), Pods(Arc::clone(&store)), synced).await;
    is_synced.await.unwrap();
    let known = store.pod(&bare_question().pod).unwrap();
    assert_eq!(known.uid.as_deref(), Some("u2"));
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_nobody_created_is_not_waited_for() {
    for (code, is_waited_for) in [(404, false), (403, true)] {
        let api = FakeApiServer::default();
        let path = "GET /apis/k8s.cni.cncf.io/v1/network-attachment-definitions";
        api.answer(path, code, refusal(code, "no"));
        let (synced, mut is_synced) = oneshot::channel();
        let watch = networks(api.client(), Arc::default(), synced);
        let ended = tokio::time::timeout(std::time::Duration::from_secs(60), watch).await;
        assert!(ended.is_err());
        assert!(api.requests().len() > 1, "it is tried again");
        assert_eq!(is_synced.try_recv().is_err(), is_waited_for, "{code}");
    }
}
