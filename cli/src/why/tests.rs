use std::time::Duration;

use scheduler::{engine::Stage, explain::NodeExplained, moment::Moment};
use serde_json::{Value, json};

use super::*;

fn seen(objects: &[Value]) -> Observed {
    let mut observed = Observed::default();
    for object in objects {
        let text = |key: &str| object[key].as_str().unwrap().to_owned();
        observed.see(
            &text("apiVersion"),
            &text("kind"),
            object.clone(),
            "default",
        );
    }
    observed
}

fn node() -> Value {
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "status": {"allocatable": {"a.b/c": "2"}}})
}

fn pod(name: &str, phase: &str, bound_at: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {"nodeName": "n1", "containers": [{"name": "app", "resources": {"limits": {"a.b/c": 1}}}]},
        "status": {"phase": phase, "conditions": [{"type": "PodScheduled", "status": "True", "lastTransitionTime": bound_at}]}})
}

/// Which two devices are in zones 0 and 1, `free` of which nobody has.
fn topology(free: [&str; 2]) -> Value {
    let zone = |id: usize| {
        json!({"name": format!("node-{id}"), "type": "Node", "resources": [
            {"name": "a.b/c", "capacity": "1", "allocatable": "1", "available": free[id]}]})
    };
    json!({"apiVersion": "topology.node.k8s.io/v1alpha2", "kind": "NodeResourceTopology", "metadata": {"name": "n1"},
        "attributes": [{"name": "topologyManagerPolicy", "value": "single-numa-node"}], "zones": [zone(0), zone(1)]})
}

fn n1(observed: Observed, name: &str) -> NodeExplained {
    let arguments = WhyArgs {
        pod: name.to_owned(),
        namespace: None,
        filenames: Vec::new(),
        node: Some("n1".to_owned()),
        nodes: 10,
        output: Format::Json,
        kubeconfig: None,
        context: None,
    };
    explained(observed, "default", &arguments)
        .unwrap()
        .details
        .remove(0)
}

#[test]
fn a_topology_has_the_pods_that_have_started() {
    let waiting = || {
        let mut pod = pod("waiting", "Pending", "");
        pod["spec"]["nodeName"] = json!("");
        pod
    };
    let (early, late) = ("2026-01-01T00:00:00Z", "2026-01-01T00:00:09Z");
    let free = |objects: &[Value]| n1(seen(objects), "waiting").free[0].free.clone();
    assert_eq!(
        free(&[
            topology(["0", "1"]),
            pod("a", "Running", early),
            waiting(),
            node()
        ]),
        "1"
    );
    assert_eq!(
        free(&[
            topology(["1", "1"]),
            pod("a", "Pending", late),
            waiting(),
            node()
        ]),
        "1"
    );
    assert_eq!(free(&[topology(["1", "1"]), waiting(), node()]), "2");
    let ended = Stage::of(&serde_json::from_value(pod("a", "Failed", late)).unwrap());
    assert_eq!(ended, Stage::Ended);
    assert_eq!(
        free(&[
            topology(["1", "1"]),
            pod("a", "Failed", late),
            waiting(),
            node()
        ]),
        "2"
    );
}

#[test]
fn now_is_the_newest_that_is_known() {
    let mut observed = seen(&[
        pod("a", "Pending", "1970-01-01T00:01:00Z"),
        pod("b", "Pending", "1970-01-01T00:00:10Z"),
        node(),
    ]);
    let at = |seconds| Moment::after(Duration::from_secs(seconds));
    observed.at(at(30));
    assert_eq!(seen(&[node()]).engine().1, at(0));
    let (engine, now) = observed.engine();
    assert_eq!(now, at(60));
    assert_eq!(engine.node_of("default/a"), Some("n1"));
}

#[test]
fn pods_are_found_by_namespace_and_name() {
    let mut elsewhere = pod("a", "Pending", "");
    elsewhere["metadata"]["namespace"] = json!("team");
    elsewhere["metadata"]["uid"] = json!("u");
    let mut broken = pod("b", "Pending", "");
    broken["spec"]["nodeName"] = json!(null);
    broken["spec"]["containers"][0]["resources"]["limits"]["a.b/c"] = json!(-1);
    let observed = seen(&[elsewhere, pod("a", "Pending", ""), broken]);
    let uid = |namespace, name| {
        let demand = observed.pod(namespace, name)?;
        demand.ok().map(|demand| demand.uid.to_string())
    };
    assert_eq!(uid("team", "a").as_deref(), Some("u"));
    assert_eq!(uid("default", "a").as_deref(), Some("default/a"));
    assert!(observed.pod("default", "b").unwrap().is_err());
    assert!(observed.pod("team", "b").is_none());
    assert_eq!(observed.warnings().count(), 1);
}
