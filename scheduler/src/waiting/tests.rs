use std::collections::BTreeMap;

use super::*;
use crate::{
    constraints::Constraints,
    demand::{ContainerDemand, PodDemand, Qos},
    need::Role,
};

fn at(milliseconds: u64) -> Moment {
    Moment::after(Duration::from_millis(milliseconds))
}

fn pod(uid: &str) -> Unbound {
    let amounts = BTreeMap::from([("intel.com/sriov".into(), 1)]);
    Unbound {
        demand: PodDemand {
            uid: uid.into(),
            namespace: "ns".into(),
            name: uid.into(),
            owner: None,
            qos: Qos::BestEffort,
            containers: vec![ContainerDemand {
                name: "c".into(),
                role: Role::App,
                amounts,
            }],
            spread: None,
            total: BTreeMap::default(),
            has_pod_level_resources: false,
        },
        constraints: Constraints::default(),
        wait: Wait::Retry,
        priority: 0,
        created: "2026-01-01T00:00:00Z".into(),
        resource_version: "1".into(),
        affinity: serde_json::Value::Null,
        is_aligned: true,
        chosen: Vec::new(),
    }
}

fn waiting(pods: &[&str]) -> Waiting {
    let mut waiting = Waiting::default();
    for uid in pods {
        waiting.insert(pod(uid), at(0));
    }
    waiting
}

