//! What becomes of pods: row 48 and the others that only an API server can carry out.

use serde_json::{Value, json};

use super::{Cluster, NETWORKS, PODS, RESOURCE, is_denied, pod, resources, resources_of};
use crate::fixture::control_plane::Reply;

pub(super) fn as_registered() {
    let cluster = Cluster::start();
    injected(&cluster);
    denied(&cluster);
    warned(&cluster);
    dry_run(&cluster);
    changed(&cluster);
}

fn injected(cluster: &Cluster) {
    let created = cluster.create(&pod("two", "foo,foo,bar"));
    created.is_created();
    let quantities = json!({"example.com/bar": "1", RESOURCE: "2"});
    let wanted = json!({"requests": quantities, "limits": quantities});
    assert_eq!(resources(&created.body), wanted);
    assert_eq!(created.warnings, Vec::<String>::new());
    let stored = cluster
        .plane
        .ask("GET", &format!("{PODS}/two"), &Value::Null);
    assert_eq!(resources(&stored.body), wanted);

    // As controllers make them: without a name, and without a namespace but in the path.
    let mut of_controller = pod("", "foo");
    of_controller["metadata"]["name"].take();
    of_controller["metadata"]["generateName"] = json!("web-6d4cf56db6-");
    of_controller["metadata"]["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-6d4cf56db6", "uid": "5d0b5d1a-2f4e-4e6c-9a0c-0d9e5c3a7f10", "controller": true}]);
    let created = cluster.create(&of_controller);
    created.is_created();
    assert_eq!(resources(&created.body), resources_of(1));
    let elsewhere = PODS.replace("default", "ns1");
    let created = cluster.plane.ask("POST", &elsewhere, &of_controller);
    created.is_created();
    assert_eq!(
        resources(&created.body)["limits"],
        json!({"example.com/nsfoo": "1"}),
        "names are of the request's namespace"
    );

    // Row 48: a default network alone is a selection, too.
    let mut default_network = pod("default-network", "");
    default_network["metadata"]["annotations"] =
        json!({"v1.multus-cni.io/default-network": "default/foo"});
    let created = cluster.create(&default_network);
    created.is_created();
    assert_eq!(resources(&created.body), resources_of(1), "row 48");
}

fn denied(cluster: &Cluster) {
    for (text, words) in [
        ("fooo", ["default/fooo", "did you mean foo"]),
        ("foo,", ["entry 2", "empty"]),
        ("[null]", ["entry 1", "null"]),
        ("ns1/bar", ["ns1/bar", "exists in default"]),
    ] {
        let reply = cluster.create(&pod("denied", text));
        is_denied(&reply, "mutate.polypod.dev", &words);
        let there = cluster
            .plane
            .ask("GET", &format!("{PODS}/denied"), &Value::Null);
        assert_eq!(there.status, 404, "{text}");
    }
    // Nobody but the pod's author can repair this.
    let mut uneven = pod("uneven", "foo");
    uneven["spec"]["containers"][0]["resources"] =
        json!({"requests": {RESOURCE: "1"}, "limits": {RESOURCE: "2"}});
    let reply = cluster.create(&uneven);
    assert_eq!(reply.status, 422, "{reply:?}");
}

/// The API server's header for a warning: `299 - "text"`.
fn warns(reply: &Reply, words: &str) {
    let found: Vec<&String> = reply
        .warnings
        .iter()
        .filter(|header| header.contains(words))
        .collect();
    assert_eq!(found.len(), 1, "{words}: {:?}", reply.warnings);
    assert!(found[0].starts_with("299 - \""), "{found:?}");
}

fn warned(cluster: &Cluster) {
    let empty = cluster.create(&pod("empty", "[]"));
    empty.is_created();
    warns(&empty, "empty list");
    assert_eq!(empty.warnings.len(), 1, "both hooks warn in the same words");

    let mut host = pod("host", "foo");
    host["spec"]["hostNetwork"] = json!(true);
    let created = cluster.create(&host);
    created.is_created();
    warns(&created, "hostNetwork");
    assert_eq!(resources(&created.body), json!({}));
}

fn dry_run(cluster: &Cluster) {
    let created = cluster.dry_run(&pod("dry", "foo"));
    created.is_created();
    assert_eq!(resources(&created.body), resources_of(1));
    let there = cluster
        .plane
        .ask("GET", &format!("{PODS}/dry"), &Value::Null);
    assert_eq!(there.status, 404, "a dry run stores nothing");
    let reply = cluster.dry_run(&pod("dry", "fooo"));
    is_denied(&reply, "mutate.polypod.dev", &["did you mean foo"]);
}

/// Of a stored pod annotations can change, and nothing that devices could be added to.
fn changed(cluster: &Cluster) {
    cluster.create(&pod("changed", "foo")).is_created();
    let path = format!("{PODS}/changed");
    let annotate = |networks: Value| {
        let patch = json!({"metadata": {"annotations": {"k8s.v1.cni.cncf.io/networks": networks}}});
        cluster.plane.ask("PATCH", &path, &patch)
    };
    let more = annotate(json!("foo,foo"));
    is_denied(&more, "validate.polypod.dev", &[RESOURCE, "needs 2"]);
    is_denied(
        &annotate(json!("fooo")),
        "validate.polypod.dev",
        &["did you mean foo"],
    );
    assert_eq!(annotate(json!("foo,plain")).status, 200);
    assert_eq!(annotate(Value::Null).status, 200);

    // Whoever edits a label is not to blame for a network that is gone since.
    cluster.create(&pod("stored", "bar")).is_created();
    let bar = format!("{NETWORKS}/bar");
    let patch = json!({"metadata": {"annotations": {"polypod.dev/allow-delete": "true"}}});
    assert_eq!(cluster.plane.ask("PATCH", &bar, &patch).status, 200);
    super::until(|| cluster.plane.ask("DELETE", &bar, &Value::Null).status == 200);
    super::until(|| cluster.dry_run(&pod("gone", "bar")).status == 403);
    let label = json!({"metadata": {"labels": {"a": "b"}}});
    let stored = cluster
        .plane
        .ask("PATCH", &format!("{PODS}/stored"), &label);
    assert_eq!(stored.status, 200, "row 61: {}", stored.body);
    let deleted = cluster.plane.ask(
        "DELETE",
        &format!("{PODS}/stored?gracePeriodSeconds=0"),
        &Value::Null,
    );
    assert_eq!(deleted.status, 200, "{}", deleted.body);
}
