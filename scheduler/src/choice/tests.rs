use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use super::*;
use crate::{
    engine::{Engine, Event},
    moment::Moment,
    policy::Policy,
    promises::Promise,
};

const NOW: Moment = Moment::after(Duration::from_secs(100));

/// An engine with nodes of one zone that have so many devices, and the nodes as pods see them.
fn cluster(nodes: &[(&str, i64)]) -> (Engine, Vec<Candidate>) {
    let mut engine = Engine::new(Policy::default());
    let mut candidates = Vec::new();
    for (name, devices) in nodes {
        let ids: Vec<String> = (0..*devices).map(|n| format!("0000:01:00.{n}")).collect();
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"name": name}},
            "status": {"allocatable": {"cpu": "8", "memory": "8Gi", "intel.com/sriov": devices.to_string()}}});
        let amounts = json!([{"name": "intel.com/sriov", "capacity": devices, "allocatable": devices, "available": devices}]);
        let report = json!({"apiVersion": "polypod.dev/v1alpha1", "kind": "NodeInventory", "metadata": {"name": name},
            "epoch": 1, "sequence": 1, "observedAt": "2026-01-01T00:00:00Z",
            "topologyManager": {"policy": "single-numa-node", "scope": "container"},
            "zones": [{"id": 0, "resources": amounts}], "resources": amounts,
            "devices": [{"resource": "intel.com/sriov", "zones": [0], "ids": ids}], "allocations": []});
        for (version, kind, object) in [
            ("v1", "Node", &node),
            ("polypod.dev/v1alpha1", "NodeInventory", &report),
        ] {
            let event: Event = observed_event(version, kind, object);
            engine.apply(event, NOW);
        }
        candidates.push(serde_json::from_value(node).unwrap());
    }
    (engine, candidates)
}

fn observed_event(version: &str, kind: &str, object: &Value) -> Event {
    Event::of_object(version, kind, object, "")
        .unwrap()
        .unwrap()
}

fn pod(uid: &str, devices: u32, spec: Value) -> Unbound {
    let mut object = json!({"metadata": {"name": uid, "namespace": "ns", "uid": uid},
        "spec": {"containers": [{"name": "c", "resources": {"limits": {"intel.com/sriov": devices}}}]}});
    for (key, value) in spec.as_object().unwrap() {
        object["spec"][key] = value.clone();
    }
    Unbound::of(&object).unwrap().unwrap()
}

fn of(
    engine: &Engine,
    nodes: &[Candidate],
    pod: &Unbound,
    promises: &Promises,
    most: usize,
) -> (Choice, String) {
    let question = engine.question(&pod.demand, NOW);
    let mut scratch = Scratch::default();
    let choice = choose(&question, pod, nodes.iter(), promises, most, &mut scratch);
    let told = choice.told(&question);
    (choice, told)
}

fn sorted(choice: &Choice) -> Vec<&str> {
    let mut nodes: Vec<&str> = choice.nodes.iter().map(|node| &**node).collect();
    nodes.sort_unstable();
    nodes
}

#[test]
fn nodes_that_fit_are_chosen() {
    let (engine, nodes) = cluster(&[("n1", 1), ("n2", 2), ("n3", 4), ("n4", 2)]);
    let none = Promises::default();
    let (choice, told) = of(&engine, &nodes, &pod("a", 2, json!({})), &none, 8);
    assert_eq!(sorted(&choice), ["n2", "n3", "n4"]);
    assert!(!choice.is_all, "its scheduler could take n1");
    is_told(
        &told,
        "0/1 nodes have devices for the pod: 1 intel.com/sriov: 1 free, 2 needed",
    );
    let (choice, _) = of(&engine, &nodes, &pod("a", 2, json!({})), &none, 1);
    assert_eq!(choice.nodes.len(), 1);
    let (choice, _) = of(&engine, &nodes, &pod("a", 1, json!({})), &none, 8);
    assert!(
        !choice.is_all && choice.nodes.len() == 4,
        "a fifth node may come"
    );
    let here = json!({"nodeSelector": {"name": "n3"}});
    let (choice, _) = of(&engine, &nodes, &pod("a", 1, here), &none, 8);
    assert_eq!((sorted(&choice), choice.is_all), (vec!["n3"], false));
}

