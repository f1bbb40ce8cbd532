use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::engine::{Event, PodFacts, Stage};

fn at(seconds: u64) -> Moment {
    Moment::after(Duration::from_secs(seconds))
}

fn amount(name: &str, allocatable: u64, available: u64) -> Value {
    json!({"name": name, "capacity": allocatable, "allocatable": allocatable, "available": available})
}

fn node(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": {"allocatable": {
        "cpu": "64", "memory": "256Gi", "intel.com/sriov": "8"}}})
}

/// A node of two zones with sixteen CPUs and four devices each. Of each zone a pod of this name holds so many.
fn inventory(name: &str, policy: &str, held: [(&str, u64, usize); 2]) -> Value {
    let ids = |id: usize, count: usize| -> Vec<String> {
        (0..count).map(|at| format!("{id}{at}")).collect()
    };
    let group = |id: usize, count: usize| {
        json!({"resource": "intel.com/sriov", "zones": [id], "physicalFunction": format!("0000:{id}0:00.0"),
            "ids": ids(id, count)})
    };
    let left = |id: usize| 4 - u64::try_from(held[id].2).unwrap();
    let zone = |id: usize| {
        let (first, last) = (id * 16, id * 16 + 15);
        json!({"id": id, "cpus": format!("{first}-{last}"), "exclusiveCPUs": format!("{first}-{last}"), "resources": [
            amount("cpu", 16, 16 - held[id].1), amount("intel.com/sriov", 4, left(id))]})
    };
    let function = |id: usize| {
        json!({"address": format!("0000:{id}0:00.0"), "zone": id, "linkUp": true, "totalVFs": 4, "configuredVFs": 4,
            "resources": [amount("intel.com/sriov", 4, left(id))]})
    };
    let allocation = |id: usize| {
        let (pod, cpus, devices) = held[id];
        let first = u64::try_from(id).unwrap() * 16;
        let cpus: Vec<String> = (first..first + cpus).map(|cpu| cpu.to_string()).collect();
        let devices = if devices == 0 {
            json!([])
        } else {
            json!([group(id, devices)])
        };
        let container = json!({"name": "app", "cpus": cpus.join(","), "devices": devices});
        json!({"podUID": pod, "namespace": "default", "name": pod, "containers": [container]})
    };
    let allocations = (0..2)
        .filter(|id| held[*id].1 > 0 || held[*id].2 > 0)
        .map(allocation);
    json!({"apiVersion": "polypod.dev/v1alpha1", "kind": "NodeInventory", "metadata": {"name": name}, "epoch": 3, "sequence": 17,
        "topologyManager": {"policy": policy, "scope": "container"}, "zones": [zone(0), zone(1)],
        "resources": [amount("intel.com/sriov", 8, left(0) + left(1))],
        "physicalFunctions": [function(0), function(1)],
        "devices": [group(0, 4), group(1, 4)], "allocations": allocations.collect::<Vec<_>>()})
}

const NOBODY: (&str, u64, usize) = ("", 0, 0);

fn pod(name: &str, node: &str, cpus: u64, devices: u64) -> Value {
    let amounts = json!({"cpu": cpus, "memory": "1Gi", "intel.com/sriov": devices});
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default", "uid": name},
        "spec": {"nodeName": node, "containers": [{"name": "app", "resources": {"requests": amounts, "limits": amounts}}]}})
}

fn demand(pod: &Value) -> PodDemand {
    PodDemand::of(&serde_json::from_value(pod.clone()).unwrap()).unwrap()
}

fn engine(objects: &[Value]) -> Engine {
    let mut engine = Engine::default();
    for object in objects {
        let text = |key: &str| object[key].as_str().unwrap().to_owned();
        let event = Event::of_object(&text("apiVersion"), &text("kind"), object, "default");
        for outcome in engine.apply(event.unwrap().unwrap(), at(0)) {
            assert!(
                !matches!(outcome, crate::engine::Outcome::Ignored { .. }),
                "{outcome:?}"
            );
        }
    }
    engine
}

fn cluster() -> Vec<Value> {
    vec![
        node("n1"),
        node("n2"),
        node("n3"),
        node("n4"),
        inventory("n1", "single-numa-node", [("old", 12, 2), NOBODY]),
        inventory("n2", "single-numa-node", [("a", 0, 3), ("b", 15, 0)]),
        inventory("n3", "best-effort", [("c", 2, 3), ("d", 0, 4)]),
        pod("old", "n1", 12, 2),
        pod("new", "n1", 2, 1),
    ]
}

#[test]
fn a_pod_that_waits() {
    let engine = engine(&cluster());
    let waiting = demand(&pod("waiting", "", 4, 2));
    let explanation = explain(&engine, &waiting, at(12), &View::default());
    insta::assert_snapshot!("waiting_text", explanation.to_string());
    insta::assert_json_snapshot!("waiting_json", explanation);
}

