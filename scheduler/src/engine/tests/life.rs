//! A pod's way through a node's account: assumed, confirmed, released.

use serde_json::json;

use super::fixture::*;
use crate::{
    engine::{Event, Outcome, Standing},
    placement::Refusal,
    policy::{Openness, Policy},
};

#[test]
fn assumed_until_a_report_lists_it_and_counted_until_none_does() {
    let mut cluster = Cluster::of_one();
    assert_eq!(cluster.free(), (8, vec![4, 4]));

    // The kubelet will take the lowest zone, and nothing of the other one.
    assert_eq!(cluster.learn(pod("a", 3).on("n1").seen()), []);
    assert_eq!(cluster.free(), (5, vec![1, 4]));
    assert_eq!(
        cluster.standings(),
        [("a".to_owned(), Some(Standing::Assumed))]
    );
    assert_eq!(cluster.learn(pod("b", 2).on("n1").seen()), []);
    assert_eq!(cluster.free(), (3, vec![1, 2]));

    let listed: (&str, &[&str]) = ("a", &["0a", "0b", "0c"]);
    assert_eq!(cluster.learn(reported(&inventory(2, &[listed]))), []);
    assert_eq!(cluster.free(), (3, vec![1, 2]));
    let standings = [
        ("a".to_owned(), Some(Standing::Confirmed)),
        ("b".to_owned(), Some(Standing::Assumed)),
    ];
    assert_eq!(cluster.standings(), standings);

    // Gone from the API server, not yet from the kubelet.
    assert_eq!(cluster.learn(pod_gone("a")), []);
    assert_eq!(cluster.free(), (3, vec![1, 2]));
    assert_eq!(cluster.standings()[1], ("a".to_owned(), None));
    let outcomes = cluster.learn(reported(&inventory(3, &[])));
    assert_eq!(freed(&cluster, &outcomes), Some(vec![NIC.to_owned()]));
    // Whether the other one came before or after it was gone, nobody has told.
    assert_eq!(cluster.free(), (6, vec![2, 2]));

    // Never reported: released at once.
    let outcomes = cluster.learn(pod_gone("b"));
    assert_eq!(freed(&cluster, &outcomes), Some(vec![NIC.to_owned()]));
    assert_eq!(cluster.free(), (8, vec![4, 4]));
    assert_eq!(cluster.learn(reported(&inventory(4, &[]))), []);
}

#[test]
fn what_is_assumed_for_too_long_is_released_by_time_if_the_node_had_the_chance_to_tell() {
    let mut cluster = Cluster::of_one();
    cluster.learn(pod("a", 3).on("n1").seen());
    assert_eq!(cluster.wait(1000), []);
    assert_eq!(cluster.free(), (5, vec![1, 4]), "the node has been silent");

    let mut cluster = Cluster::of_one();
    cluster.learn(pod("a", 3).on("n1").seen());
    cluster.learn(reported(&inventory(2, &[])));
    assert_eq!(cluster.wait(297), []);
    assert_eq!(cluster.free(), (5, vec![1, 4]));
    // The kubelet may not have had it when that report was made, and since then the node has been silent.
    assert_eq!(cluster.wait(1000), []);
    assert_eq!(cluster.free(), (5, vec![1, 4]));
    let outcomes = cluster.learn(reported(&inventory(3, &[])));
    assert_eq!(freed(&cluster, &outcomes), Some(vec![NIC.to_owned()]));
    assert_eq!(cluster.free(), (8, vec![4, 4]));
    assert_eq!(cluster.wait(100), []);
    // A late report has the last word.
    cluster.learn(reported(&inventory(4, &[("a", &["1a", "1b", "1c"])])));
    assert_eq!(cluster.free(), (5, vec![4, 1]));
    assert_eq!(
        cluster.standings(),
        [("a".to_owned(), Some(Standing::Confirmed))]
    );
}

