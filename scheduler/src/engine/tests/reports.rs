//! Reports in whatever order, from both kinds of reporters.

use serde_json::json;

use super::fixture::*;
use crate::{
    engine::{Event, Standing},
    placement::Refusal,
    report::Source,
};

#[test]
fn reports_are_ordered_by_epoch_and_sequence_alone() {
    let mut cluster = Cluster::of_one();
    let held: (&str, &[&str]) = ("a", &["0a", "0b"]);
    cluster.learn(reported(&inventory(5, &[held])));
    assert_eq!(cluster.free(), (6, vec![2, 4]));

    let outcomes = cluster.learn(reported(&inventory(4, &[])));
    assert!(
        ignored(&outcomes).contains("report 4 of epoch 1 comes after 5 of 1"),
        "{outcomes:?}"
    );
    assert_eq!(cluster.learn(reported(&inventory(5, &[held]))), []);
    let outcomes = cluster.learn(reported(&inventory(5, &[])));
    assert!(
        ignored(&outcomes).contains("another report"),
        "{outcomes:?}"
    );
    let mut earlier = inventory(99, &[]);
    earlier["epoch"] = json!(0);
    let outcomes = cluster.learn(reported(&earlier));
    assert!(
        ignored(&outcomes).contains("report 99 of epoch 0"),
        "{outcomes:?}"
    );
    assert_eq!(cluster.free(), (6, vec![2, 4]));

    let mut later = inventory(1, &[]);
    later["epoch"] = json!(2);
    cluster.learn(reported(&later));
    assert_eq!(cluster.free(), (8, vec![4, 4]));

    // Deleted: who reports next begins anew.
    cluster.learn(inventory_gone("n1"));
    assert_eq!(cluster.filter(&pod("b", 1), "n1"), Err(Refusal::NoReport));
    let outcomes = cluster.learn(reported(&inventory(1, &[held])));
    assert_eq!(freed(&cluster, &outcomes), Some(vec![NIC.to_owned()]));
    assert_eq!(cluster.free(), (6, vec![2, 4]));
}

#[test]
fn a_reporter_that_begins_anew_may_not_know_a_pod_yet() {
    let mut cluster = Cluster::of_one();
    cluster.learn(pod("a", 3).on("n1").started().seen());
    cluster.learn(reported(&inventory(2, &[("a", &["0a", "0b", "0c"])])));
    cluster.learn(inventory_gone("n1"));
    cluster.learn(reported(&inventory(1, &[])));
    assert_eq!(cluster.free(), (5, vec![1, 4]));
    assert_eq!(
        cluster.standings(),
        [("a".to_owned(), Some(Standing::Assumed))]
    );
}

#[test]
fn a_topology_that_comes_after_a_pod_has_started_has_it() {
    let mut cluster = Cluster::default();
    cluster.learn(node("n1", json!({NIC: "8"})));
    let free = |zero: &str| topology("n1", "single-numa-node", &[&[(NIC, zero)], &[(NIC, "4")]]);
    cluster.learn(free("4"));
    cluster.learn(pod("a", 3).on("n1").seen());
    assert_eq!(cluster.free(), (5, vec![1, 4]));
    // Somebody else let go of one, and this may not have the pod.
    cluster.learn(free("3"));
    assert_eq!(cluster.free(), (4, vec![0, 4]));
    cluster.learn(pod("a", 3).on("n1").started().seen());
    // The same object again is no news.
    cluster.learn(free("3"));
    assert_eq!(
        cluster.standings(),
        [("a".to_owned(), Some(Standing::Assumed))]
    );
    cluster.learn(free("1"));
    assert_eq!(cluster.free(), (5, vec![1, 4]));
    assert_eq!(
        cluster.standings(),
        [("a".to_owned(), Some(Standing::Confirmed))]
    );

    // Not everybody reports when nothing has changed.
    let mut cluster = Cluster::default();
    cluster.learn(free("4"));
    cluster.learn(pod("a", 3).on("n1").seen());
    cluster.learn(free("3"));
    assert_eq!(cluster.wait(200), []);
    let outcomes = cluster.wait(100);
    assert_eq!(freed(&cluster, &outcomes), Some(vec![NIC.to_owned()]));
    assert_eq!(cluster.free(), (7, vec![3, 4]));
}

