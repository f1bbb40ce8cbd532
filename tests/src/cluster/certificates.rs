//! C4 and C5 of the conformance vectors with a real API server: replicas share a Secret, one leads, CA and certificate are
//! rotated every minute, the leader is killed in the middle, and every pod that is created meanwhile is mutated. The replicas
//! have the rights of the manifests.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use k8s_openapi::api::{
    admissionregistration::v1::{MutatingWebhookConfiguration, ValidatingWebhookConfiguration},
    coordination::v1::Lease,
    core::v1::{Pod, Secret},
};
use kube::{
    Api, Client,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::json;

use super::{
    create,
    manifests::installed::{Installed, SYSTEM},
    pod, wait_for,
};
use crate::fixture::{daemon::Daemon, forwarder::Forwarder};

/// How long a step of a rotation may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(150);

pub(super) fn rotation_with_a_leader_killed() {
    let installed = Installed::start(&[]);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    runtime.block_on(rotate(&installed));
}

/// A replica of the webhook.
struct Replica {
    daemon: Daemon,
    port: u16,
    health: String,
}

impl Replica {
    async fn start(installed: &Installed) -> Self {
        let daemon = installed.webhook(&[
            "--listen=127.0.0.1:0",
            "--ca-life=90s",
            "--leaf-life=60s",
            "--propagation-delay=4s",
            "--lease-duration=6s",
        ]);
        let url = daemon.ready("serving https://127.0.0.1:");
        let health = format!("http://{}", daemon.ready("health http://"));
        wait_for(async || ureq::get(format!("{health}/readyz")).call().ok().map(drop)).await;
        Self {
            daemon,
            port: url.parse().expect("a port is a number"),
            health,
        }
    }

    fn metric(&self, name: &str) -> i64 {
        let mut answer = ureq::get(format!("{}/metrics", self.health))
            .call()
            .expect("it answers");
        let text = answer.body_mut().read_to_string().expect("it is text");
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let value = line.unwrap_or_else(|| panic!("no {name} in {text}"));
        value.trim().parse().expect("a metric is a number")
    }
}

async fn rotate(installed: &Installed) {
    let client = installed.plane.client().await;
    let networks: Api<api::network_attachment_definition::NetworkAttachmentDefinition> =
        Api::namespaced(client.clone(), "default");
    create(
        &networks,
        json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
            "metadata": {"name": "net-a", "annotations": {"k8s.v1.cni.cncf.io/resourceName": "intel.com/sriov"}},
            "spec": {"config": "{\"cniVersion\": \"1.0.0\", \"type\": \"sriov\"}"}}),
    )
    .await;
    let service = Forwarder::start().await;
    installed.register(service.port);
    let (one, other) = (
        Replica::start(installed).await,
        Replica::start(installed).await,
    );
    let leads = |replica: &Replica| replica.metric("polypod_tls_leader ") == 1;
    let (leader, follower) = if leads(&one) {
        (one, other)
    } else {
        (other, one)
    };
    assert!(leads(&leader) && !leads(&follower));
    service.to(follower.port);
    let load = Load::begin(&client).await;
    let first = authorities(&client).await;
    assert_eq!(first.len(), 1);

    // Killed when the next CA is trusted and not used yet: the other one goes on from there.
    phase(&client, "TrustBoth").await;
    let Replica { daemon, .. } = leader;
    drop(daemon);
    phase(&client, "ServeNew").await;
    phase(&client, "Stable").await;
    let second = authorities(&client).await;
    assert!(leads(&follower) && first.is_disjoint(&second));

    // A replica that joins serves what is in the Secret; what Helm empties is restored.
    let third = Replica::start(installed).await;
    service.to(third.port);
    empty(&client).await;
    let configurations: Api<ValidatingWebhookConfiguration> = Api::all(client.clone());
    wait_for(async || {
        let found = configurations.get("polypod").await.ok()?;
        let bundle = found.webhooks?.get(1)?.client_config.ca_bundle.clone()?;
        (!bundle.0.is_empty()).then_some(())
    })
    .await;
    phase(&client, "TrustBoth").await;
    phase(&client, "ServeNew").await;
    // Given up in the last phase: nobody waits for the end of the lease.
    assert!(follower.daemon.stop(), "SIGTERM ends it well");
    phase(&client, "Stable").await;
    assert!(second.is_disjoint(&authorities(&client).await));
    assert!(leads(&third) && third.metric("polypod_tls_ca_bundle_mismatch ") == 0);
    assert_eq!(third.metric("polypod_tls_reload_errors_total "), 0);
    assert!(third.metric("polypod_tls_leaf_expiry_seconds ") > 0);
    let leases: Api<Lease> = Api::namespaced(client.clone(), SYSTEM);
    let lease = leases
        .get("polypod-webhook")
        .await
        .expect("the lease is there");
    assert_eq!(lease.spec.and_then(|spec| spec.lease_transitions), Some(2));
    let mutated = load.end().await;
    assert!(mutated > 100, "{mutated} pods");
}