#[test]
fn a_pod_that_is_bound() {
    let engine = engine(&cluster());
    for (name, cpus, devices) in [("old", 12, 2), ("new", 2, 1)] {
        let bound = demand(&pod(name, "n1", cpus, devices));
        let view = View {
            node: Some("n1"),
            ..View::default()
        };
        let explanation = explain(&engine, &bound, at(12), &view);
        assert_eq!(explanation.bound_to.as_deref(), Some("n1"));
        assert_eq!((explanation.nodes, explanation.fitting), (1, 1));
        insta::assert_snapshot!(format!("bound_{name}"), explanation.to_string());
    }
}

#[test]
fn a_cluster_is_told_of_in_part() {
    let nodes = (0..500).map(|at| node(&format!("n{at:03}")));
    let inventories = (0..400).map(|at| {
        let policy = if at % 2 == 0 {
            "none"
        } else {
            "single-numa-node"
        };
        inventory(&format!("n{at:03}"), policy, [("a", 0, 2), ("b", 0, 2)])
    });
    let engine = engine(&nodes.chain(inventories).collect::<Vec<_>>());
    let view = View {
        nodes: 6,
        ..View::default()
    };
    let explained = |devices| {
        explain(
            &engine,
            &demand(&pod("waiting", "", 1, devices)),
            at(1),
            &view,
        )
    };
    let some = explained(3);
    assert_eq!((some.nodes, some.fitting, some.omitted), (500, 200, 494));
    assert_eq!(some.refused, [("container", 200), ("noReport", 100)].into());
    let verdicts: Vec<Verdict> = some.details.iter().map(|node| node.verdict).collect();
    assert_eq!(
        verdicts,
        [[Verdict::Fits; 3], [Verdict::Refused; 3]].concat()
    );
    assert_eq!(
        some.details[3].refusal,
        Some("container"),
        "the nearest first"
    );
    let none = explained(5);
    assert_eq!((none.fitting, none.details.len(), none.best), (0, 6, None));
    let all = explained(1);
    assert_eq!(all.details.len(), 6);
}

#[test]
fn nodes_and_resources_that_nobody_knows() {
    let engine = engine(&cluster());
    let waiting = demand(&pod("waiting", "", 4, 2));
    let view = View {
        node: Some("nowhere\u{1b}"),
        ..View::default()
    };
    let explanation = explain(&engine, &waiting, at(0), &view);
    assert_eq!(explanation.refused, [("unknownNode", 1)].into());
    let text = explanation.to_string();
    assert!(
        text.contains("nowhere?: the node is not known yet"),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'));
    let mut other = pod("other", "", 1, 1);
    other["spec"]["containers"][0]["resources"] = json!({"limits": {"a.b/c": 1}});
    let view = View {
        node: Some("n1"),
        ..View::default()
    };
    let explanation = explain(&engine, &demand(&other), at(0), &view);
    let words = &explanation.details[0].changes[0].words;
    assert_eq!(words, "a device plugin that has a.b/c, on any node");
    assert_eq!(explanation.pod.containers[0].aligned["a.b/c"], "1");
}

#[test]
fn what_time_and_links_change() {
    let mut objects = cluster();
    objects[4]["physicalFunctions"][1]["linkUp"] = json!(false);
    let engine = engine(&objects);
    let waiting = demand(&pod("waiting", "", 8, 2));
    let on = |node, seconds| {
        let view = View {
            node: Some(node),
            ..View::default()
        };
        let mut explanation = explain(&engine, &waiting, at(seconds), &view);
        explanation.details.remove(0)
    };
    let down = on("n1", 12);
    assert_eq!(down.refusal, Some("linkDown"));
    assert_eq!(down.changes[0].words, "a link on 0000:10:00.0");
    let stale = on("n1", 10_000);
    assert_eq!(stale.refusal, Some("stale"));
    assert!(stale.report.unwrap().is_stale);
    assert_eq!(on("n4", 12).refusal, Some("noReport"));
}

#[test]
fn a_refusal_by_the_kubelet_is_told_of_while_it_counts() {
    let mut engine = engine(&cluster());
    let mut owned = pod("owned", "n1", 1, 1);
    owned["metadata"]["ownerReferences"] = json!([{"uid": "set", "name": "s", "kind": "ReplicaSet", "apiVersion": "apps/v1", "controller": true}]);
    for stage in [Stage::Pending, Stage::RefusedByKubelet] {
        engine.apply(
            Event::PodSeen(Box::new(PodFacts {
                demand: demand(&owned),
                node: Some("n1".into()),
                stage,
            })),
            at(12),
        );
    }
    owned["metadata"]["uid"] = json!("next");
    owned["spec"]["nodeName"] = json!("");
    let view = View {
        node: Some("n1"),
        ..View::default()
    };
    let explanation = explain(&engine, &demand(&owned), at(20), &view);
    assert_eq!(explanation.refused, [("setAside", 1)].into());
    assert_eq!(
        explanation.details[0].changes[0].words,
        "53 seconds have to pass"
    );
}