#[test]
fn a_topology_that_came_before_a_pod_was_bound_never_has_it() {
    let mut cluster = Cluster::default();
    cluster.learn(node("n1", json!({NIC: "8"})));
    let free = topology("n1", "single-numa-node", &[&[(NIC, "4")], &[(NIC, "4")]]);
    cluster.learn(free.clone());
    cluster.learn(pod("a", 3).on("n1").seen());
    cluster.learn(pod("b", 3).on("n1").started().seen());
    assert_eq!(cluster.wait(301), []);
    // The same once more is no sign that the exporter lives.
    assert_eq!(cluster.learn(free), []);
    assert_eq!(cluster.wait(301), []);
    assert_eq!(cluster.free().1, [1, 1]);
    assert!(cluster.filter(&pod("c", 2), "n1").is_err());
}

#[test]
fn an_inventory_wins_over_a_topology_and_gives_way_when_it_is_gone() {
    let mut cluster = Cluster::of_one();
    cluster.learn(topology("n1", "none", &[&[(NIC, "1")]]));
    assert_eq!(cluster.free(), (8, vec![4, 4]));
    let account = cluster.engine.account("n1").unwrap();
    assert!(matches!(
        account.report(at(9)).unwrap().source,
        Source::Inventory(_)
    ));
    cluster.learn(inventory_gone("n1"));
    assert_eq!(cluster.free(), (1, vec![1]));
    cluster.learn(Event::ReportGone {
        node: "n1".into(),
        source: Source::Topology,
    });
    // As the Node has it.
    assert_eq!(cluster.free(), (8, vec![]));
    // Topologies are never stale.
    cluster.learn(topology("n1", "none", &[&[(NIC, "1")]]));
    cluster.wait(100_000);
    assert_eq!(cluster.filter(&pod("a", 1), "n1"), Ok(()));
    assert_eq!(cluster.engine.census(at(cluster.now)).topologies, 1);
}

#[test]
fn devices_of_several_zones_are_counted_once_where_the_node_tells() {
    let mut cluster = Cluster::default();
    cluster.learn(node("n1", json!({NIC: "4"})));
    // Each of four devices is near to both zones.
    cluster.learn(topology(
        "n1",
        "best-effort",
        &[&[(NIC, "4")], &[(NIC, "4")]],
    ));
    assert_eq!(cluster.free(), (4, vec![4, 4]));
    assert!(matches!(
        cluster.filter(&pod("a", 5), "n1"),
        Err(Refusal::Short { free: 4, .. })
    ));
}

#[test]
fn a_resource_nobody_has_is_said_to_be_so() {
    let mut cluster = Cluster::of_one();
    let asking = pod("a", 0).asking(json!({"a.b/unknown": 1}));
    assert_eq!(cluster.filter(&asking, "n1"), Err(Refusal::NoSuchResource));
    // That a pod with a node of its own choice wants it does not make it a resource.
    cluster.learn(
        pod("b", 0)
            .asking(json!({"a.b/unknown": 1}))
            .on("n1")
            .seen(),
    );
    assert_eq!(cluster.filter(&asking, "n1"), Err(Refusal::NoSuchResource));
    cluster.learn(node("n2", json!({"a.b/unknown": "1"})));
    assert!(matches!(
        cluster.filter(&asking, "n1"),
        Err(Refusal::Short { .. })
    ));
    // And it was there before its resource was.
    cluster.learn(node("n1", json!({NIC: "8", "a.b/unknown": "3"})));
    assert_eq!(cluster.free_of("n1", "a.b/unknown"), (2, vec![]));
}

