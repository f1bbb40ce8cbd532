//! Everything for which the webhook asks the API server.

use std::time::{Duration, Instant};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::super::installed::{Installed, SYSTEM};
use crate::fixture::{audit::Audit, control_plane::free_ports, daemon::Daemon, https};

const PODS: &str = "/api/v1/namespaces/default/pods?dryRun=All";
const NETWORKS: &str = "/apis/k8s.cni.cncf.io/v1/namespaces/default/network-attachment-definitions";

/// A policy that asks for permissions, and for the labels of namespaces.
const POLICY: &str = "
apiVersion: polypod.dev/v1alpha1
kind: AdmissionConfiguration
access:
  requireUse: true
  delegateTypes:
  - namespaces: {selector: {matchLabels: {tier: restricted}}}
    types: [bridge]
modes:
- {rules: [use-permission], mode: warn}
";

/// It registers itself, and judges pods whose networks, claims and namespaces it has not heard of.
pub(super) fn works(installed: &Installed) -> Daemon {
    let plane = &installed.plane;
    let network = json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
        "metadata": {"name": "net-a", "annotations": {"k8s.v1.cni.cncf.io/resourceName": "example.com/vf"}},
        "spec": {"config": r#"{"cniVersion":"1.0.0","type":"bridge"}"#}});
    assert_eq!(plane.ask("POST", NETWORKS, &network).status, 201);
    installed.write_policy(POLICY);
    let [port] = free_ports();
    let listen = format!("--listen=127.0.0.1:{port}");
    let webhook = installed.webhook(&[
        &listen,
        "--ca-life=90s",
        "--leaf-life=60s",
        "--propagation-delay=4s",
        "--lease-duration=6s",
    ]);
    webhook.ready("serving ");
    let health = webhook.ready("health ");
    until("it is ready", || {
        ureq::get(format!("{health}/readyz")).call().is_ok()
    });
    for mut object in installed.registrations(port) {
        // One is called by its Service, as all are in a cluster, so that the Service's endpoints matter. There is no network
        // of Services here: it is for NetworkAttachmentDefinitions, of which no more are made.
        if let Some(hook) = object["webhooks"].get_mut(1) {
            let service = json!({"namespace": SYSTEM, "name": "polypod-webhook", "path": "/validate", "port": 443});
            hook["clientConfig"] = json!({"service": service});
        }
        installed.apply(&object);
    }
    installed.wait_for_registration();
    until("pods are judged", || {
        let made = plane.ask("POST", PODS, &pod("net-a"));
        let resources = &made.body["spec"]["containers"][0]["resources"];
        made.status == 201 && resources["limits"]["example.com/vf"] == "1"
    });

    // A network, a claim, its template and a namespace of which no watch has brought anything.
    assert_eq!(plane.ask("POST", PODS, &pod("missing")).status, 403);
    for claim in [
        json!({"name": "c", "resourceClaimName": "missing"}),
        json!({"name": "c", "resourceClaimTemplateName": "missing"}),
    ] {
        let mut claiming = pod("net-a");
        claiming["spec"]["resourceClaims"] = json!([claim]);
        claiming["spec"]["containers"][0]["resources"] = json!({"claims": [{"name": "c"}]});
        plane.ask("POST", PODS, &claiming);
    }
    let ca = installed.file("ca.crt");
    std::fs::write(&ca, bundle(installed)).expect("the folder is ours");
    let mut review = https::review("Pod", &pod("default/net-a"));
    review["request"]["namespace"] = json!("unheard-of");
    let url = format!("https://127.0.0.1:{port}/mutate");
    https::post(&https::client(&ca), &url, &review.to_string());
    webhook
}

/// Waits until every certificate has been looked at, by the rotation that goes on meanwhile.
pub(super) fn rotates(audit: &Audit) {
    for (verb, resource) in [
        ("update", "secrets"),
        ("get", "services"),
        ("list", "endpointslices"),
    ] {
        until(&format!("a rotation {verb}s {resource}"), || {
            let requests = audit.requests_of("polypod-webhook");
            let is_it = |verb_of: &str, of: &str| verb_of == verb && of == resource;
            requests
                .iter()
                .any(|request| is_it(&request.verb, &request.resource))
        });
    }
}

fn pod(networks: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "p", "annotations": {"k8s.v1.cni.cncf.io/networks": networks}},
        "spec": {"containers": [{"name": "app", "image": "busybox"}]}})
}

/// The CAs that the API server trusts.
fn bundle(installed: &Installed) -> Vec<u8> {
    let path = installed.path_of(installed.object("MutatingWebhookConfiguration", "polypod"));
    let found = installed.plane.ask("GET", &path, &Value::Null).body;
    let bundle = found["webhooks"][0]["clientConfig"]["caBundle"].as_str();
    let bundle = bundle.expect("the webhook has registered itself");
    STANDARD.decode(bundle).expect("a caBundle is base64")
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(180);
    while !is_so() {
        assert!(Instant::now() < until, "not within three minutes: {what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}
