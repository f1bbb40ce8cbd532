//! What is read from the API server before something is taken for missing.

use std::sync::Arc;

use admission::Policy;
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::{
    configured::Configured,
    fake_api_server::{FakeApiServer, refusal},
    fixture::{self, creation, post, response, review},
    server::Webhook,
    store::{Part, Store},
    traces::kept::traces,
};

const NETWORKS: &str =
    "GET /apis/k8s.cni.cncf.io/v1/namespaces/default/network-attachment-definitions";
const CLAIMS: &str = "GET /apis/resource.k8s.io/v1/namespaces/default/resourceclaims";
const TEMPLATES: &str = "GET /apis/resource.k8s.io/v1/namespaces/default/resourceclaimtemplates";

/// A webhook whose watches have brought nothing yet but the networks of the fixture.
fn webhook(api: &FakeApiServer, policy: Value) -> Webhook {
    let known = fixture::webhook();
    let store = Store::awaiting([Part::Networks]);
    store.list(Part::Networks, |cluster| {
        cluster.networks = known.store.read(|known| known.unwrap().networks.clone());
    });
    let policy: Policy = serde_json::from_value(policy).unwrap();
    Webhook {
        configured: Arc::new(Configured::new(policy)),
        api_server: Some(api.client()),
        ..fixture::with(store)
    }
}

fn has_network(api: &FakeApiServer, name: &str) {
    let network = json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
        "metadata": {"name": name, "namespace": "default", "annotations": {"k8s.v1.cni.cncf.io/resourceName": "intel.com/fresh"}},
        "spec": {"config": "{\"type\":\"sriov\"}"}});
    api.answer(&format!("{NETWORKS}/{name}"), 200, network);
}

#[tokio::test]
async fn what_is_read_is_a_stage_of_the_trace() {
    let api = FakeApiServer::default();
    has_network(&api, "fresh");
    let (traces, kept) = traces();
    let webhook = Webhook {
        traces,
        ..webhook(&api, json!({}))
    };
    for (network, stages) in [
        ("fresh", &["parse", "decide", "lookup", "decide"][..]),
        ("macvlan-conf", &["parse", "decide"]),
    ] {
        let mutated = response(&webhook, "/mutate", &creation(Some(network))).await;
        assert_eq!(mutated["allowed"], true, "{mutated}");
        let spans = kept.take();
        let names: Vec<&str> = spans.iter().map(|span| span.name.as_ref()).collect();
        assert_eq!(names[0], "admission", "{network}");
        assert_eq!(names[1..], *stages, "{network}");
    }
}

#[tokio::test]
async fn a_network_that_is_there_is_found_in_every_mode() {
    for mode in ["enforce", "warn", "monitor"] {
        let api = FakeApiServer::default();
        has_network(&api, "fresh");
        let modes = json!({"modes": [{"rules": ["network-not-found"], "mode": mode}]});
        let webhook = webhook(&api, modes);
        let pod = creation(Some("fresh,macvlan-conf"));
        let mutated = response(&webhook, "/mutate", &pod).await;
        assert_eq!(mutated["allowed"], true, "{mode}: {mutated}");
        assert!(mutated["patch"].is_string(), "{mode}: nothing is injected");
        let bare = response(&webhook, "/validate", &pod).await;
        assert_eq!(bare["allowed"], false, "{mode}: its device is missing");
        assert!(
            bare["status"]["message"]
                .as_str()
                .unwrap()
                .contains("intel.com/fresh")
        );
        let reads = [format!("{NETWORKS}/fresh"), format!("{NETWORKS}/fresh")];
        assert_eq!(api.requests(), reads, "{mode}");

        let missing = response(&webhook, "/mutate", &creation(Some("gone"))).await;
        assert_eq!(missing["allowed"], mode != "enforce", "{mode}");
        assert_eq!(
            webhook.store.networks(),
            2,
            "the watch alone says what is there"
        );
    }
}

#[tokio::test]
async fn more_networks_than_a_denial_tells_are_found() {
    let api = FakeApiServer::default();
    let names: Vec<String> = (0..20).map(|n| format!("n{n}")).collect();
    names.iter().for_each(|name| has_network(&api, name));
    let webhook = webhook(&api, json!({}));
    let mutated = response(&webhook, "/mutate", &creation(Some(&names.join(",")))).await;
    assert_eq!(mutated["allowed"], true, "{mutated}");
    assert_eq!(api.requests().len(), 20);
}

#[tokio::test]
async fn who_may_not_read_a_network_goes_by_the_watch() {
    let api = FakeApiServer::default();
    api.answer(
        &format!("{NETWORKS}/gone"),
        403,
        refusal(403, "no right to get"),
    );
    api.answer(&format!("{NETWORKS}/broken"), 500, refusal(500, "broken"));
    let webhook = webhook(&api, json!({}));
    let denied = response(&webhook, "/validate", &creation(Some("gone"))).await;
    assert_eq!(denied["allowed"], false);
    assert!(
        denied["status"]["message"]
            .as_str()
            .unwrap()
            .contains("default/gone")
    );
    let (status, text) = post(&webhook, "/validate", &creation(Some("broken"))).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        text.contains("NetworkAttachmentDefinition default/broken"),
        "{text}"
    );
}

