//! An API server with and without claims of devices.

use admission::device_claim::TemplateIndex;
use futures::stream;
use serde_json::{Value, json};

use super::*;
use crate::{
    fake_api_server::{FakeApiServer, refusal},
    indexed_claims::WatchedTemplate,
    store::Part,
};

const LIST: &str = "GET /apis/resource.k8s.io/v1/resourceclaimtemplates";

#[tokio::test(start_paused = true)]
async fn without_the_kind_nothing_is_awaited_and_it_is_looked_for_now_and_then() {
    let absent = FakeApiServer::default();
    let forbidden = FakeApiServer::default();
    forbidden.answer(LIST, 403, refusal(403, "forbidden"));
    for api in [absent, forbidden] {
        let store = Store::awaiting([Part::ClaimTemplates]);
        let templates = Api::<WatchedTemplate>::all(api.client());
        let following = follow::<TemplateIndex>(templates, &store);
        let until = WITHOUT_KIND * 2 + Duration::from_secs(1);
        let ended = tokio::time::timeout(until, following).await;
        assert!(ended.is_err(), "it never ends");
        assert_eq!(store.awaited(), None);
        assert_eq!(api.requests(), [LIST; 3]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_fails_is_waited_for() {
    let api = FakeApiServer::default();
    api.answer(LIST, 500, refusal(500, "broken"));
    let store = Store::awaiting([Part::ClaimTemplates]);
    let templates = Api::<WatchedTemplate>::all(api.client());
    let following = follow::<TemplateIndex>(templates, &store);
    assert!(
        tokio::time::timeout(Duration::from_secs(300), following)
            .await
            .is_err()
    );
    assert_eq!(store.awaited(), Some(Part::ClaimTemplates));
    assert!(api.requests().len() > 3);
}

#[tokio::test]
async fn templates_follow_their_watch() {
    let object = |name: &str, spec: Value| -> WatchedTemplate {
        serde_json::from_value(
            json!({"metadata": {"name": name, "namespace": "default"}, "spec": spec}),
        )
        .unwrap()
    };
    let good = || {
        json!({"spec": {"devices": {"requests": [{"name": "r", "exactly": {"deviceClassName": "c",
            "selectors": [{"cel": {"expression": r#"device.attributes["k8s.cni.cncf.io"].resourceName == "example.com/foo""#}}]}}]}}})
    };
    let store = Store::awaiting([Part::ClaimTemplates]);
    let known =
        || store.read(|cluster| cluster.map(|cluster| format!("{:?}", cluster.devices.templates)));
    let feed = async |events: Vec<watcher::Result<Event<WatchedTemplate>>>| {
        feed::<TemplateIndex>(stream::iter(events), &store).await;
    };
    feed(vec![
        Ok(Event::Init),
        Ok(Event::InitApply(object("a", good()))),
    ])
    .await;
    assert_eq!(known(), None);
    feed(vec![
        Ok(Event::Init),
        Ok(Event::InitApply(object("a", good()))),
        Ok(Event::InitApply(object("broken", json!(5)))),
        Ok(Event::InitDone),
    ])
    .await;
    let text = known().unwrap();
    assert!(
        text.contains("example.com/foo") && !text.contains("broken"),
        "{text}"
    );
    feed(vec![Ok(Event::Delete(object("a", good())))]).await;
    assert!(!known().unwrap().contains("example.com/foo"));
}
