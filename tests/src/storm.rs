//! All pods of a node start at once, and the kubelet is slow, busy and started again meanwhile. The bench `storm` does it at
//! full size.

use std::time::Duration;

use crate::{
    fixture::{
        binaries,
        kubelet::{Behaviour, Limit},
        storm::{self, Outcome, Storm, World},
    },
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "storm::a_kubelet_that_turns_away_and_is_started_again",
            needs: &[],
            body: a_kubelet_that_turns_away_and_is_started_again,
        },
        Scenario {
            name: "storm::a_kubelet_without_get",
            needs: &[],
            body: a_kubelet_without_get,
        },
        Scenario {
            name: "storm::an_agent_that_is_killed_loses_nothing",
            needs: &[],
            body: an_agent_that_is_killed_loses_nothing,
        },
    ]
}

const STORM: Storm = Storm {
    behaviour: Behaviour {
        has_get: true,
        limit: Some(Limit::KUBELET),
    },
    restart_after: Some(20),
    restart_takes: Duration::from_millis(700),
    at_once: 120,
    kills: 0,
};

fn a_kubelet_that_turns_away_and_is_started_again() {
    check(&run(STORM));
}

fn a_kubelet_without_get() {
    let outcome = run(Storm {
        behaviour: Behaviour {
            has_get: false,
            ..STORM.behaviour
        },
        ..STORM
    });
    check(&outcome);
}

/// Every sandbox gets its devices, asked as often as it may be, and every report that was taken is published.
fn an_agent_that_is_killed_loses_nothing() {
    let outcome = run(Storm {
        restart_after: None,
        at_once: 30,
        kills: 6,
        ..STORM
    });
    check_answers(&outcome);
}

fn run(storm: Storm) -> Outcome {
    let world = World::new(120, 6, 40, 20);
    storm::run(&binaries::path("polypod-device-bridge"), &world, storm)
}

fn check_answers(outcome: &Outcome) {
    let failures: Vec<&String> = outcome.failures.iter().take(3).collect();
    assert_eq!(failures, [""; 0]);
    assert_eq!(outcome.correct, outcome.sandboxes);
    assert_eq!(outcome.duplicate_devices, 0);
    assert_eq!(outcome.published, outcome.sandboxes);
    assert!(outcome.inventory.0 > 0, "no NodeInventory");
}

fn check(outcome: &Outcome) {
    check_answers(outcome);
    assert!(
        outcome.kubelet_calls <= outcome.sandboxes,
        "{} calls for {} sandboxes",
        outcome.kubelet_calls,
        outcome.sandboxes
    );
    println!(
        "p50 {:?}, p99 {:?}; kubelet calls {} and {} of them turned away; peak RSS {} KiB",
        outcome.percentile(50),
        outcome.percentile(99),
        outcome.kubelet_calls,
        outcome.refused_calls,
        outcome.peak_rss_kib
    );
}
