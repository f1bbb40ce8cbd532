//! NetworkAttachmentDefinitions: created, changed, and row N17, kept while pods use them.

use serde_json::{Value, json};

use super::{Cluster, NETWORKS, PODS, is_denied, network, pod, until};
use crate::fixture::control_plane::Reply;

const WEBHOOK: &str = "definitions.polypod.dev";

pub(super) fn in_use() {
    let cluster = Cluster::start();
    judged(&cluster);
    kept(&cluster);
    changed_in_use(&cluster);
    of_a_namespace_that_goes(&cluster);
}

fn judged(cluster: &Cluster) {
    let create = |config: &str| {
        let mut object = network("judged", None);
        object["spec"]["config"] = json!(config);
        cluster.plane.ask("POST", NETWORKS, &object)
    };
    is_denied(&create("{bad"), WEBHOOK, &["spec.config", "line 1"]);
    is_denied(&create(r#"{"plugins":[null]}"#), WEBHOOK, &["/plugins/0"]);
    let warned = create("");
    warned.is_created();
    assert_eq!(warned.warnings.len(), 1, "{:?}", warned.warnings);
    assert!(
        warned.warnings[0].contains("empty"),
        "{:?}",
        warned.warnings
    );

    // Names that the API server makes.
    let mut generated = network("", None);
    generated["metadata"] = json!({"generateName": "net-"});
    cluster.plane.ask("POST", NETWORKS, &generated).is_created();
    let path = format!("{NETWORKS}/judged");
    let config = json!({"spec": {"config": "{bad"}});
    is_denied(
        &cluster.plane.ask("PATCH", &path, &config),
        WEBHOOK,
        &["line 1"],
    );
    let label = json!({"metadata": {"labels": {"a": "b"}}});
    assert_eq!(cluster.plane.ask("PATCH", &path, &label).status, 200);
    assert_eq!(cluster.plane.ask("DELETE", &path, &Value::Null).status, 200);
}

/// A pod that runs, as the kubelet tells.
fn runs(cluster: &Cluster, pods: &str, name: &str, networks: &str) {
    cluster
        .plane
        .ask("POST", pods, &pod(name, networks))
        .is_created();
    phase(cluster, pods, name, "Running");
}

fn phase(cluster: &Cluster, pods: &str, name: &str, phase: &str) {
    let path = format!("{pods}/{name}/status");
    let status = json!({"status": {"phase": phase}});
    let reply = cluster.plane.ask("PATCH", &path, &status);
    assert_eq!(reply.status, 200, "{}", reply.body);
}

fn delete(cluster: &Cluster, path: &str, dry_run: bool) -> Reply {
    let query = if dry_run { "?dryRun=All" } else { "" };
    cluster
        .plane
        .ask("DELETE", &format!("{path}{query}"), &Value::Null)
}

/// Row N17.
fn kept(cluster: &Cluster) {
    let network = format!("{NETWORKS}/foo");
    runs(cluster, PODS, "user", "foo");
    // The webhook hears of the pod a moment after the API server.
    until(|| delete(cluster, &network, true).status != 200);
    let denied = delete(cluster, &network, false);
    is_denied(&denied, WEBHOOK, &["default/foo", "default/user"]);
    let unused = delete(cluster, &format!("{NETWORKS}/bar"), true);
    assert_eq!(unused.status, 200, "nobody uses it: {}", unused.body);

    // A pod of another namespace uses it as well.
    let elsewhere = PODS.replace("default", "ns1");
    runs(cluster, &elsewhere, "guest", "default/foo");
    phase(cluster, PODS, "user", "Succeeded");
    until(|| {
        let reply = delete(cluster, &network, true);
        reply.status == 403 && !reply.body.to_string().contains("default/user")
    });
    is_denied(&delete(cluster, &network, false), WEBHOOK, &["ns1/guest"]);
    phase(cluster, &elsewhere, "guest", "Failed");
    until(|| delete(cluster, &network, true).status == 200);

    // Whoever knows better says so.
    runs(cluster, PODS, "other", "foo");
    until(|| delete(cluster, &network, true).status != 200);
    let allow = json!({"metadata": {"annotations": {"polypod.dev/allow-delete": "true"}}});
    assert_eq!(cluster.plane.ask("PATCH", &network, &allow).status, 200);
    until(|| delete(cluster, &network, true).status == 200);
    assert_eq!(delete(cluster, &network, false).status, 200);
}

fn changed_in_use(cluster: &Cluster) {
    runs(cluster, PODS, "plain", "plain");
    let plain = format!("{NETWORKS}/plain");
    until(|| delete(cluster, &plain, true).status != 200);
    let config =
        json!({"spec": {"config": r#"{"cniVersion":"1.0.0","type":"bridge","bridge":"br1"}"#}});
    let changed = cluster.plane.ask("PATCH", &plain, &config);
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert_eq!(changed.warnings.len(), 1, "{:?}", changed.warnings);
    assert!(
        changed.warnings[0].contains("1 pod"),
        "{:?}",
        changed.warnings
    );
    let label = json!({"metadata": {"labels": {"a": "b"}}});
    let labelled = cluster.plane.ask("PATCH", &plain, &label);
    assert_eq!(labelled.status, 200, "{}", labelled.body);
    assert_eq!(
        labelled.warnings,
        Vec::<String>::new(),
        "nothing changes for the pod"
    );
}

/// Row N17: a namespace takes everything with it, in no order.
fn of_a_namespace_that_goes(cluster: &Cluster) {
    let (pods, networks) = (
        PODS.replace("default", "ns1"),
        NETWORKS.replace("default", "ns1"),
    );
    let network = format!("{networks}/foo");
    runs(cluster, &pods, "own", "foo");
    until(|| delete(cluster, &network, true).status != 200);
    is_denied(
        &delete(cluster, &network, false),
        WEBHOOK,
        &["ns1/foo", "ns1/own"],
    );
    let namespace = "/api/v1/namespaces/ns1";
    let going = cluster.plane.ask("DELETE", namespace, &Value::Null);
    assert_eq!(
        going.body["status"]["phase"], "Terminating",
        "{}",
        going.body
    );
    until(|| delete(cluster, &network, true).status == 200);
    assert_eq!(delete(cluster, &network, false).status, 200);
}
