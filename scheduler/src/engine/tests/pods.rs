//! Pods that are seen twice, late, elsewhere, or without what they need to be counted.

use serde_json::json;

use super::fixture::*;
use crate::{
    engine::{Event, PodFacts, Stage, Standing},
    placement::Refusal,
};

#[test]
fn twice_and_late_is_once() {
    let mut cluster = Cluster::of_one();
    for event in [
        pod("a", 3).on("n1").seen(),
        pod("a", 3).on("n1").started().seen(),
        pod("a", 3).on("n1").seen(),
        pod("a", 3).on("n1").started().seen(),
    ] {
        assert_eq!(cluster.learn(event), []);
        assert_eq!(cluster.free(), (5, vec![1, 4]));
    }
    let outcomes = cluster.learn(pod("a", 3).seen());
    assert!(
        ignored(&outcomes).contains("is bound to n1"),
        "{outcomes:?}"
    );
    assert_eq!(cluster.free(), (5, vec![1, 4]));
    assert_eq!(cluster.engine.node_of("a"), Some("n1"));
}

#[test]
fn a_pod_on_another_node_is_counted_there() {
    let mut cluster = Cluster::of_one();
    cluster.learn(node("n2", json!({NIC: "8"})));
    let mut other = inventory(1, &[]);
    other["metadata"]["name"] = json!("n2");
    cluster.learn(reported(&other));
    cluster.learn(pod("a", 3).on("n1").seen());
    let outcomes = cluster.learn(pod("a", 3).on("n2").seen());
    assert_eq!(freed(&cluster, &outcomes), Some(vec![NIC.to_owned()]));
    assert_eq!(cluster.free(), (8, vec![4, 4]));
    assert_eq!(cluster.free_of("n2", NIC), (5, vec![1, 4]));
    cluster.learn(pod_gone("a"));
    assert_eq!(cluster.free_of("n2", NIC), (8, vec![4, 4]));
}

#[test]
fn a_pod_that_asks_for_something_else_than_before_is_counted_anew() {
    let mut cluster = Cluster::of_one();
    cluster.learn(pod("a", 3).on("n1").seen());
    cluster.learn(pod("a", 1).on("n1").seen());
    assert_eq!(cluster.free(), (7, vec![3, 4]));
    cluster.learn(pod("a", 0).on("n1").asking(json!({"cpu": "100m"})).seen());
    assert_eq!(cluster.free(), (8, vec![4, 4]));
    assert_eq!(cluster.engine.node_of("a"), None);
}

#[test]
fn without_a_uid_it_cannot_be_counted() {
    let mut cluster = Cluster::of_one();
    let mut facts = pod("a", 3).on("n1").facts();
    facts.demand.uid = "".into();
    let outcomes = cluster.learn(Event::PodSeen(Box::new(facts)));
    assert!(
        ignored(&outcomes).contains("ns/pod-a has no UID"),
        "{outcomes:?}"
    );
    assert_eq!(cluster.free(), (8, vec![4, 4]));
}

#[test]
fn pods_that_hold_nothing_that_is_counted_are_not_kept() {
    let mut cluster = Cluster::of_one();
    let shared = pod("a", 0).asking(json!({"cpu": "500m", "ephemeral-storage": "1Gi"}));
    for seen in [
        shared.clone().on("n1"),
        shared.clone().on("n1").ended(),
        shared.on("n1").refused(),
    ] {
        assert_eq!(cluster.learn(seen.seen()), []);
    }
    // It waits, and is nobody's burden yet.
    cluster.learn(pod("b", 1).seen());
    assert!(cluster.engine.pods.is_empty() && cluster.standings().is_empty());
}

#[test]
fn a_node_nobody_has_heard_of_and_a_report_before_its_node() {
    let mut cluster = Cluster::default();
    assert_eq!(cluster.learn(pod("a", 3).on("n1").seen()), []);
    assert_eq!(
        cluster.filter(&pod("b", 1), "n1"),
        Err(Refusal::UnknownNode)
    );
    cluster.learn(reported(&inventory(1, &[])));
    assert_eq!(cluster.free(), (5, vec![1, 4]));
    assert_eq!(cluster.filter(&pod("b", 1), "n1"), Ok(()));
    let outcomes = cluster.learn(node("n1", json!({NIC: "8"})));
    assert_eq!(freed(&cluster, &outcomes), Some(vec![NIC.to_owned()]));
    assert_eq!(cluster.engine.nodes().collect::<Vec<_>>(), ["n1"]);

    // It goes and comes back.
    cluster.learn(Event::NodeGone { name: "n1".into() });
    assert_eq!(cluster.engine.nodes().count(), 0);
    assert_eq!(cluster.free(), (5, vec![1, 4]));
    cluster.learn(inventory_gone("n1"));
    cluster.learn(pod_gone("a"));
    assert!(cluster.engine.node("n1").is_none() && cluster.engine.sites.is_empty());
    cluster.learn(node("n1", json!({NIC: "8"})));
    cluster.learn(reported(&inventory(1, &[])));
    assert_eq!(cluster.free(), (8, vec![4, 4]));
}

