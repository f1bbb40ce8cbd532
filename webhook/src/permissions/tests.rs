//! What is asked, how often, and what becomes of a pod where there is no answer.

use admission::{Cluster, NetworkIndex, Policy};
use api::objects;
use axum::http::StatusCode;
use futures::future::join_all;
use serde_json::{Value, json};

use super::*;
use crate::{
    configured::Configured,
    fake_api_server::{FakeApiServer, refusal},
    fixture::{self, creation, post, response},
    server::Webhook,
    store::Part,
};

const REVIEWS: &str = "POST /apis/authorization.k8s.io/v1/subjectaccessreviews";

const NETWORKS: &str = r#"
apiVersion: k8s.cni.cncf.io/v1
kind: NetworkAttachmentDefinition
metadata: {name: a}
spec: {config: '{"type": "macvlan"}'}
---
apiVersion: k8s.cni.cncf.io/v1
kind: NetworkAttachmentDefinition
metadata: {name: b}
spec: {config: '{"type": "macvlan"}'}
"#;

/// A webhook that watches `api`, with the rule enforced or in another mode.
fn webhook(api: &FakeApiServer, mode: Option<&str>) -> Webhook {
    let objects = objects::parse(NETWORKS, "test").unwrap();
    let networks = objects::networks(&objects, "default").unwrap();
    let store = Store::awaiting([Part::Networks]);
    store.list(Part::Networks, |cluster| {
        cluster.networks = NetworkIndex::from_iter(networks);
    });
    let mut policy = json!({"access": {"requireUse": true}});
    if let Some(mode) = mode {
        policy["modes"] = json!([{"rules": ["use-permission"], "mode": mode}]);
    }
    let policy: Policy = serde_json::from_value(policy).unwrap();
    Webhook {
        configured: Arc::new(Configured::new(policy)),
        api_server: Some(api.client()),
        ..fixture::with(store)
    }
}

fn says(api: &FakeApiServer, allowed: bool) {
    let review = json!({"spec": {}, "status": {"allowed": allowed}});
    api.answer(REVIEWS, 201, review);
}

