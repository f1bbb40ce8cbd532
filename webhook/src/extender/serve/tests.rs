//! The extender's port as schedulers use it, well and badly.

use axum::http::Request as HttpRequest;
use http_body_util::BodyExt;
use scheduler::policy::Policy;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::extender::{files::Told, scheduling::Kind};

/// Two nodes with VFs in two zones, one with none that ever reported, and a pod that holds all of one zone.
const OBJECTS: &str = r#"
{apiVersion: v1, kind: Node, metadata: {name: n1}, status: {allocatable: {cpu: "8", intel.com/sriov: "4"}}}
---
{apiVersion: v1, kind: Node, metadata: {name: n2}, status: {allocatable: {cpu: "8", intel.com/sriov: "2"}}}
---
{apiVersion: v1, kind: Node, metadata: {name: n3}, status: {allocatable: {cpu: "8", intel.com/sriov: "2"}}}
---
apiVersion: topology.node.k8s.io/v1alpha2
kind: NodeResourceTopology
metadata: {name: n1}
attributes: [{name: topologyManagerPolicy, value: single-numa-node}]
zones:
- {name: node-0, type: Node, resources: [{name: intel.com/sriov, capacity: "2", allocatable: "2", available: "2"}]}
- {name: node-1, type: Node, resources: [{name: intel.com/sriov, capacity: "2", allocatable: "2", available: "2"}]}
---
apiVersion: topology.node.k8s.io/v1alpha2
kind: NodeResourceTopology
metadata: {name: n2}
attributes: [{name: topologyManagerPolicy, value: single-numa-node}]
zones:
- {name: node-0, type: Node, resources: [{name: intel.com/sriov, capacity: "1", allocatable: "1", available: "1"}]}
- {name: node-1, type: Node, resources: [{name: intel.com/sriov, capacity: "1", allocatable: "1", available: "1"}]}
"#;

fn extender(awaited: &[Kind]) -> Extender {
    let objects = api::objects::parse(OBJECTS, "fixture").unwrap();
    let scheduling = Arc::new(Scheduling::awaiting(awaited, Policy::default()));
    let mut told = Told::new(Arc::clone(&scheduling));
    told.take(&objects, "default").unwrap();
    told.end();
    Extender {
        scheduling,
        readiness: Arc::default(),
        clients: None,
        traces: Traces::default(),
    }
}

/// A pod that wants so many VFs.
fn pod(devices: &str) -> Value {
    json!({
        "metadata": {"name": "p", "namespace": "default", "uid": "u"},
        "spec": {"containers": [{"name": "a", "resources": {
            "requests": {"intel.com/sriov": devices}, "limits": {"intel.com/sriov": devices},
        }}]},
    })
}