#[test]
fn a_pod_that_a_report_has_listed_is_not_assumed_again() {
    let mut cluster = Cluster::of_one();
    cluster.learn(pod("a", 3).on("n1").started().seen());
    cluster.learn(reported(&inventory(2, &[("a", &["0a", "0b", "0c"])])));
    cluster.learn(reported(&inventory(3, &[])));
    assert_eq!(cluster.free(), (8, vec![4, 4]));
    assert_eq!(
        cluster.standings(),
        [("a".to_owned(), Some(Standing::Released))]
    );
}

#[test]
fn a_pod_that_ends_is_released_as_one_that_is_gone_and_does_not_begin_again() {
    let mut cluster = Cluster::of_one();
    cluster.learn(pod("a", 3).on("n1").started().seen());
    let outcomes = cluster.learn(pod("a", 3).on("n1").ended().seen());
    assert_eq!(freed(&cluster, &outcomes), Some(vec![NIC.to_owned()]));
    assert_eq!(cluster.learn(pod("a", 3).on("n1").ended().seen()), []);
    let outcomes = cluster.learn(pod("a", 3).on("n1").started().seen());
    assert!(
        ignored(&outcomes).contains("ns/pod-a (a) is over"),
        "{outcomes:?}"
    );
    assert_eq!(cluster.free(), (8, vec![4, 4]));
    assert_eq!(cluster.learn(pod_gone("a")), []);
}

#[test]
fn where_the_kubelet_has_a_choice_every_zone_may_have_less() {
    let mut cluster = Cluster::of_one();
    let mut best_effort = inventory(2, &[]);
    best_effort["topologyManager"]["policy"] = json!("none");
    cluster.learn(reported(&best_effort));
    cluster.learn(pod("a", 3).on("n1").seen());
    let (total, cells) = cluster.free();
    assert_eq!(total, 5);
    assert!(
        cells.iter().all(|free| *free <= 4) && cells.iter().sum::<i64>() <= total,
        "{cells:?}"
    );
    assert!(cluster.engine.node("n1").unwrap().is_fuzzy);
    best_effort["sequence"] = json!(3);
    best_effort["allocations"] = inventory(3, &[("a", &["0a", "1a", "1b"])])["allocations"].clone();
    cluster.learn(reported(&best_effort));
    assert_eq!(cluster.free(), (5, vec![3, 2]));
    assert!(!cluster.engine.node("n1").unwrap().is_fuzzy);
}

#[test]
fn a_pod_that_does_not_fit_by_what_is_known_may_be_anywhere() {
    let mut cluster = Cluster::of_one();
    // Bound by somebody who did not ask.
    cluster.learn(pod("a", 5).on("n1").seen());
    let (total, cells) = cluster.free();
    assert_eq!(total, 3);
    assert!(cells.iter().all(|free| *free <= 0), "{cells:?}");
    assert!(cluster.engine.node("n1").unwrap().is_fuzzy);
    cluster.learn(pod_gone("a"));
    assert_eq!(cluster.free(), (8, vec![4, 4]));
    assert!(!cluster.engine.node("n1").unwrap().is_fuzzy);
}

#[test]
fn a_pod_elsewhere_than_predicted_is_told() {
    let mut cluster = Cluster::of_one();
    cluster.learn(pod("a", 2).on("n1").seen());
    let outcomes = cluster.learn(reported(&inventory(2, &[("a", &["1a", "1b"])])));
    let [first, second] = &outcomes[..] else {
        panic!("{outcomes:?}")
    };
    assert_eq!(
        *first,
        Outcome::Mispredicted {
            node: "n1".into(),
            namespace: "ns".into(),
            name: "pod-a".into(),
            predicted: vec![0],
            actual: vec![1],
            predicted_functions: vec!["f0".into()],
            actual_functions: vec!["f1".into()],
        }
    );
    // Zone 0 has more than was thought.
    assert!(matches!(second, Outcome::Freed { .. }), "{second:?}");
    // It is told once.
    assert_eq!(
        cluster.learn(reported(&inventory(3, &[("a", &["1a", "1b"])]))),
        []
    );
}