async fn is_allowed(webhook: &Webhook, networks: &str) -> bool {
    let response = response(webhook, "/validate", &creation(Some(networks))).await;
    response["allowed"] == true
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_asked_for_once_and_remembered_for_a_while() {
    let api = FakeApiServer::default();
    says(&api, true);
    let webhook = webhook(&api, None);
    let mutated = response(&webhook, "/mutate", &creation(Some("a"))).await;
    assert_eq!(mutated["allowed"], true);
    assert!(api.asked().is_empty(), "the mutating hook does not ask");
    for _ in 0..3 {
        assert!(is_allowed(&webhook, "a,a").await);
    }
    let [(_, asked)] = <[_; 1]>::try_from(api.asked()).unwrap();
    let wanted = json!({
        "user": "system:serviceaccount:default:default",
        "groups": ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"],
        "resourceAttributes": {"verb": "use", "group": "k8s.cni.cncf.io", "version": "v1",
            "resource": "network-attachment-definitions", "namespace": "default", "name": "a"},
    });
    assert_eq!(asked["spec"], wanted);
    assert!(is_allowed(&webhook, "a,b").await);
    assert_eq!(api.asked().len(), 2, "another network is another question");
    tokio::time::advance(ALLOWED - Duration::from_secs(1)).await;
    assert!(is_allowed(&webhook, "a").await);
    assert_eq!(api.asked().len(), 2);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(is_allowed(&webhook, "a").await);
    assert_eq!(api.asked().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_a_denial_and_is_forgotten_sooner() {
    let api = FakeApiServer::default();
    says(&api, false);
    says(&api, true);
    let webhook = webhook(&api, None);
    for _ in 0..2 {
        let response = response(&webhook, "/validate", &creation(Some("a"))).await;
        assert_eq!(response["allowed"], false);
        assert_eq!(response["status"]["code"], 403);
        let message = response["status"]["message"].as_str().unwrap();
        assert!(
            message.contains("service account default/default may not use default/a"),
            "{message}"
        );
    }
    assert_eq!(api.asked().len(), 1);
    let mutated = response(&webhook, "/mutate", &creation(Some("a"))).await;
    assert_eq!(mutated["allowed"], false, "what is known is said");
    tokio::time::advance(REFUSED).await;
    assert!(is_allowed(&webhook, "a").await);
    assert_eq!(api.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn no_answer_is_no_decision() {
    let fails = FakeApiServer::default();
    fails.answer(REVIEWS, 403, refusal(403, "no right to ask"));
    let empty = FakeApiServer::default();
    empty.answer(REVIEWS, 201, json!({"spec": {}}));
    let hangs = FakeApiServer::default();
    hangs.hang();
    for (api, problem) in [
        (&fails, "answered 403: no right to ask"),
        (&empty, "no status"),
        (&hangs, "no answer within 1s"),
    ] {
        let webhook = webhook(api, None);
        let (status, text) = post(&webhook, "/validate", &creation(Some("a"))).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(
            text.contains(problem) && text.contains("system:serviceaccount:default:default"),
            "{text}"
        );
        assert!(lock(&webhook.permissions.asking).is_empty());
        let other = response(&webhook, "/validate", &creation(None)).await;
        assert_eq!(other["allowed"], true, "others are not held up");
        let denied = response(&webhook, "/validate", &creation(Some("a@x,a@x"))).await;
        assert_eq!(denied["allowed"], false, "and what is wrong is said");
    }
    let nobody = Webhook {
        api_server: None,
        ..webhook(&fails, None)
    };
    let (status, _) = post(&nobody, "/validate", &creation(Some("a"))).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    // An answer that comes later is taken.
    says(&fails, true);
    assert!(
        post(&webhook(&fails, None), "/validate", &creation(Some("a")))
            .await
            .0
            == 503
    );
    let webhook = webhook(&fails, None);
    assert!(is_allowed(&webhook, "a").await);
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_is_not_enforced_asks_and_does_without() {
    let api = FakeApiServer::default();
    api.answer(REVIEWS, 500, refusal(500, "broken"));
    api.answer(REVIEWS, 500, refusal(500, "broken"));
    says(&api, false);
    for (mode, warnings) in [("warn", 1), ("monitor", 0)] {
        let webhook = webhook(&api, Some(mode));
        let before = api.asked().len();
        for _ in 0..3 {
            let response = response(&webhook, "/validate", &creation(Some("a"))).await;
            assert_eq!(response["allowed"], true);
            let told = response["warnings"].as_array().map_or(0, Vec::len);
            assert_eq!(told, warnings, "{response}");
        }
        assert_eq!(api.asked().len(), before + 1);
        tokio::time::advance(UNANSWERED).await;
        assert!(is_allowed(&webhook, "a").await);
        assert_eq!(api.asked().len(), before + 2);
        // Where it is enforced from now on, what was not answered is asked again.
        let enforced: Policy =
            serde_json::from_value(json!({"access": {"requireUse": true}})).unwrap();
        webhook.configured.replace(enforced);
        assert!(!is_allowed(&webhook, "a").await);
    }
}

#[tokio::test]
async fn many_pods_at_once_are_one_call() {
    let api = FakeApiServer::default();
    says(&api, true);
    let webhook = webhook(&api, None);
    let answers = join_all((0..50).map(|_| is_allowed(&webhook, "a"))).await;
    assert!(answers.into_iter().all(|allowed| allowed));
    assert_eq!(api.asked().len(), 1);
    assert!(lock(&webhook.permissions.asking).is_empty());
}

#[tokio::test]
async fn a_network_that_the_watch_has_not_brought_is_asked_about_too() {
    let api = FakeApiServer::default();
    says(&api, true);
    let path = "/apis/k8s.cni.cncf.io/v1/namespaces/default/network-attachment-definitions";
    let fresh: Value = json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
        "metadata": {"name": "fresh", "namespace": "default"}, "spec": {"config": "{\"type\":\"macvlan\"}"}});
    api.answer(&format!("GET {path}/fresh"), 200, fresh);
    let webhook = webhook(&api, None);
    assert!(is_allowed(&webhook, "a,fresh").await);
    assert!(!is_allowed(&webhook, "a,never").await);
    let reviews = api.requests();
    assert_eq!(reviews.iter().filter(|asked| *asked == REVIEWS).count(), 2);
}

#[tokio::test(start_paused = true)]
async fn there_are_never_too_many_answers() {
    let store = Store::awaiting([]);
    let permissions = Permissions::default();
    let question = |index: usize| UseQuestion {
        namespace: "a".parse().unwrap(),
        service_account: "b".parse().unwrap(),
        network: spec::network::NetworkRef {
            namespace: "c".parse().unwrap(),
            name: format!("n{index}").parse().unwrap(),
        },
    };
    for index in 0..MOST + 10 {
        permissions.note(&store, &question(index), UseAnswer::Allowed);
        permissions.note(&store, &question(index), UseAnswer::Allowed);
        tokio::time::advance(Duration::from_millis(1)).await;
    }
    let known = |f: fn(&Cluster) -> usize| store.read(|cluster| f(cluster.unwrap()));
    let count = || known(|cluster| cluster.permissions.len());
    assert_eq!(count(), MOST);
    let answer =
        |index| store.read(|cluster| cluster.unwrap().permissions.answer(&question(index)));
    assert_eq!(answer(9), None, "the oldest went");
    assert_eq!(answer(10), Some(UseAnswer::Allowed));
    tokio::time::advance(ALLOWED).await;
    permissions.forget(&store);
    assert_eq!(count(), 0);
    let expiries = lock(&permissions.expiries);
    assert!(expiries.by_time.is_empty() && expiries.by_question.is_empty());
}

#[tokio::test(start_paused = true)]
async fn many_questions_are_one_round_under_one_deadline() {
    for (mode, delay, wanted) in [
        (None, 50, StatusCode::OK),
        (None, 700, StatusCode::SERVICE_UNAVAILABLE),
        (Some("monitor"), 700, StatusCode::OK),
    ] {
        let api = FakeApiServer::default();
        says(&api, true);
        api.delay(Duration::from_millis(delay));
        let webhook = webhook(&api, mode);
        let names: Vec<String> = (0..40).map(|n| format!("n{n}")).collect();
        webhook.store.change(Part::Networks, |cluster| {
            for name in &names {
                let text = format!("{{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {{name: {name}}}, spec: {{}}}}");
                let objects = objects::parse(&text, "test").unwrap();
                let networks = objects::networks(&objects, "default").unwrap();
                networks.into_iter().for_each(|network| drop(cluster.networks.insert(network)));
            }
        });
        let begin = Instant::now();
        let pod = creation(Some(&names.join(",")));
        let (status, text) = post(&webhook, "/validate", &pod).await;
        assert_eq!(status, wanted, "{mode:?}, {delay}: {text}");
        assert!(
            begin.elapsed() <= PATIENCE,
            "{mode:?}, {delay}: {:?}",
            begin.elapsed()
        );
        if delay == 50 {
            assert_eq!(
                begin.elapsed(),
                Duration::from_millis(150),
                "three times {TOGETHER}"
            );
        }
    }
}

/// Answers that are gone before the others have come are not asked for again.
#[tokio::test(start_paused = true)]
async fn an_answer_that_expires_meanwhile_still_counts() {
    let api = FakeApiServer::default();
    says(&api, true);
    api.delay(Duration::from_millis(500));
    let webhook = webhook(&api, None);
    let other = async {
        tokio::time::sleep(Duration::from_millis(499)).await;
        for _ in 0..4 {
            tokio::time::sleep(Duration::from_micros(500)).await;
            webhook
                .store
                .permissions(|known| *known = admission::Permissions::to_be_asked());
        }
    };
    let (is_allowed, ()) = tokio::join!(is_allowed(&webhook, "a,b"), other);
    assert!(is_allowed);
    assert_eq!(api.asked().len(), 2);
}
