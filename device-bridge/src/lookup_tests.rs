//! Which objects are asked of the API server, and which are not.

use serde_json::{Value, json};
use spec::{bridge::PodAnnotations, cni::code};

use super::*;
use crate::{
    fake_api_server::{FakeApiServer, refusal},
    fixture::{bare_question, network, pod, question},
    selected::select,
};

const POD: &str = "GET /api/v1/namespaces/default/pods/p";

fn network_path(namespace: &str, name: &str) -> String {
    format!(
        "GET /apis/k8s.cni.cncf.io/v1/namespaces/{namespace}/network-attachment-definitions/{name}"
    )
}

fn pod_object(uid: &str) -> Value {
    json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": {
        "namespace": "default", "name": "p", "uid": uid,
        "annotations": {"k8s.v1.cni.cncf.io/networks": "live"},
    }})
}

fn network_object(name: &str) -> Value {
    json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
        "metadata": {"namespace": "default", "name": name}, "spec": {"config": "{\"type\":\"x\"}"}})
}

fn watched(api: &FakeApiServer, pods: impl IntoIterator<Item = PodFacts>) -> Lookup {
    let store = Store::default();
    store.reset_pods(pods);
    store.apply_network(network("default/known", None, None));
    Lookup::watched(Arc::new(store), Live::new(api.client()))
}

#[tokio::test]
async fn a_known_pod_is_not_asked_for() {
    let api = FakeApiServer::default();
    let lookup = watched(&api, [pod("u1", "a")]);
    let found = lookup.pod(&bare_question()).await.unwrap().unwrap();
    assert_eq!(found.annotations.networks.as_deref(), Some("a"));
    assert!(api.requests().is_empty());
}

#[tokio::test]
async fn a_pod_that_is_unknown_or_another_one_is_asked_for() {
    for known in [None, Some(pod("u0", "a"))] {
        let api = FakeApiServer::default();
        api.answer(POD, 200, pod_object("u1"));
        let lookup = watched(&api, known);
        let found = lookup.pod(&bare_question()).await.unwrap().unwrap();
        assert_eq!(found.uid.as_deref(), Some("u1"));
        assert_eq!(found.annotations.networks.as_deref(), Some("live"));
        assert_eq!(api.requests(), [POD]);
    }
}

#[tokio::test]
async fn a_pod_whose_annotations_are_given_need_not_be_known() {
    let api = FakeApiServer::default();
    let found = watched(&api, []).pod(&question("a")).await.unwrap();
    assert!(found.is_none());
    assert!(api.requests().is_empty());
}

#[tokio::test]
async fn a_pod_that_is_not_there() {
    let api = FakeApiServer::default();
    let found = watched(&api, []).pod(&bare_question()).await.unwrap();
    assert!(found.is_none());
}

#[tokio::test]
async fn refusals_name_the_object() {
    for (status, wanted) in [(403, code::IO_FAILURE), (500, code::TRY_AGAIN_LATER)] {
        let api = FakeApiServer::default();
        api.answer(POD, status, refusal(status, "no"));
        let failure = watched(&api, []).pod(&bare_question()).await.unwrap_err();
        assert_eq!(failure.code, wanted);
        assert!(failure.message.contains("pod default/p"), "{failure}");
    }
}

#[tokio::test]
async fn networks_that_are_unknown_are_asked_for_once() {
    let api = FakeApiServer::default();
    let live = network_path("default", "live");
    api.answer(&live, 200, network_object("live"));
    let lookup = watched(&api, []);
    let selected = select(&question("known,live,live,missing,never"), None).unwrap();
    let found = lookup.networks(&selected).await.unwrap();
    assert_eq!(found.len(), 2);
    // Several are asked for at once, so the last may or may not have been.
    assert_eq!(
        api.requests()[..2],
        [live, network_path("default", "missing")]
    );
}

#[tokio::test]
async fn a_cluster_network_is_asked_for_only_where_nothing_is_watched() {
    let mut of_cluster = question("");
    of_cluster.annotations = Some(PodAnnotations::default());
    of_cluster.cluster_network = Some("cbr0".parse().unwrap());
    let selected = select(&of_cluster, None).unwrap();
    let api = FakeApiServer::default();
    let watched = watched(&api, []);
    assert!(watched.networks(&selected).await.unwrap().is_empty());
    assert!(api.requests().is_empty());
    let live = Lookup::live(Live::new(api.client()));
    assert!(live.networks(&selected).await.unwrap().is_empty());
    assert_eq!(api.requests(), [network_path("kube-system", "cbr0")]);
}

#[tokio::test]
async fn files_know_everything() {
    let lookup = Lookup::in_files(Arc::default());
    assert!(lookup.pod(&bare_question()).await.unwrap().is_none());
    let selected = select(&question("a"), None).unwrap();
    assert!(lookup.networks(&selected).await.unwrap().is_empty());
}

fn of_legacy(legacy: Legacy, names: &str) -> Selected {
    let mut question = question(names);
    question.legacy = Some(legacy);
    select(&question, None).unwrap()
}