/// What a round finds, `+` for pods that fit.
fn round(waiting: &mut Waiting, now: u64, fits: impl Fn(&str, Nodes<'_>) -> bool) -> String {
    let looked = waiting.round(at(now), 100, |pod, nodes| fits(&pod.demand.uid, nodes));
    let shown = looked.iter().map(|looked| {
        let sign = if looked.fits { "+" } else { "-" };
        format!("{}{sign}", looked.uid)
    });
    shown.collect::<Vec<_>>().join(" ")
}

fn nowhere(_: &str, _: Nodes<'_>) -> bool {
    false
}

fn on_n1(_: &str, nodes: Nodes<'_>) -> bool {
    nodes == Nodes::One("n1")
}

#[test]
fn pauses_grow_while_nothing_happens() {
    let mut waiting = waiting(&["a"]);
    let mut looks = Vec::new();
    for second in 0..300 {
        if !round(&mut waiting, second * 1000, nowhere).is_empty() {
            looks.push(second);
        }
    }
    assert_eq!(looks, [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
    assert_eq!(waiting.next(), Some(at(303_000)));
}

#[test]
fn what_is_freed_wakes_those_who_fit_there_once() {
    let mut waiting = waiting(&["a", "b"]);
    round(&mut waiting, 0, nowhere);
    round(&mut waiting, 1000, nowhere);
    waiting.freed("n1", &[], at(1500));
    assert_eq!(waiting.next(), Some(at(1500)));
    let only_b = |uid: &str, nodes: Nodes<'_>| uid == "b" && on_n1(uid, nodes);
    assert_eq!(round(&mut waiting, 1500, only_b), "b+");
    waiting.helped("b", at(1500));
    assert_eq!(round(&mut waiting, 1600, only_b), "");
    assert_eq!(round(&mut waiting, 2499, only_b), "");
    // Then it is looked at again, with pauses that grow again.
    assert_eq!(round(&mut waiting, 2500, only_b), "b-");
}

#[test]
fn a_node_helps_only_those_who_want_what_it_has() {
    let mut waiting = waiting(&["a"]);
    round(&mut waiting, 0, nowhere);
    waiting.freed("n1", &["intel.com/other".into()], at(100));
    assert_eq!(round(&mut waiting, 100, on_n1), "");
    waiting.freed("n1", &["intel.com/other".into()], at(200));
    waiting.freed("n1", &["intel.com/sriov".into()], at(200));
    assert_eq!(round(&mut waiting, 200, on_n1), "a+");
    waiting.helped("a", at(200));
    round(&mut waiting, 1200, nowhere);
    waiting.freed("n1", &["intel.com/other".into()], at(1300));
    waiting.freed("n1", &[], at(1300));
    assert_eq!(round(&mut waiting, 1300, on_n1), "a+");
}

#[test]
fn a_pod_is_helped_once_a_second_and_nothing_is_forgotten() {
    let mut waiting = waiting(&["a"]);
    assert_eq!(round(&mut waiting, 0, |_, _| true), "a+");
    waiting.helped("a", at(0));
    round(&mut waiting, 1000, |_, _| true);
    waiting.helped("a", at(1000));
    waiting.freed("n1", &[], at(1100));
    assert_eq!(round(&mut waiting, 1200, |_, _| true), "");
    assert_eq!(round(&mut waiting, 2000, |_, _| true), "a+");
}

#[test]
fn a_node_helps_a_few_at_a_time() {
    let uids: Vec<String> = (0..20).map(|n| format!("p{n:02}")).collect();
    let uids: Vec<&str> = uids.iter().map(String::as_str).collect();
    let mut waiting = waiting(&uids);
    for now in [0, 1000, 3000] {
        round(&mut waiting, now, nowhere);
    }
    waiting.freed("n1", &[], at(3100));
    let fitting = |waiting: &mut Waiting, now: u64| {
        let found = round(waiting, now, on_n1);
        for uid in found.split_whitespace() {
            waiting.helped(uid.trim_end_matches('+'), at(now));
        }
        found
    };
    assert_eq!(
        fitting(&mut waiting, 3100),
        "p00+ p01+ p02+ p03+ p04+ p05+ p06+ p07+"
    );
    assert_eq!(
        fitting(&mut waiting, 3500),
        "",
        "one of them gets the device, perhaps all"
    );
    // The node can still take pods: the next ones have their turn, and those before them not again.
    assert_eq!(waiting.next(), Some(at(4100)));
    assert_eq!(
        fitting(&mut waiting, 4100),
        "p00- p01- p02- p03- p04- p05- p06- p07- p08+ p09+ p10+ p11+ p12+ p13+ p14+ p15+"
    );
    assert!(fitting(&mut waiting, 5100).ends_with("p15- p16+ p17+ p18+ p19+"));
    assert_eq!(fitting(&mut waiting, 5200), "");
}

#[test]
fn the_more_important_and_the_older_ones_come_first() {
    let mut waiting = Waiting::default();
    for (uid, priority, created) in [
        ("a", 0, "2026-01-02T00:00:00Z"),
        ("b", 0, "2026-01-01T00:00:00Z"),
        ("c", 10, "2026-01-03T00:00:00Z"),
        ("d", -1, "2025-01-01T00:00:00Z"),
    ] {
        let pod = Unbound {
            priority,
            created: created.into(),
            ..pod(uid)
        };
        waiting.insert(pod, at(0));
    }
    assert_eq!(round(&mut waiting, 0, |_, _| true), "c+ b+ a+ d+");
    waiting.freed_anything(at(0));
    let looked = waiting.round(at(0), 2, |_, _| true);
    let uids: Vec<&str> = looked.iter().map(|looked| &*looked.uid).collect();
    assert_eq!(uids, ["c", "b"], "no more than can be helped");
}

#[test]
fn whoever_begins_to_wait_is_looked_at_at_once() {
    let mut waiting = Waiting::default();
    let others = Unbound {
        wait: Wait::Others,
        ..pod("a")
    };
    waiting.insert(others.clone(), at(0));
    assert_eq!(round(&mut waiting, 0, |_, _| true), "");
    assert_eq!(waiting.next(), None);
    waiting.insert(pod("a"), at(5000));
    assert_eq!(waiting.next(), Some(at(5000)));
    assert_eq!(round(&mut waiting, 5000, nowhere), "a-");
    // The same pod again is nothing new.
    waiting.insert(pod("a"), at(5100));
    assert_eq!(round(&mut waiting, 5100, nowhere), "");
    waiting.insert(others, at(5200));
    assert_eq!(round(&mut waiting, 9000, nowhere), "");
    assert!(waiting.remove("a").is_some() && waiting.remove("a").is_none());
    assert_eq!(waiting.next(), None);
}

#[test]
fn failures_are_tried_again() {
    let mut waiting = waiting(&["a"]);
    let mut tries = Vec::new();
    for second in 0..20 {
        if round(&mut waiting, second * 1000, |_, _| true) == "a+" {
            waiting.failed("a", at(second * 1000));
            tries.push(second);
        }
    }
    assert_eq!(tries, [0, 1, 3, 7, 15]);
}

#[test]
fn a_round_is_bounded() {
    let uids: Vec<String> = (0..500).map(|n| format!("p{n:03}")).collect();
    let uids: Vec<&str> = uids.iter().map(String::as_str).collect();
    let mut waiting = waiting(&uids);
    for node in 0..100 {
        waiting.freed(&format!("n{node}"), &[], at(0));
    }
    let mut seen = std::collections::BTreeSet::new();
    for round in 0..20 {
        let (mut sweeps, mut questions) = (0, 0);
        let looked = waiting.round(at(round * 100), 100, |_, nodes| {
            *match nodes {
                Nodes::All => &mut sweeps,
                Nodes::One(_) => &mut questions,
            } += 1;
            false
        });
        assert!(
            sweeps <= SWEEPS && questions <= QUESTIONS,
            "{sweeps} {questions}"
        );
        seen.extend(looked.into_iter().map(|looked| looked.uid));
    }
    assert!(seen.len() > 300, "{} had their turn", seen.len());
}
