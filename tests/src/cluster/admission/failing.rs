//! The webhook is away, or somebody takes its work away: no pod gets in without the devices its networks need.

use serde_json::{Value, json};

use super::{CONFIGURATIONS, Cluster, PODS, RESOURCE, is_denied, pod, resources, until};

pub(super) fn when_a_hook_fails() {
    let mut cluster = Cluster::start();
    fails_open_and_is_found_out(&cluster);
    fails_closed(&mut cluster);
}

/// The mutating hook cannot be reached: its failure policy lets the pod on, unchanged, to the validating hook.
fn fails_open_and_is_found_out(cluster: &Cluster) {
    let path = format!("{CONFIGURATIONS}/mutatingwebhookconfigurations/polypod");
    let stored = cluster.plane.ask("GET", &path, &Value::Null).body;
    let mut unreachable = stored.clone();
    // Nobody listens at the discard port.
    unreachable["webhooks"][0]["clientConfig"]["url"] = json!("https://127.0.0.1:9/mutate");
    let replaced = cluster.plane.ask("PUT", &path, &unreachable);
    assert_eq!(replaced.status, 200, "{}", replaced.body);
    until(|| cluster.dry_run(&pod("open", "foo,foo")).status == 403);
    let denied = cluster.create(&pod("open", "foo,foo"));
    is_denied(
        &denied,
        "validate.polypod.dev",
        &["needs 2", RESOURCE, "request 0", "add 2"],
    );

    // One who brings the devices needs no mutating hook.
    let mut complete = pod("complete", "foo");
    let quantities = json!({RESOURCE: "1"});
    complete["spec"]["containers"][0]["resources"] =
        json!({"requests": quantities, "limits": quantities});
    cluster.create(&complete).is_created();
    cluster.create(&pod("no-devices", "plain")).is_created();

    let mut again = cluster.plane.ask("GET", &path, &Value::Null).body;
    again["webhooks"] = stored["webhooks"].clone();
    assert_eq!(cluster.plane.ask("PUT", &path, &again).status, 200);
    until(|| cluster.dry_run(&pod("open", "foo")).status == 201);
}

/// Nothing answers: pods that select networks wait for the webhook, all others do not.
fn fails_closed(cluster: &mut Cluster) {
    let mut of_job = pod("of-job", "foo");
    of_job["metadata"]["finalizers"] = json!([OF_JOBS]);
    cluster.create(&of_job).is_created();
    let webhook = cluster.webhook.take().expect("it was started");
    assert!(webhook.stop(), "SIGTERM ends it well");
    let refused = cluster.create(&pod("closed", "foo"));
    assert_eq!(refused.status, 500, "{}", refused.body);
    let message = refused.body["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("failed calling webhook \"validate.polypod.dev\""),
        "{message}"
    );
    // The conditions of the registration: these pods are nobody's business.
    let mut plain = pod("unconcerned", "");
    plain["metadata"]["annotations"].take();
    let mut mirror = pod("mirror", "foo");
    mirror["metadata"]["annotations"]["kubernetes.io/config.mirror"] = json!("5d0b5d1a");
    mirror["spec"]["nodeName"] = json!("node-1");
    for pod in [plain, mirror] {
        let created = cluster.create(&pod);
        created.is_created();
        assert_eq!(resources(&created.body), json!({}));
    }
    changes_wait_for_networks_alone(cluster);
}

/// A finalizer that keeps the pod of a Job until it is counted.
const OF_JOBS: &str = "batch.kubernetes.io/job-tracking";

/// Nothing answers: of stored pods with networks everything can be changed but the networks.
fn changes_wait_for_networks_alone(cluster: &Cluster) {
    let path = format!("{PODS}/of-job");
    let patch = |metadata: Value| {
        let patch = json!({ "metadata": metadata });
        cluster.plane.ask("PATCH", &path, &patch)
    };
    for metadata in [
        json!({"labels": {"a": "b"}}),
        json!({"annotations": {"example.com/a": "b"}}),
        // As it is already.
        json!({"annotations": {"k8s.v1.cni.cncf.io/networks": "foo"}}),
        json!({"finalizers": null}),
        json!({"finalizers": [OF_JOBS]}),
    ] {
        let changed = patch(metadata);
        assert_eq!(changed.status, 200, "{}", changed.body);
    }
    for annotations in [
        json!({"k8s.v1.cni.cncf.io/networks": "foo,foo"}),
        json!({"k8s.v1.cni.cncf.io/networks": ""}),
        json!({"v1.multus-cni.io/default-network": "plain"}),
        json!({"v1.multus-cni.io/default-network": ""}),
        json!({"k8s.v1.cni.cncf.io/networks": null, "v1.multus-cni.io/default-network": "plain"}),
    ] {
        let refused = patch(json!({ "annotations": annotations }));
        assert_eq!(refused.status, 500, "{annotations}: {}", refused.body);
        let message = refused.body["message"].as_str().unwrap_or_default();
        assert!(message.contains("validate.polypod.dev"), "{message}");
    }
    // It goes, with the finalizer in its way for a while.
    let now = format!("{path}?gracePeriodSeconds=0");
    let deleted = cluster.plane.ask("DELETE", &now, &Value::Null);
    assert_eq!(deleted.status, 200, "{}", deleted.body);
    let counted = patch(json!({"finalizers": null}));
    assert_eq!(counted.status, 200, "{}", counted.body);
    let there = cluster.plane.ask("GET", &path, &Value::Null);
    assert_eq!(there.status, 404, "{}", there.body);
}