/// Takes the CA out of the hook for NetworkAttachmentDefinitions, which nobody creates here.
async fn empty(client: &Client) {
    let configurations: Api<ValidatingWebhookConfiguration> = Api::all(client.clone());
    let path = "/webhooks/1/clientConfig/caBundle";
    let patch = json!([{"op": "remove", "path": path}]);
    let patch = Patch::Json::<()>(serde_json::from_value(patch).expect("it is a patch"));
    let params = PatchParams::default();
    let emptied = configurations.patch("polypod", &params, &patch).await;
    emptied.expect("there was a caBundle to remove");
}

/// The CAs that API servers are told to trust, as PEM.
async fn authorities(client: &Client) -> BTreeSet<String> {
    let configurations: Api<MutatingWebhookConfiguration> = Api::all(client.clone());
    let find = async || {
        let found = configurations.get("polypod").await.ok()?;
        let bundle = found.webhooks?.first()?.client_config.ca_bundle.clone()?;
        let pem = String::from_utf8(bundle.0).expect("a caBundle is PEM");
        let all = pem
            .split_inclusive("-----END CERTIFICATE-----\n")
            .map(str::to_owned);
        let all: BTreeSet<String> = all.collect();
        // The configuration follows the Secret; what was dropped there is dropped here a moment later.
        (all.len() == 1).then_some(all)
    };
    wait_for(find).await
}

/// Waits until the rotation is in a phase.
async fn phase(client: &Client, wanted: &str) {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), SYSTEM);
    let until = Instant::now() + PATIENCE;
    loop {
        let secret = secrets
            .get("polypod-webhook")
            .await
            .expect("the Secret is there");
        let annotations = secret.metadata.annotations.unwrap_or_default();
        let phase = annotations
            .get("polypod.dev/rotation-phase")
            .map(String::as_str);
        if phase == Some(wanted) {
            return;
        }
        assert!(Instant::now() < until, "{phase:?} instead of {wanted}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Pods that are created all the time, as far as admission goes.
struct Load {
    mutated: Arc<AtomicU64>,
    failed: Arc<Mutex<Vec<String>>>,
    ended: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<()>,
}

impl Load {
    async fn begin(client: &Client) -> Self {
        let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
        // Until the API server has seen the configurations a pod fails, or passes unseen.
        wait_for(async || mutated(&pods).await.ok()).await;
        let load = Self {
            mutated: Arc::default(),
            failed: Arc::default(),
            ended: Arc::default(),
            task: tokio::spawn(async {}),
        };
        let (count, failed, ended) = (
            Arc::clone(&load.mutated),
            Arc::clone(&load.failed),
            Arc::clone(&load.ended),
        );
        let task = tokio::spawn(async move {
            while !ended.load(Ordering::SeqCst) {
                match mutated(&pods).await {
                    Ok(()) => drop(count.fetch_add(1, Ordering::SeqCst)),
                    Err(error) => failed.lock().unwrap().push(error),
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        Self { task, ..load }
    }

    async fn end(self) -> u64 {
        self.ended.store(true, Ordering::SeqCst);
        self.task.await.expect("the load does not panic");
        let failed = self.failed.lock().unwrap();
        assert!(
            failed.is_empty(),
            "{} pods failed: {:?}",
            failed.len(),
            failed.first()
        );
        self.mutated.load(Ordering::SeqCst)
    }
}

/// Creates a pod whose network needs a device, without keeping it; an error unless it got the device.
async fn mutated(pods: &Api<Pod>) -> Result<(), String> {
    let dry_run = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let created = pods.create(&dry_run, &pod("p1", "net-a")).await;
    let created = created.map_err(|error| error.to_string())?;
    let limits = created
        .spec
        .and_then(|spec| spec.containers.into_iter().next()?.resources?.limits);
    match limits {
        Some(limits) if limits.contains_key("intel.com/sriov") => Ok(()),
        other => Err(format!("not mutated: {other:?}")),
    }
}