async fn ask(extender: &Extender, verb: &str, body: impl Into<Body>) -> (u16, String) {
    let request = HttpRequest::post(format!("/scheduler/{verb}"));
    let request = request.body(body.into()).unwrap();
    let response = router(extender.clone()).oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn json_of(extender: &Extender, verb: &str, body: &Value) -> Value {
    let (status, text) = ask(extender, verb, body.to_string()).await;
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn names_and_objects_are_filtered_alike() {
    let extender = extender(&[]);
    let names = json!({"Pod": pod("2"), "NodeNames": ["n1", "n2", "n3", "n4"]});
    let by_name = json_of(&extender, "filter", &names).await;
    assert_eq!(by_name["NodeNames"], json!(["n1"]));
    assert_eq!(by_name["Nodes"], Value::Null);
    assert_eq!(by_name["FailedNodes"], json!({}));
    assert_eq!(by_name["Error"], "");
    let refused = by_name["FailedAndUnresolvableNodes"].as_object().unwrap();
    assert_eq!(refused.keys().collect::<Vec<_>>(), ["n2", "n3", "n4"]);
    let items = ["n1", "n2", "n3", "n4"].map(|name| json!({"metadata": {"name": name}, "x": 1}));
    let objects = json!({"pod": pod("2"), "nodes": {"items": items}, "nodenames": null});
    let by_object = json_of(&extender, "filter", &objects).await;
    assert_eq!(by_object["NodeNames"], Value::Null);
    assert_eq!(by_object["Nodes"]["items"], json!([items[0]]));
    assert_eq!(by_object["FailedAndUnresolvableNodes"], json!(refused));
}

#[tokio::test]
async fn scores_are_from_0_to_10_and_those_who_do_not_fit_have_none() {
    let extender = extender(&[]);
    let names = json!({"Pod": pod("2"), "NodeNames": ["n1", "n2", "nobody"]});
    let scores = json_of(&extender, "prioritize", &names).await;
    assert_eq!(scores[0]["Host"], "n1");
    assert!((1..=10).contains(&scores[0]["Score"].as_i64().unwrap()));
    assert_eq!(
        json!([scores[1], scores[2]]),
        json!([{"Host": "n2", "Score": 0}, {"Host": "nobody", "Score": 0}])
    );
}

#[tokio::test]
async fn nothing_is_answered_before_all_is_known() {
    let extender = extender(&Kind::ALL);
    let names = json!({"Pod": pod("1"), "NodeNames": ["n1"]});
    let answer = json_of(&extender, "filter", &names).await;
    assert_eq!(answer["Error"], "the Nodes are not known yet; ask again");
    assert_eq!(answer["NodeNames"], Value::Null);
    assert_eq!(ask(&extender, "prioritize", names.to_string()).await.0, 503);
    for kind in Kind::ALL {
        extender.scheduling.listed(kind);
    }
    assert_eq!(json_of(&extender, "filter", &names).await["Error"], "");
    assert_eq!(ask(&extender, "prioritize", names.to_string()).await.0, 200);
}

#[tokio::test]
async fn what_is_wrong_is_told_where_the_scheduler_reads_it() {
    let extender = extender(&[]);
    let without_uid = json!({"metadata": {"name": "p", "namespace": "default"}});
    for (body, words) in [
        ("{".to_owned(), "reading ExtenderArgs: EOF"),
        ("{}".to_owned(), "there is no Pod"),
        (
            json!({"Pod": without_uid, "NodeNames": ["n1"]}).to_string(),
            "has no UID",
        ),
        (
            json!({"Pod": pod("-1"), "NodeNames": ["n1"]}).to_string(),
            "intel.com/sriov",
        ),
        (
            json!({"Pod": pod("many"), "NodeNames": ["n1"]}).to_string(),
            "intel.com/sriov",
        ),
    ] {
        let (status, text) = ask(&extender, "filter", body.clone()).await;
        assert_eq!(status, 200, "{text}");
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert!(answer["Error"].as_str().unwrap().contains(words), "{text}");
        assert_eq!(answer["NodeNames"], Value::Null);
        let (status, text) = ask(&extender, "prioritize", body).await;
        assert!(status == 400 && text.contains(words), "{status} {text}");
    }
    let request = HttpRequest::get("/scheduler/filter")
        .body(Body::empty())
        .unwrap();
    let response = router(extender).oneshot(request).await.unwrap();
    assert_eq!(response.status(), 405);
}

#[tokio::test]
async fn long_bodies_are_read_to_a_limit() {
    let extender = extender(&[]);
    let items = vec![json!({"metadata": {"name": "n1"}, "x": "y".repeat(1000)}); 2 * 1024];
    let long = json!({"Pod": pod("1"), "Nodes": {"items": items}});
    let answer = json_of(&extender, "filter", &long).await;
    assert_eq!(answer["Nodes"]["items"].as_array().unwrap().len(), 2 * 1024);
    let (status, text) = ask(&extender, "filter", vec![b' '; BODY_LIMIT + 1]).await;
    assert!(status == 413 && text.contains("64 MiB"), "{status} {text}");
}

#[tokio::test]
async fn strangers_are_told_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.crt");
    let now = time::OffsetDateTime::now_utc();
    let authority = certs::authority::Authority::generate("a", now, time::Duration::DAY).unwrap();
    std::fs::write(&path, authority.pem()).unwrap();
    let extender = Extender {
        clients: Some(Arc::new(Clients::open(path).unwrap())),
        ..extender(&[])
    };
    let (status, text) = ask(&extender, "filter", "{}").await;
    assert!(
        status == 401 && text.contains("--scheduler-client-ca"),
        "{text}"
    );
}

#[tokio::test]
async fn a_node_that_was_offered_alone_is_less_attractive_for_others() {
    let extender = extender(&[]);
    let names = json!({"Pod": pod("1"), "NodeNames": ["n1"]});
    let before = json_of(&extender, "prioritize", &names).await;
    let mut other = names.clone();
    other["Pod"]["metadata"]["uid"] = json!("v");
    let after = json_of(&extender, "prioritize", &other).await;
    let score = |answer: &Value| answer[0]["Score"].as_i64().unwrap();
    assert!(score(&after) <= score(&before));
    assert_eq!(extender.scheduling.tentative().weight("n1", "u"), 1);
    let bound = json!({
        "metadata": {"name": "p", "namespace": "default", "uid": "v"},
        "spec": {"nodeName": "n1", "containers": []},
    });
    let event = scheduler::engine::Event::of_object("v1", "Pod", &bound, "");
    extender.scheduling.learn(event.unwrap());
    assert_eq!(extender.scheduling.tentative().weight("n1", "u"), 0);
}

#[tokio::test]
async fn a_pod_is_explained_while_it_is_known() {
    let extender = extender(&[]);
    let get = async |query: &str| {
        let request = HttpRequest::get(format!("/scheduler/explain{query}"));
        let request = request.body(Body::empty()).unwrap();
        let response = router(extender.clone()).oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    };
    for (query, wanted) in [
        ("", 400),
        ("?pod=p", 400),
        ("?namespace=&pod=p", 400),
        ("?namespace=default&pod=p", 404),
    ] {
        assert_eq!(get(query).await.0, wanted, "{query}");
    }
    let event = scheduler::engine::Event::of_object("v1", "Pod", &pod("2"), "");
    extender.scheduling.learn(event.unwrap());
    let (status, text) = get("?namespace=default&pod=p").await;
    assert_eq!(status, 200, "{text}");
    let explanation: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(explanation["fitting"], 1, "{text}");
    assert_eq!(explanation["best"], "n1", "{text}");
    let (_, text) = get("?namespace=default&pod=p&node=n2").await;
    let explanation: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(explanation["nodes"], 1, "{text}");
    extender
        .scheduling
        .learn([scheduler::engine::Event::PodGone { uid: "u".into() }]);
    assert_eq!(get("?namespace=default&pod=p").await.0, 404);
}
