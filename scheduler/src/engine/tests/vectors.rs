//! What the cache of the scheduler plugin's NodeResourceTopologyMatch is tested with, and what it gets wrong.

use serde_json::json;

use super::fixture::*;
use crate::placement::Refusal;

const CPU_AND_MEMORY: [&str; 2] = ["cpu", "memory"];

fn two_zones(policy: &str, zones: [(&str, &str); 2]) -> crate::engine::Event {
    let [cpu, memory] = CPU_AND_MEMORY;
    let zones = zones.map(|(cpus, bytes)| [(cpu, cpus), (memory, bytes)]);
    topology("n1", policy, &[&zones[0], &zones[1]])
}

fn guaranteed(uid: &str, cpu: &str, memory: &str) -> Described {
    pod(uid, 0).asking(json!({"cpu": cpu, "memory": memory}))
}

fn one_node() -> Cluster {
    let mut cluster = Cluster::default();
    cluster.learn(node("n1", json!({"cpu": "60", "memory": "124Gi"})));
    cluster.learn(two_zones(
        "single-numa-node",
        [("30", "60Gi"), ("30", "62Gi")],
    ));
    cluster
}

#[test]
fn two_pods_that_take_a_zone_each_are_both_scheduled() {
    let mut cluster = one_node();
    assert_eq!(cluster.filter(&guaranteed("a", "16", "24Gi"), "n1"), Ok(()));
    cluster.learn(guaranteed("a", "16", "24Gi").on("n1").seen());
    assert_eq!(cluster.filter(&guaranteed("b", "16", "24Gi"), "n1"), Ok(()));
    cluster.learn(guaranteed("b", "16", "24Gi").on("n1").seen());
    assert_eq!(cluster.free_of("n1", "cpu"), (28_000, vec![14_000, 14_000]));
    assert!(
        cluster
            .filter(&guaranteed("c", "16", "24Gi"), "n1")
            .is_err()
    );
}

#[test]
fn deleted_and_made_again_before_anything_is_reported() {
    let mut cluster = one_node();
    for uid in ["a", "b"] {
        cluster.learn(guaranteed(uid, "16", "24Gi").named("same").on("n1").seen());
    }
    assert!(
        cluster
            .filter(&guaranteed("c", "16", "24Gi"), "n1")
            .is_err()
    );
    let outcomes = cluster.learn(pod_gone("a"));
    assert_eq!(
        freed(&cluster, &outcomes),
        Some(CPU_AND_MEMORY.map(str::to_owned).to_vec())
    );
    assert_eq!(
        cluster.filter(&guaranteed("c", "16", "24Gi").named("same"), "n1"),
        Ok(())
    );
    cluster.learn(guaranteed("c", "16", "24Gi").named("same").on("n1").seen());
    assert!(
        cluster
            .filter(&guaranteed("d", "16", "24Gi"), "n1")
            .is_err()
    );
}

#[test]
fn of_three_devices_two_pods_do_not_get_two_each() {
    let mut cluster = Cluster::default();
    cluster.learn(node("n1", json!({NIC: "3"})));
    cluster.learn(topology("n1", "single-numa-node", &[&[(NIC, "3")], &[]]));
    assert_eq!(cluster.filter(&pod("a", 2), "n1"), Ok(()));
    cluster.learn(pod("a", 2).on("n1").seen());
    assert!(matches!(
        cluster.filter(&pod("b", 2), "n1"),
        Err(Refusal::Short {
            free: 1,
            needed: 2,
            ..
        })
    ));
}

#[test]
fn another_policy_takes_effect_with_the_report_that_has_it() {
    let mut cluster = one_node();
    let wide = guaranteed("a", "40", "24Gi");
    assert!(cluster.filter(&wide, "n1").is_err());
    let outcomes = cluster.learn(two_zones("best-effort", [("30", "60Gi"), ("30", "62Gi")]));
    assert_eq!(freed(&cluster, &outcomes), Some(vec![]));
    assert_eq!(cluster.filter(&wide, "n1"), Ok(()));
    cluster.learn(two_zones(
        "single-numa-node",
        [("30", "60Gi"), ("30", "62Gi")],
    ));
    assert!(cluster.filter(&wide, "n1").is_err());
}

#[test]
fn a_node_that_comes_late_is_judged_by_its_report_as_soon_as_there_is_one() {
    let mut cluster = one_node();
    cluster.learn(node("n2", json!({NIC: "4"})));
    assert_eq!(cluster.filter(&pod("a", 3), "n2"), Err(Refusal::NoReport));
    let outcomes = cluster.learn(topology(
        "n2",
        "single-numa-node",
        &[&[(NIC, "2")], &[(NIC, "2")]],
    ));
    assert_eq!(freed(&cluster, &outcomes), Some(vec![NIC.to_owned()]));
    assert!(matches!(
        cluster.filter(&pod("a", 3), "n2"),
        Err(Refusal::Container { .. })
    ));
    assert_eq!(cluster.filter(&pod("a", 2), "n2"), Ok(()));
}

#[test]
fn native_resources_that_no_zone_has_cannot_be_aligned() {
    let cluster = one_node();
    let pages = pod("a", 0).asking(json!({"cpu": "2", "memory": "1Gi", "hugepages-2Mi": "64Mi"}));
    assert!(cluster.filter(&pages, "n1").is_err());
    let burstable = pod("b", 0).asking(json!({"cpu": "2"}));
    assert_eq!(cluster.filter(&burstable, "n1"), Ok(()));
}