#[tokio::test]
async fn objects_of_old_releases_are_asked_for() {
    let api = FakeApiServer::default();
    let v1 = "GET /apis/kubernetes.com/v1/namespaces/default/networks/a";
    let v2 = "GET /apis/kubernetes.cni.cncf.io/v1/namespaces/ns1/networks/a";
    let metadata =
        json!({"name": "a", "namespace": "default", "clusterName": "", "deletionTimestamp": null});
    let object = json!({"apiVersion": "kubernetes.com/v1", "kind": "Network", "metadata": metadata, "plugin": "flannel", "args": "[{}]"});
    api.answer(v1, 200, object);
    let object = json!({"apiVersion": "kubernetes.cni.cncf.io/v1", "kind": "Network", "metadata": {"name": "a"}, "spec": {"plugin": "x"}});
    api.answer(v2, 200, object);
    let lookup = watched(&api, []);
    for (legacy, names, path, plugin) in [
        (
            Legacy::V1,
            r#"[{"name": "a"}, {"name": "a"}]"#,
            v1,
            "flannel",
        ),
        (Legacy::V2, "ns1/a", v2, "\"x\""),
    ] {
        let selected = of_legacy(legacy, names);
        let found = lookup.networks(&selected).await.unwrap();
        let (_, network) = selected.legacy().next().unwrap();
        let found = found.get_legacy(legacy, network).unwrap();
        let conf = (**found).as_ref().unwrap().conf.as_deref().unwrap();
        assert!(conf.contains(plugin), "{conf}");
        assert_eq!(api.requests().last().unwrap(), path);
    }
    assert_eq!(api.requests().len(), 2);
}

#[tokio::test]
async fn a_kind_that_is_not_there_is_told_from_an_object_that_is_not() {
    let selected = of_legacy(Legacy::V1, r#"[{"name": "a"}]"#);
    let api = FakeApiServer::default();
    let lookup = watched(&api, []);
    let (legacy, network) = selected.legacy().next().unwrap();
    let found = lookup.networks(&selected).await.unwrap();
    assert!(found.get_legacy(legacy, network).is_none());
    let path = "GET /apis/kubernetes.com/v1/namespaces/default/networks/a";
    api.answer(path, 404, json!("404 page not found"));
    let failure = lookup.networks(&selected).await.unwrap_err();
    for wanted in [
        "default/a",
        "CustomResourceDefinition networks.kubernetes.com",
    ] {
        assert!(failure.message.contains(wanted), "{failure}");
    }
    api.answer(path, 403, refusal(403, "no"));
    lookup.networks(&selected).await.unwrap_err();
    let failure = lookup.networks(&selected).await.unwrap_err();
    assert_eq!(failure.code, code::IO_FAILURE);
}

#[tokio::test]
async fn a_pod_is_gone_when_the_api_server_says_so() {
    let asked = bare_question().pod;
    let files = |pods: Vec<PodFacts>| {
        let store = Store::default();
        store.reset_pods(pods);
        Lookup::in_files(Arc::new(store))
    };
    assert!(!files(vec![pod("u1", "a")]).is_gone(&asked).await);
    assert!(files(vec![pod("u0", "a")]).is_gone(&asked).await);
    // The runtime may know of a pod that no file has.
    assert!(!files(Vec::new()).is_gone(&asked).await);
    for (known, answer, wanted) in [
        (Some("u1"), None, false),
        (None, None, true),
        (None, Some((200, pod_object("u1"))), false),
        // The store is behind.
        (Some("u0"), Some((200, pod_object("u1"))), false),
        (Some("u0"), Some((200, pod_object("u2"))), true),
        (Some("u0"), Some((500, refusal(500, "boom"))), false),
    ] {
        let api = FakeApiServer::default();
        if let Some((status, body)) = answer.clone() {
            api.answer(POD, status, body);
        }
        let lookup = watched(&api, known.map(|uid| pod(uid, "a")));
        assert_eq!(lookup.is_gone(&asked).await, wanted, "{known:?} {answer:?}");
    }
}

#[tokio::test]
async fn pods_that_run_and_those_that_seem_to() {
    let whole = json!({
        "metadata": {"namespace": "default", "name": "p", "uid": "u1"},
        "spec": {},
        "status": {
            "phase": "Running", "podIP": "10.0.0.5", "startTime": "2020-01-01T00:00:00Z",
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    });
    let changed = |pointer: &str, value: Value| {
        let mut pod = whole.clone();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        pod.pointer_mut(parent).unwrap()[key] = value;
        pod
    };
    let soon = k8s_openapi::jiff::Timestamp::now().to_string();
    for (pod, wanted) in [
        (whole.clone(), true),
        (changed("/metadata/uid", json!("u2")), false),
        (changed("/metadata/deletionTimestamp", json!(soon)), false),
        (changed("/spec/hostNetwork", json!(true)), false),
        (changed("/status/phase", json!("Succeeded")), false),
        (changed("/status/podIP", json!("")), false),
        (changed("/status/startTime", json!(soon)), false),
        (changed("/status/conditions", json!([])), false),
    ] {
        let api = FakeApiServer::default();
        let path = "GET /api/v1/namespaces/default/pods/p";
        api.answer(path, 200, pod.clone());
        let lookup = watched(&api, []);
        let pod_ref = bare_question().pod;
        let runs = lookup.runs_for(&pod_ref, std::time::Duration::from_secs(60));
        assert_eq!(runs.await, wanted, "{pod}");
    }
}