#[test]
fn an_owner_whose_pod_was_refused_is_not_sent_to_the_node_again_for_a_while() {
    let mut cluster = Cluster::of_one();
    cluster.learn(pod("a", 2).on("n1").owned_by("set").seen());
    let outcomes = cluster.learn(pod("a", 2).on("n1").owned_by("set").refused().seen());
    let set_aside = Outcome::SetAside {
        node: "n1".into(),
        namespace: "ns".into(),
        name: "pod-a".into(),
    };
    assert!(outcomes.contains(&set_aside), "{outcomes:?}");
    assert_eq!(cluster.free(), (8, vec![4, 4]));
    // The same again is no second refusal.
    assert_eq!(
        cluster.learn(pod("a", 2).on("n1").owned_by("set").refused().seen()),
        []
    );
    assert_eq!(
        cluster.filter(&pod("b", 1).owned_by("set"), "n1"),
        Err(Refusal::SetAside)
    );
    assert_eq!(cluster.filter(&pod("b", 1).owned_by("other"), "n1"), Ok(()));
    assert_eq!(cluster.filter(&pod("b", 1), "n1"), Ok(()));
    assert_eq!(cluster.engine.census(at(cluster.now)).set_aside, 1);
    assert_eq!(cluster.wait(50), []);
    let outcomes = cluster.wait(10);
    assert_eq!(freed(&cluster, &outcomes), Some(vec![]));
    assert_eq!(cluster.filter(&pod("b", 1).owned_by("set"), "n1"), Ok(()));
    // One without an owner has no successors to keep away.
    assert_eq!(cluster.learn(pod("c", 2).on("n1").refused().seen()), []);
}

#[test]
fn an_owner_whose_pod_is_elsewhere_than_predicted_is_kept_away_for_a_while() {
    let mut cluster = Cluster::of_one();
    cluster.learn(pod("a", 2).on("n1").owned_by("set").seen());
    cluster.learn(reported(&inventory(2, &[("a", &["1a", "1b"])])));
    let next = pod("b", 1).owned_by("set");
    assert_eq!(cluster.filter(&next, "n1"), Err(Refusal::SetAside));
    assert_eq!(cluster.filter(&pod("b", 1).owned_by("other"), "n1"), Ok(()));
    let outcomes = cluster.wait(60);
    assert_eq!(freed(&cluster, &outcomes), Some(vec![]));
    assert_eq!(cluster.filter(&next, "n1"), Ok(()));
}

#[test]
fn whoever_claims_an_owner_of_another_namespace_keeps_nobody_there_away() {
    let mut cluster = Cluster::of_one();
    let foreign = pod("a", 5).of_namespace("foreign").on("n1").owned_by("set");
    cluster.learn(foreign.seen());
    cluster.learn(foreign.refused().seen());
    let own = pod("b", 1).owned_by("set");
    assert_eq!(cluster.filter(&own, "n1"), Ok(()));
    let theirs = own.of_namespace("foreign");
    assert_eq!(cluster.filter(&theirs, "n1"), Err(Refusal::SetAside));
    // However many owners are made up, few are remembered.
    for count in 0..200 {
        let uid = format!("a{count}");
        let more = pod(&uid, 5).on("n1").owned_by(&uid);
        cluster.learn(more.seen());
        cluster.learn(more.refused().seen());
    }
    cluster.learn(reported(&inventory(2, &[])));
    let census = cluster.engine.census(at(cluster.now));
    assert!((1..=64).contains(&census.set_aside), "{census:?}");
    let last = pod("b", 1).owned_by("a199");
    assert_eq!(cluster.filter(&last, "n1"), Err(Refusal::SetAside));
}

#[test]
fn a_refusal_of_long_ago_keeps_nobody_away() {
    let mut cluster = Cluster::of_one();
    let refused = pod("a", 2).on("n1").owned_by("set").refused();
    assert_eq!(cluster.learn(refused.seen()), []);
    assert_eq!(cluster.filter(&pod("b", 1).owned_by("set"), "n1"), Ok(()));
}

