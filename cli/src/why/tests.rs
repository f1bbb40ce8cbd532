use std::time::Duration;

use scheduler::{engine::Stage, explain::NodeExplained, moment::Moment};
use serde_json::{Value, json};

use super::*;
use crate::output::Format;

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

fn arguments(name: &str, node: Option<&str>) -> WhyArgs {
    WhyArgs {
        pod: name.parse().unwrap(),
        filenames: Vec::new(),
        node: node.map(str::to_owned),
        nodes: 10,
        output: OutputArgs {
            output: Format::Json,
        },
        access: Access {
            kubeconfig: None,
            context: None,
            namespace: None,
            request_timeout: Duration::from_secs(10),
        },
    }
}

fn n1(observed: Observed, name: &str) -> NodeExplained {
    let arguments = arguments(name, Some("n1"));
    match placed(observed, ["default", name], None, &arguments).unwrap() {
        Place::Judged(mut explanation) => explanation.details.remove(0),
        Place::Unjudged(unjudged) => panic!("{unjudged:?}"),
    }
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

#[test]
fn without_nodes_or_pods_no_node_is_judged() {
    let blind = || {
        let mut observed = seen(&[pod("a", "Running", "2026-01-01T00:00:00Z")]);
        observed.cannot_place(Unseen {
            what: "nodes of the cluster".to_owned(),
            cause: crate::cluster::Cause::Forbidden,
            why: "you may not list them".to_owned(),
            what_to_do: "ask".to_owned(),
        });
        observed
    };
    let place = placed(blind(), ["default", "a"], Some("n1"), &arguments("a", None)).unwrap();
    assert!(matches!(place, Place::Unjudged(_)) && place.is_open());
    assert_eq!(blind().warnings().count(), 1);
    assert!(placed(blind(), ["default", "b"], None, &arguments("b", None)).is_err());
}

#[test]
fn a_story_of_many_nodes_keeps_within_the_terminal() {
    let many = (0..1000).flat_map(|at| {
        let mut node = node();
        node["metadata"]["name"] = json!(format!("worker-{at}.of-a-long-name.example.com"));
        let mut report = topology(["1", "0"]);
        report["metadata"]["name"] = node["metadata"]["name"].clone();
        [node, report]
    });
    let mut asked = pod("asked", "Pending", "");
    asked["spec"]["nodeName"] = json!("");
    let resources = &mut asked["spec"]["containers"][0]["resources"];
    *resources = json!({"limits": {"a.b/c": 3}});
    let objects: Vec<Value> = many.chain([asked]).collect();
    let observed = seen(&objects);
    let place = placed(
        observed,
        ["default", "asked"],
        None,
        &arguments("asked", None),
    )
    .unwrap();
    let whole = Whole {
        place: &place,
        story: &Story::default(),
        unseen: &[],
    };
    let on = |width| {
        whole.text(&Screen {
            width,
            is_coloured: false,
        })
    };
    let words = |text: &str| {
        text.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let piped = on(None);
    assert!(piped.lines().count() < 100, "{piped}");
    assert!(piped.contains("990 more nodes are not shown"), "{piped}");
    for width in [40, 60, 80, 120, 200] {
        let text = on(Some(width));
        assert!(
            text.lines().all(|line| line.chars().count() <= width),
            "{width}: {text}"
        );
        if width >= 60 {
            assert_eq!(words(&text), words(&piped), "{width}");
        }
    }
}