#[test]
fn pods_that_were_there_before_their_resources_are_counted() {
    let two = json!({"a.b/one": 1, "a.b/two": 1});
    let mut cluster = Cluster::default();
    cluster.learn(node("n1", json!({NIC: "8"})));
    cluster.learn(pod("a", 0).asking(two.clone()).on("n1").seen());
    cluster.learn(pod("b", 2).on("n1").seen());
    cluster.learn(node("n1", json!({NIC: "8", "a.b/one": "4"})));
    assert_eq!(cluster.free_of("n1", "a.b/one"), (3, vec![]));
    assert_eq!(cluster.free(), (6, vec![]));
    let zones: [&[(&str, &str)]; 2] = [&[("a.b/two", "1")], &[("a.b/two", "2")]];
    cluster.learn(topology("n1", "single-numa-node", &zones));
    assert_eq!(cluster.free_of("n1", "a.b/two"), (2, vec![0, 2]));
    assert!(cluster.engine.sites["n1"].ledger[0].unnumbered.is_none());
    cluster.learn(pod_gone("a"));
    assert_eq!(cluster.free_of("n1", "a.b/two"), (3, vec![1, 2]));
    assert_eq!(cluster.free_of("n1", "a.b/one"), (4, vec![]));
}

#[test]
fn pods_cannot_use_up_the_numbers_of_resources() {
    let many: serde_json::Map<_, _> = (0..70_000)
        .map(|count| (format!("a.b/{count}"), json!(1)))
        .collect();
    let mut cluster = Cluster::of_one();
    let greedy = pod("greedy", 0).asking(json!(many)).on("n1");
    cluster.learn(greedy.seen());
    cluster.learn(greedy.refused().seen());
    cluster.learn(node("n2", json!({"a.b/new": "8"})));
    let mut other = inventory(1, &[]);
    other["metadata"]["name"] = json!("n2");
    cluster.learn(reported(&other));
    let asking = pod("a", 0).asking(json!({"a.b/new": 1}));
    assert_eq!(cluster.filter(&asking, "n2"), Ok(()));
}

#[test]
fn a_link_that_comes_up_and_a_kubelet_that_is_reconfigured_are_reasons_to_try_again() {
    let mut cluster = Cluster::of_one();
    let mut object = inventory(2, &[]);
    object["physicalFunctions"][0]["linkUp"] = json!(false);
    assert_eq!(cluster.learn(reported(&object)), []);
    let outcomes = cluster.learn(reported(&inventory(3, &[])));
    assert_eq!(freed(&cluster, &outcomes), Some(vec![NIC.to_owned()]));
    let mut object = inventory(4, &[]);
    object["topologyManager"]["policy"] = json!("best-effort");
    let outcomes = cluster.learn(reported(&object));
    assert_eq!(freed(&cluster, &outcomes), Some(vec![]));
}

#[test]
fn what_is_wrong_with_a_report_is_in_the_account() {
    let mut cluster = Cluster::of_one();
    let mut object = inventory(2, &[]);
    object["devices"][0]["zones"] = json!([7]);
    cluster.learn(reported(&object));
    assert_eq!(cluster.free(), (4, vec![4]));
    let account = cluster.engine.account("n1").unwrap();
    let report = account.report(at(cluster.now)).unwrap();
    assert!(
        report.faults[0].contains("zones [7]"),
        "{:?}",
        report.faults
    );
    assert_eq!(account.functions().collect::<Vec<_>>(), ["f0", "f1"]);
    assert_eq!(cluster.engine.census(at(cluster.now)).faulty, 1);
}

#[test]
fn time_changes_nothing_that_was_settled() {
    let mut cluster = Cluster::of_one();
    cluster.learn(pod("a", 3).on("n1").started().seen());
    cluster.learn(reported(&inventory(2, &[("a", &["0a", "0b", "0c"])])));
    for _ in 0..10 {
        assert_eq!(cluster.wait(1000), []);
        assert_eq!(cluster.free(), (5, vec![1, 4]));
    }
}