#[test]
fn devices_that_no_report_has_are_counted_by_what_pods_ask_for() {
    let mut cluster = Cluster::of_one();
    cluster.learn(node("n1", json!({NIC: "8", "a.b/other": "2", "cpu": "4"})));
    let asking = |uid: &str| pod(uid, 0).asking(json!({"a.b/other": 1}));
    cluster.learn(asking("a").on("n1").started().seen());
    assert_eq!(cluster.free_of("n1", "a.b/other"), (1, vec![]));
    // However long it is there: reports will never have it.
    cluster.learn(reported(&inventory(2, &[])));
    cluster.wait(1000);
    assert_eq!(cluster.free_of("n1", "a.b/other"), (1, vec![]));
    cluster.learn(reported(&inventory(3, &[])));
    assert_eq!(cluster.filter(&asking("b"), "n1"), Ok(()));
    cluster.learn(asking("b").on("n1").seen());
    assert!(matches!(
        cluster.filter(&asking("c"), "n1"),
        Err(Refusal::Short {
            free: 0,
            needed: 1,
            ..
        })
    ));
    let outcomes = cluster.learn(asking("a").on("n1").ended().seen());
    assert_eq!(
        freed(&cluster, &outcomes),
        Some(vec!["a.b/other".to_owned()])
    );
}

#[test]
fn a_node_that_never_reported_is_closed_to_devices_unless_it_is_said_otherwise() {
    for (openness, wanted) in [
        (Openness::Closed, Err(Refusal::NoReport)),
        (Openness::Open, Ok(())),
    ] {
        let mut cluster = Cluster::new(Policy {
            unreported: openness,
            ..Policy::default()
        });
        let outcomes = cluster.learn(node("n1", json!({NIC: "2"})));
        assert_eq!(
            freed(&cluster, &outcomes).is_some(),
            openness == Openness::Open
        );
        assert_eq!(cluster.filter(&pod("a", 2), "n1"), wanted);
        let aligned = pod("b", 0).asking(json!({"cpu": "2", "memory": "1Gi"}));
        assert_eq!(cluster.filter(&aligned, "n1"), Ok(()));
        cluster.learn(pod("a", 2).on("n1").seen());
        assert_eq!(cluster.free(), (0, vec![]));
    }
}

#[test]
fn a_silent_node_is_closed_to_devices_until_it_reports_again() {
    let mut cluster = Cluster::of_one();
    assert_eq!(cluster.wait(180), []);
    assert_eq!(cluster.filter(&pod("a", 1), "n1"), Ok(()));
    assert_eq!(cluster.wait(1), []);
    assert_eq!(cluster.filter(&pod("a", 1), "n1"), Err(Refusal::Stale));
    let aligned = pod("b", 0).asking(json!({"cpu": "2", "memory": "1Gi"}));
    assert_eq!(cluster.filter(&aligned, "n1"), Ok(()));
    assert_eq!(cluster.engine.census(at(cluster.now)).stale, 1);
    // The same report once more, by a watch that began anew, is no sign of life.
    assert_eq!(cluster.learn(reported(&inventory(1, &[]))), []);
    assert_eq!(cluster.filter(&pod("a", 1), "n1"), Err(Refusal::Stale));
    let outcomes = cluster.learn(reported(&inventory(2, &[])));
    assert_eq!(freed(&cluster, &outcomes), Some(vec![NIC.to_owned()]));
    assert_eq!(cluster.filter(&pod("a", 1), "n1"), Ok(()));
    // A heartbeat in time frees nothing.
    assert_eq!(cluster.learn(reported(&inventory(3, &[]))), []);
}

#[test]
fn what_was_thought_before_all_was_heard_is_forgotten() {
    let listed: (&str, &[&str]) = ("a", &["0a", "0b", "0c"]);
    let mut cluster = Cluster::default();
    cluster.learn(node("n1", json!({NIC: "8"})));
    cluster.learn(reported(&inventory(1, &[listed])));
    // Without "a", which is listed, it could have been put where that seems to have been.
    cluster.learn(pod("b", 2).on("n1").seen());
    cluster.learn(pod("a", 3).on("n1").seen());
    assert!(cluster.engine.node("n1").unwrap().is_fuzzy);
    cluster.learn(Event::AllListed);
    assert!(!cluster.engine.node("n1").unwrap().is_fuzzy);
    assert_eq!(cluster.free(), (3, vec![1, 2]));
}