#[test]
fn where_the_spec_names_the_nodes_nothing_is_to_be_narrowed() {
    let (engine, nodes) = cluster(&[("n1", 1), ("n2", 2)]);
    for (names, devices, found, is_all) in [
        (&["n1"][..], 1, vec!["n1"], true),
        (&["n1", "n2"], 1, vec!["n1", "n2"], true),
        (&["n1", "n2"], 2, vec!["n2"], false),
        (&["n1", "later"], 1, vec!["n1"], false),
    ] {
        let terms: Vec<Value> = names
            .iter()
            .map(|name| json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": [name]}]}))
            .collect();
        let required =
            json!({"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}});
        let pod = pod(
            "a",
            devices,
            json!({"affinity": {"nodeAffinity": required}}),
        );
        let (choice, _) = of(&engine, &nodes, &pod, &Promises::default(), 8);
        assert_eq!(
            (sorted(&choice), choice.is_all),
            (found, is_all),
            "{names:?}"
        );
    }
}

fn is_told(found: &str, wanted: &str) {
    assert_eq!(found, wanted);
}

#[test]
fn what_is_promised_is_not_promised_again() {
    let (engine, nodes) = cluster(&[("n1", 1), ("n2", 2)]);
    let mut promises = Promises::default();
    let promise = |uid: &str, nodes: &[&str]| Promise {
        demand: pod(uid, 1, json!({})).demand,
        nodes: nodes.iter().copied().map(Box::from).collect(),
        until: NOW.plus(Duration::from_secs(60)),
    };
    promises.make(promise("a", &["n1", "n2"]));
    let (choice, _) = of(&engine, &nodes, &pod("b", 1, json!({})), &promises, 8);
    assert_eq!(sorted(&choice), ["n2"]);
    promises.make(promise("b", &["n2"]));
    let (choice, told) = of(&engine, &nodes, &pod("c", 1, json!({})), &promises, 8);
    assert_eq!(sorted(&choice), [""; 0]);
    is_told(
        &told,
        "0/2 nodes have devices for the pod: 2 promised to pods on their way",
    );
    // What was promised to the pod itself is no reason against it.
    let (choice, _) = of(&engine, &nodes, &pod("a", 1, json!({})), &promises, 8);
    assert_eq!(sorted(&choice), ["n1", "n2"]);
}

#[test]
fn pods_that_come_together_do_not_all_go_to_the_same_nodes() {
    let names: Vec<String> = (0..20).map(|n| format!("n{n:02}")).collect();
    let nodes: Vec<(&str, i64)> = names.iter().map(|name| (name.as_str(), 4)).collect();
    let (engine, nodes) = cluster(&nodes);
    let mut firsts: BTreeMap<Box<str>, u32> = BTreeMap::new();
    for n in 0..40 {
        let pod = pod(&format!("p{n}"), 1, json!({}));
        let (choice, _) = of(&engine, &nodes, &pod, &Promises::default(), 2);
        *firsts.entry(choice.nodes[0].clone()).or_default() += 1;
    }
    assert!(firsts.len() > 10, "{firsts:?}");
}

#[test]
fn reasons_are_told_the_commonest_first() {
    let (engine, mut nodes) = cluster(&[("n1", 1), ("n2", 1), ("n3", 1), ("n4", 4)]);
    nodes[3].is_unschedulable = true;
    let (_, told) = of(
        &engine,
        &nodes,
        &pod("a", 2, json!({})),
        &Promises::default(),
        8,
    );
    is_told(
        &told,
        "0/4 nodes have devices for the pod: 3 intel.com/sriov: 1 free, 2 needed, 1 cordoned off",
    );
    let (_, told) = of(
        &engine,
        &[],
        &pod("a", 2, json!({})),
        &Promises::default(),
        8,
    );
    is_told(&told, "the cluster has no nodes");
}