fn claiming(reference: Value) -> Value {
    let mut claim = reference;
    claim["name"] = json!("c");
    let pod = json!({
        "metadata": {"name": "web", "annotations": {"k8s.v1.cni.cncf.io/networks": "sriov-net-a"}},
        "spec": {"resourceClaims": [claim],
            "containers": [{"name": "app", "resources": {"claims": [{"name": "c"}]}}]},
    });
    review("CREATE", &pod, &Value::Null)
}

#[tokio::test]
async fn claims_that_the_watch_has_not_brought_count() {
    let devices = json!({"devices": {"requests": [{"name": "a", "exactly": {"deviceClassName": "vf", "selectors": [
        {"cel": {"expression": "device.attributes[\"k8s.cni.cncf.io\"].resourceName == \"intel.com/sriov\""}}]}}]}});
    let metadata = json!({"name": "mine", "namespace": "default"});
    let api = FakeApiServer::default();
    let claim = json!({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim", "metadata": metadata, "spec": devices});
    api.answer(&format!("{CLAIMS}/mine"), 200, claim);
    let template = json!({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaimTemplate", "metadata": metadata, "spec": {"spec": devices}});
    api.answer(&format!("{TEMPLATES}/mine"), 200, template);
    let html = json!("404 page not found");
    api.answer(&format!("{CLAIMS}/of-another-time"), 404, html);
    api.answer(
        &format!("{CLAIMS}/secret"),
        403,
        refusal(403, "no right to get"),
    );
    api.answer(&format!("{CLAIMS}/broken"), 500, refusal(500, "broken"));
    let webhook = webhook(&api, json!({}));
    for reference in [
        json!({"resourceClaimName": "mine"}),
        json!({"resourceClaimTemplateName": "mine"}),
    ] {
        let mutated = response(&webhook, "/mutate", &claiming(reference.clone())).await;
        let patch = mutated["patch"]
            .as_str()
            .map(ToOwned::to_owned)
            .unwrap_or_default();
        assert!(
            !decoded(&patch).contains("intel.com~1sriov"),
            "{reference}: a device beside the claim"
        );
        assert_eq!(mutated["warnings"], Value::Null, "{reference}");
        let validated = response(&webhook, "/validate", &claiming(reference)).await;
        assert_eq!(validated["allowed"], true, "{validated}");
    }
    for unknown in ["of-another-time", "secret", "nobodys"] {
        let reference = json!({"resourceClaimName": unknown});
        let mutated = response(&webhook, "/mutate", &claiming(reference)).await;
        let patch = decoded(mutated["patch"].as_str().unwrap());
        assert!(
            patch.contains("intel.com~1sriov") || patch.contains("intel.com/sriov"),
            "{unknown}: {patch}"
        );
        assert!(
            mutated["warnings"].to_string().contains(unknown),
            "{mutated}"
        );
    }
    let (status, text) = post(
        &webhook,
        "/mutate",
        &claiming(json!({"resourceClaimName": "broken"})),
    )
    .await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{text}");
}

fn decoded(patch: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    String::from_utf8(STANDARD.decode(patch).unwrap()).unwrap()
}

#[tokio::test]
async fn pods_wait_for_control_switches_that_may_be_about_them() {
    let webhook = fixture::webhook();
    webhook.configured.await_switches();
    let mut labelled = creation(None);
    labelled["request"]["object"]["metadata"]["labels"] = json!({"sriov": "true"});
    for hook in ["/mutate", "/validate"] {
        for pod in [creation(Some("macvlan-conf")), labelled.clone()] {
            let (status, text) = post(&webhook, hook, &pod).await;
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{text}");
        }
        assert_eq!(
            response(&webhook, hook, &creation(None)).await["allowed"],
            true
        );
    }
    webhook.configured.switch(None);
    assert_eq!(
        response(&webhook, "/validate", &labelled).await["allowed"],
        true
    );
}

#[tokio::test]
async fn annotations_that_change_through_the_status_are_judged() {
    let webhook = fixture::webhook();
    let pod = |networks: &str| {
        json!({"metadata": {"name": "web", "annotations": {"k8s.v1.cni.cncf.io/networks": networks}},
            "spec": {"containers": [{"name": "app"}]}})
    };
    let update = |sub_resource: &str, old: &str, new: &str| {
        let mut review = review("UPDATE", &pod(new), &pod(old));
        review["request"]["subResource"] = json!(sub_resource);
        review
    };
    for (sub_resource, old, new, wanted) in [
        ("status", "macvlan-conf", "gone", false),
        ("status", "gone", "gone", true),
        ("status", "macvlan-conf", "macvlan-conf,macvlan-conf", true),
        ("", "macvlan-conf", "gone", false),
        ("ephemeralcontainers", "macvlan-conf", "gone", true),
        ("resize", "macvlan-conf", "gone", true),
    ] {
        let told = response(&webhook, "/validate", &update(sub_resource, old, new)).await;
        assert_eq!(
            told["allowed"], wanted,
            "{sub_resource}: {old} {new}: {told}"
        );
    }
}