#[test]
fn a_report_that_knows_the_name_alone_means_the_only_pod_of_the_name() {
    let mut nameless = inventory(2, &[("a", &["0a", "0b", "0c"])]);
    nameless["allocations"][0]["podUID"] = json!(null);
    let mut cluster = Cluster::of_one();
    cluster.learn(pod("a", 3).on("n1").seen());
    cluster.learn(reported(&nameless));
    assert_eq!(cluster.free(), (5, vec![1, 4]));
    assert_eq!(
        cluster.standings(),
        [("a".to_owned(), Some(Standing::Confirmed))]
    );

    // With two of the name on the node nobody knows which of them is meant: both are counted.
    let mut cluster = Cluster::of_one();
    cluster.learn(pod("a", 3).on("n1").seen());
    cluster.learn(pod("b", 3).named("pod-a").on("n1").seen());
    cluster.learn(reported(&nameless));
    assert_eq!(cluster.free().0, -1);
    // Until one of them is gone.
    cluster.learn(pod_gone("a"));
    assert_eq!(cluster.free(), (5, vec![1, 4]));
}

#[test]
fn a_report_that_knows_the_name_alone_does_not_mean_one_that_was_bound_later() {
    let mut nameless = inventory(2, &[("old", &["0a", "0b", "0c"])]);
    nameless["allocations"][0]["podUID"] = json!(null);
    nameless["allocations"][0]["name"] = json!("web-0");
    let mut cluster = Cluster::of_one();
    cluster.learn(reported(&nameless));
    let new = pod("new", 3).named("web-0").on("n1");
    cluster.learn(new.seen());
    let standings = [
        ("new".to_owned(), Some(Standing::Assumed)),
        ("?".to_owned(), None),
    ];
    assert_eq!(cluster.standings(), standings);
    assert_eq!(cluster.free().0, 2);
    // The old one is cleared away before the new one is admitted.
    cluster.learn(reported(&inventory(3, &[])));
    assert_eq!(cluster.free().0, 5);
    assert_eq!(
        cluster.standings(),
        [("new".to_owned(), Some(Standing::Assumed))]
    );
    nameless["sequence"] = json!(4);
    cluster.learn(reported(&nameless));
    assert_eq!(
        cluster.standings(),
        [("new".to_owned(), Some(Standing::Confirmed))]
    );
    // Having been named is not having been listed: whom was meant is not certain.
    cluster.learn(reported(&inventory(5, &[])));
    assert_eq!(cluster.free().0, 5);
}

#[test]
fn a_pod_that_is_bound_is_counted_and_released_whatever_is_written_in_it() {
    let object = |uid: &str, devices: &str, spread: &str, phase: &str| {
        json!({
            "metadata": {"uid": uid, "name": "p", "namespace": "ns", "annotations": {(spec::network::SPREAD): spread}},
            "spec": {"nodeName": "n1", "containers": [{"name": "c", "resources": {"limits": {NIC: devices, "ephemeral-storage": "10E"}}}]},
            "status": {"phase": phase},
        })
    };
    let seen = |object: &serde_json::Value| Event::of_object("v1", "Pod", object, "");
    let mut cluster = Cluster::of_one();
    for (devices, spread) in [("3", "switch"), ("3", "typo")] {
        cluster.learn(
            seen(&object("a", devices, spread, "Pending"))
                .unwrap()
                .unwrap(),
        );
        assert_eq!(cluster.free(), (5, vec![1, 4]));
    }
    cluster.learn(
        seen(&object("b", "10E", "typo", "Running"))
            .unwrap()
            .unwrap(),
    );
    assert!(cluster.free().0 < 0);
    for (uid, devices) in [("a", "3"), ("b", "10E")] {
        let ended = object(uid, devices, "typo", "Succeeded");
        cluster.learn(seen(&ended).unwrap().unwrap());
    }
    assert_eq!(cluster.free(), (8, vec![4, 4]));

    // One that still waits is somebody's question, and whoever asks is told.
    let mut waiting = object("c", "3", "typo", "Pending");
    waiting["spec"]["nodeName"] = json!("");
    assert!(seen(&waiting).is_err());
}

#[test]
fn facts_say_the_same_as_objects() {
    let facts = pod("a", 3).on("n1").owned_by("set").started().facts();
    let PodFacts {
        demand,
        node,
        stage,
    } = &facts;
    assert_eq!((node.as_deref(), *stage), (Some("n1"), Stage::Started));
    assert_eq!((&*demand.uid, demand.owner.as_deref()), ("a", Some("set")));
}
