//! Networks through a real API server: bad ones denied as kubectl shows it, those in use kept.

use std::ffi::OsStr;

use api::network_attachment_definition::NetworkAttachmentDefinition;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use k8s_openapi::api::{
    admissionregistration::v1::ValidatingWebhookConfiguration,
    core::v1::{Namespace, Pod},
};
use kube::{
    Api,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use super::{apply_crd, create, pod, value, wait_for};
use crate::fixture::{control_plane::ControlPlane, daemon::Daemon};

/// Validated at creation, ratcheted at change, protected while pods use it.
pub(super) fn networks_in_use() {
    let plane = ControlPlane::start();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    runtime.block_on(tell(&plane));
}

fn network(name: &str, config: &str) -> Value {
    json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
        "metadata": {"name": name}, "spec": {"config": config}})
}

async fn tell(plane: &ControlPlane) {
    let client = plane.client().await;
    apply_crd(&client).await;
    let networks: Api<NetworkAttachmentDefinition> = Api::namespaced(client.clone(), "default");
    // Older than the webhook.
    create(
        &networks,
        network("old", r#"{"type":"bridge","vlan":99999}"#),
    )
    .await;
    create(&networks, network("used", r#"{"type":"macvlan"}"#)).await;
    let webhook = webhook(plane, &client).await;

    let denied = networks
        .create(
            &PostParams::default(),
            &value(network("bad", r#"{"type":"bridge","vlan":99999}"#)),
        )
        .await
        .expect_err("the webhook denies it")
        .to_string();
    assert!(denied.contains("/vlan: 99999 is not 0..4094"), "{denied}");

    let change = async |name: &str, change: Value| {
        let changed = networks
            .patch(name, &PatchParams::default(), &Patch::Merge(change))
            .await;
        changed.map(drop).map_err(|error| error.to_string())
    };
    let labelled = change("old", json!({"metadata": {"labels": {"a": "b"}}})).await;
    assert_eq!(labelled, Ok(()));
    let config = r#"{"type":"bridge","vlan":99998}"#;
    let worse = change("old", json!({"spec": {"config": config}})).await;
    assert!(worse.unwrap_err().contains("99998"));

    let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
    pods.create(&PostParams::default(), &pod("p1", "used"))
        .await
        .expect("nothing is wrong with it");
    let delete = async |name: &str| {
        let deleted = networks.delete(name, &DeleteParams::default()).await;
        deleted.map(drop).map_err(|error| error.to_string())
    };
    let dry_run = DeleteParams {
        dry_run: true,
        ..DeleteParams::default()
    };
    // The webhook learns of the pod by watching.
    let denied = wait_for(async || {
        let deleted = networks.delete("used", &dry_run).await;
        deleted.err().map(|error| error.to_string())
    })
    .await;
    assert!(
        denied.contains("cannot be deleted: pod default/p1 uses it"),
        "{denied}"
    );
    assert!(delete("used").await.unwrap_err().contains("default/p1"));
    assert_eq!(delete("old").await, Ok(()));
    webhook
        .gauges(r#"network_attachment_definition_instances{networks="macvlan"} 1"#)
        .await;

    // A pod that has ended uses nothing.
    let ended = json!({"status": {"phase": "Succeeded"}});
    pods.patch_status("p1", &PatchParams::default(), &Patch::Merge(ended))
        .await
        .expect("the kubelet's part");
    wait_for(async || networks.delete("used", &dry_run).await.ok().map(drop)).await;
    webhook
        .gauges(r#"network_attachment_definition_instances{networks="any"} 0"#)
        .await;

    // A namespace that goes takes its networks along.
    let namespaces: Api<Namespace> = Api::all(client.clone());
    create(&namespaces, json!({"metadata": {"name": "ns1"}})).await;
    let of_namespace: Api<NetworkAttachmentDefinition> = Api::namespaced(client.clone(), "ns1");
    create(&of_namespace, network("shared", r#"{"type":"macvlan"}"#)).await;
    pods.create(&PostParams::default(), &pod("p2", "ns1/shared"))
        .await
        .expect("nothing is wrong with it");
    wait_for(async || {
        of_namespace
            .delete("shared", &dry_run)
            .await
            .err()
            .map(drop)
    })
    .await;
    namespaces
        .delete("ns1", &DeleteParams::default())
        .await
        .expect("nobody holds it");
    wait_for(async || of_namespace.delete("shared", &dry_run).await.ok().map(drop)).await;
}

struct Webhook {
    _daemon: Daemon,
    _folder: tempfile::TempDir,
    health: String,
}

impl Webhook {
    /// Waits for a line of the metrics.
    async fn gauges(&self, line: &str) {
        wait_for(async || {
            let answer = ureq::get(format!("{}/metrics", self.health)).call();
            let text = answer.ok()?.body_mut().read_to_string().ok()?;
            text.lines().any(|found| found == line).then_some(())
        })
        .await;
    }
}

/// Starts the webhook and registers it for everything about networks.
async fn webhook(plane: &ControlPlane, client: &kube::Client) -> Webhook {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (ca, kubeconfig) = (folder.path().join("ca.crt"), plane.kubeconfig());
    let arguments: [&OsStr; 8] = [
        "--kubeconfig".as_ref(),
        kubeconfig.as_os_str(),
        "--listen".as_ref(),
        "127.0.0.1:0".as_ref(),
        "--health-listen".as_ref(),
        "127.0.0.1:0".as_ref(),
        "--cert-out".as_ref(),
        ca.as_os_str(),
    ];
    let daemon = Daemon::start("polypod-webhook", &arguments);
    let (url, health) = (daemon.ready("serving "), daemon.ready("health "));
    wait_for(async || ureq::get(format!("{health}/readyz")).call().ok().map(drop)).await;
    let bundle = STANDARD.encode(std::fs::read(&ca).expect("the webhook wrote its CA"));
    let hooks = json!([{"name": "validate.polypod.dev", "clientConfig": {"url": format!("{url}/validate"), "caBundle": bundle},
        "rules": [{"apiGroups": ["k8s.cni.cncf.io"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE", "DELETE"], "resources": ["network-attachment-definitions"]}],
        "failurePolicy": "Fail", "sideEffects": "None", "admissionReviewVersions": ["v1"]}]);
    let validating: Api<ValidatingWebhookConfiguration> = Api::all(client.clone());
    create(
        &validating,
        json!({"metadata": {"name": "polypod"}, "webhooks": hooks}),
    )
    .await;
    // The API server reads configurations by watching; until it has, a network passes unseen.
    let networks: Api<NetworkAttachmentDefinition> = Api::namespaced(client.clone(), "default");
    let dry_run = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    wait_for(async || {
        let created = networks
            .create(&dry_run, &value(network("probe", "{}")))
            .await;
        created.err().map(drop)
    })
    .await;
    Webhook {
        _daemon: daemon,
        _folder: folder,
        health,
    }
}
