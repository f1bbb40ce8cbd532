//! The events of a watch, and a cluster that has none.

use futures::stream;
use serde_json::json;

use super::*;
use crate::{
    fake_api_server::{FakeApiServer, refusal},
    kubelet::holdings::ClaimedId,
};

fn slice(name: &str, device: &str) -> ResourceSlice {
    let attributes = json!({"resource.kubernetes.io/pciBusID": {"string": "0000:03:02.1"}});
    serde_json::from_value(json!({
        "metadata": {"name": name},
        "spec": {"driver": "d", "pool": {"name": name, "generation": 1, "resourceSliceCount": 1},
            "devices": [{"name": device, "attributes": attributes}]}}))
    .unwrap()
}

fn has(slices: &Followed, pool: &str, device: &str) -> bool {
    let id = ClaimedId {
        driver: "d".to_owned(),
        pool: pool.to_owned(),
        device: device.to_owned(),
    };
    let slices = slices.read().unwrap();
    slices
        .as_ref()
        .is_some_and(|slices| slices.find(&id).is_some())
}

#[tokio::test]
async fn slices_follow_their_watch() {
    let slices = Followed::default();
    let events = [
        Ok(Event::Init),
        Ok(Event::InitApply(slice("old", "x"))),
        Ok(Event::Init),
        Ok(Event::InitApply(slice("a", "x"))),
        Ok(Event::InitApply(slice("b", "x"))),
        Ok(Event::InitDone),
        Err(watcher::Error::NoResourceVersion),
        Ok(Event::Apply(slice("a", "y"))),
        Ok(Event::Delete(slice("b", "x"))),
    ];
    until_unknown(pin!(stream::iter(events)), &slices).await;
    assert!(has(&slices, "a", "y"));
    assert!(!has(&slices, "a", "x") && !has(&slices, "b", "x") && !has(&slices, "old", "x"));
}

#[tokio::test(start_paused = true)]
async fn a_cluster_without_claims_is_asked_again_seldom() {
    let api = FakeApiServer::default();
    let slices = Followed::default();
    let following = tokio::spawn(follow(api.client(), "n1".to_owned(), Arc::clone(&slices)));
    sleep(WITHOUT_KIND * 2 + Duration::from_secs(60)).await;
    // It is known that there are none, so that nobody asks for them.
    assert_eq!(slices.read().unwrap().as_ref().map(Slices::len), Some(0));
    assert_eq!(api.requests().len(), 3);
    following.abort();
}

#[tokio::test(start_paused = true)]
async fn without_the_right_to_list_nothing_is_known() {
    let api = FakeApiServer::default();
    let request = "GET /apis/resource.k8s.io/v1/resourceslices";
    api.answer(request, 403, refusal(403, "forbidden"));
    let slices = Followed::default();
    let following = tokio::spawn(follow(api.client(), "n1".to_owned(), Arc::clone(&slices)));
    sleep(Duration::from_secs(60)).await;
    assert!(slices.read().unwrap().is_none());
    following.abort();
}
