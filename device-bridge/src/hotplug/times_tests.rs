use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::*;
use crate::fake_api_server::{FakeApiServer, refusal};

const PATCH: &str = "PATCH /api/v1/namespaces/default/pods/p/status";
const POD: &str = "GET /api/v1/namespaces/default/pods/p";

fn request(endpoint: Endpoint, command: &str) -> Request {
    let body = json!({"env": {"CNI_COMMAND": command, "CNI_CONTAINERID": "c1", "CNI_NETNS": "/n", "CNI_IFNAME": "net3",
                              "CNI_ARGS": "K8S_POD_NAMESPACE=default;K8S_POD_NAME=p;K8S_POD_UID=u1"},
                      "config": STANDARD.encode("{}")});
    Request::read(endpoint, body.to_string().as_bytes()).unwrap()
}

fn finished(success: bool, printed: &Value) -> Finished {
    Finished {
        success,
        status: String::new(),
        stdout: printed.to_string().into_bytes(),
        stderr: Vec::new(),
    }
}

fn result() -> Value {
    json!({"cniVersion": "1.1.0", TIMES_OF_RESULT: {"beganUs": 1_767_225_600_000_000_u64, "tookUs": 900, "attachments": [
        {"network": "n", "interface": "net3", "afterUs": 100, "tookUs": 700, "delegates": [{"name": "macvlan", "afterUs": 0, "tookUs": 600}]}]}})
}

fn object(uid: &str, times: Option<&str>) -> Value {
    let annotations = times.map(|times| json!({ATTACHMENTS: times}));
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "default", "name": "p", "uid": uid,
        "resourceVersion": "7", "annotations": annotations}})
}

const WRITTEN: &str = r#"{"version":1,"attachments":[{"interface":"net3","network":"n","began":"2026-01-01T00:00:00.000100Z","ms":0.7,"delegates":[{"type":"macvlan","ms":0.6}]}]}"#;

#[test]
fn what_a_request_changes() {
    let of = |endpoint, command: &str, success, printed: &Value| {
        Change::of(&request(endpoint, command), &finished(success, printed))
    };
    let Some(Change::Plugged(plugged)) = of(Endpoint::Delegate, "ADD", true, &result()) else {
        panic!("not plugged in");
    };
    assert_eq!(plugged.delegates[0].kind, "macvlan");
    let gone = Some(Change::Gone("net3".to_owned()));
    assert_eq!(of(Endpoint::Delegate, "DEL", true, &json!(null)), gone);
    // A plugin of an older release.
    let older = json!({"cniVersion": "1.1.0"});
    assert_eq!(of(Endpoint::Delegate, "ADD", true, &older), gone);
    assert_eq!(of(Endpoint::Delegate, "ADD", false, &result()), None);
    assert_eq!(of(Endpoint::Delegate, "CHECK", true, &json!(null)), None);
    // The plugin reports that by itself.
    assert_eq!(of(Endpoint::Cni, "ADD", true, &result()), None);
}

#[tokio::test]
async fn what_is_plugged_in_is_written_and_what_is_unplugged_goes() {
    let api = FakeApiServer::default();
    let add = request(Endpoint::Delegate, "ADD");
    let plugged = Change::of(&add, &finished(true, &result())).unwrap();
    api.answer(POD, 200, object("u1", None));
    api.answer(PATCH, 409, refusal(409, "the object has been modified"));
    api.answer(PATCH, 200, object("u1", None));
    tell(&api.client(), &add, &plugged).await;
    assert_eq!(api.requests(), [POD, PATCH, POD, PATCH]);
    let wanted =
        json!({"metadata": {"resourceVersion": "7", "annotations": {ATTACHMENTS: WRITTEN}}});
    assert_eq!(api.asked()[3].1, wanted);

    let api = FakeApiServer::default();
    api.answer(POD, 200, object("u1", Some(WRITTEN)));
    api.answer(PATCH, 200, object("u1", None));
    let gone = Change::Gone("net3".to_owned());
    tell(&api.client(), &request(Endpoint::Delegate, "DEL"), &gone).await;
    let written = &api.asked()[1].1["metadata"]["annotations"][ATTACHMENTS];
    assert_eq!(written, r#"{"version":1,"attachments":[]}"#);
}

#[tokio::test]
async fn what_is_another_pods_or_releases_stays() {
    let gone = Change::Gone("net3".to_owned());
    let del = request(Endpoint::Delegate, "DEL");
    for object in [
        object("u2", Some(WRITTEN)),
        object("u1", Some(r#"{"version":2}"#)),
        object("u1", None),
    ] {
        let api = FakeApiServer::default();
        api.answer(POD, 200, object);
        tell(&api.client(), &del, &gone).await;
        assert_eq!(api.requests(), [POD]);
    }
    // One that is gone is not asked about again, and one that always changes not for ever.
    let api = FakeApiServer::default();
    tell(&api.client(), &del, &gone).await;
    assert_eq!(api.requests(), [POD]);
    api.answer(POD, 200, object("u1", Some(WRITTEN)));
    api.answer(PATCH, 409, refusal(409, "the object has been modified"));
    tell(&api.client(), &del, &gone).await;
    assert_eq!(api.requests().len(), 1 + 2 * TRIES);
}
