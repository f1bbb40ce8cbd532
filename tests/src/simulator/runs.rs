//! The runs, and what is claimed of each.

use std::ops::Range;

use super::{
    cluster::Cluster,
    demand::Demand,
    exhaustive,
    kubelet::Kubelet,
    machine::Fleet,
    run::{Delays, Rule, Run},
};

const ANY_FLEET: Fleet = Fleet {
    is_single_numa_only: false,
    has_wide_devices: true,
    largest: 8,
};

const CERTAIN_FLEET: Fleet = Fleet {
    is_single_numa_only: true,
    has_wide_devices: false,
    largest: 4,
};

const AT_ONCE: Delays = Delays {
    kubelet: 0,
    look: 0,
    report: 0,
    lost: 0,
    restarts: 0,
};

const LATE: Delays = Delays {
    kubelet: 3000,
    look: 1000,
    report: 20_000,
    lost: 0,
    restarts: 0,
};

/// Pods of which several fit on a machine.
const SMALL: Demand = Demand {
    guaranteed: 80,
    has_loose: false,
    most_cpus: 4,
    most_devices: 2,
    ..Demand::ANY
};

const BASE: Run = Run {
    seed: 0,
    nodes: 100,
    pods: 500,
    sampled: 100,
    fleet: ANY_FLEET,
    demand: Demand::ANY,
    between: 400,
    life: 120,
    delays: AT_ONCE,
    rule: Rule::Ours,
    appeals: 1,
};

/// The seeds that a scenario goes through, unless the environment names others.
fn seeds(fixed: Range<u64>) -> Range<u64> {
    let Ok(text) = std::env::var("POLYPOD_SIMULATOR_SEEDS") else {
        return fixed;
    };
    let (first, end) = text.split_once("..").expect("FIRST..END");
    first.parse().expect("a number")..end.parse().expect("a number")
}

fn play(run: Run) -> Cluster {
    let mut cluster = Cluster::new(run);
    cluster.play();
    println!(
        "  seed {}, {} nodes: {}",
        run.seed, run.nodes, cluster.tally
    );
    cluster
}

/// Every report is there before the next pod: what the kubelet refuses the engine refused, and the other way round.
pub(super) fn nothing_is_refused_while_reports_are_fresh() {
    for seed in seeds(1..5) {
        let mut cluster = play(Run {
            seed,
            appeals: 20,
            between: 800,
            ..BASE
        });
        cluster.check_counts();
        let refused = &cluster.tally.refused;
        assert!(refused.is_empty(), "seed {seed}: {refused:?}");
        assert!(cluster.tally.admitted > 200 && cluster.tally.appeals > 100);
    }
}

/// Reports are up to 20 seconds late, kubelets up to three: pods that are bound are replayed meanwhile.
pub(super) fn nothing_certain_is_refused_while_reports_lag() {
    for seed in seeds(11..15) {
        let mut cluster = play(Run {
            seed,
            nodes: 40,
            sampled: 40,
            between: 400,
            delays: LATE,
            ..BASE
        });
        cluster.check_counts();
        for ((policy, is_certain, is_told), count) in &cluster.tally.refused {
            // The run has asserted it of what was certain already.
            assert!(
                !(*policy == "single-numa-node" && *is_told),
                "seed {seed}: {count} refused by {policy}, certain: {is_certain}"
            );
        }
    }
}

/// A tenth of the reports is lost, agents are started again: in the end everything is counted as it is.
pub(super) fn counts_are_right_after_losses_and_restarts() {
    for seed in seeds(21..25) {
        let mut cluster = play(Run {
            seed,
            nodes: 30,
            sampled: 30,
            pods: 600,
            between: 400,
            life: 60,
            delays: Delays {
                lost: 10,
                restarts: 20,
                ..LATE
            },
            ..BASE
        });
        cluster.check_counts();
    }
}

/// As many nodes as a cluster can have, as many of them as kube-scheduler samples then.
pub(super) fn fifteen_thousand_nodes() {
    let mut cluster = play(Run {
        seed: 31,
        nodes: 15_000,
        sampled: 750,
        pods: 120,
        between: 50,
        life: 20,
        delays: LATE,
        ..BASE
    });
    cluster.check_counts();
    assert!(cluster.tally.refused.is_empty(), "{}", cluster.tally);
    assert!(cluster.tally.answers > 50_000);
}

/// A rush on machines of the strictest policy: the same pods, the same machines, the same reports.
pub(super) fn never_worse_than_the_pessimistic_rule() {
    let mut sums = [0, 0, 0];
    for seed in seeds(41..45) {
        let run = Run {
            seed,
            nodes: 60,
            sampled: 60,
            pods: 240,
            between: 100,
            life: 3600,
            fleet: CERTAIN_FLEET,
            // Agents that look once a minute, as most feeders of NodeResourceTopologies do.
            delays: Delays {
                look: 60_000,
                report: 1000,
                ..LATE
            },
            appeals: 0,
            ..BASE
        };
        let ours = play(run).tally;
        let theirs = play(Run {
            rule: Rule::Pessimistic,
            ..run
        })
        .tally;
        assert!(
            ours.admitted >= theirs.admitted,
            "seed {seed}: {} instead of {}",
            ours.admitted,
            theirs.admitted
        );
        for (sum, count) in sums
            .iter_mut()
            .zip([ours.admitted, theirs.admitted, ours.arrived])
        {
            *sum += count;
        }
    }
    let [ours, theirs, all] = sums;
    println!("  of {all} pods {ours} were placed, by the pessimistic rule {theirs}");
}

/// Pods one after another on a few machines: how many are placed, of how many that could be if all were known before.
pub(super) fn small_clusters_beside_an_exhaustive_search() {
    let (mut placed, mut possible, mut pessimistic) = (0, 0, 0);
    for seed in seeds(51..63) {
        let run = Run {
            seed,
            nodes: 3,
            sampled: 3,
            pods: 10,
            // All come before any ends.
            between: 1000,
            life: 100_000,
            fleet: CERTAIN_FLEET,
            demand: SMALL,
            ..BASE
        };
        let before = Cluster::new(run);
        let kubelets: Vec<Kubelet> = before
            .nodes
            .iter()
            .map(|node| node.kubelet.clone())
            .collect();
        let ours = play(run);
        ours.check();
        let most = exhaustive::most(&kubelets, &ours.arrived);
        let theirs = play(Run {
            rule: Rule::Pessimistic,
            ..run
        });
        assert!(
            ours.tally.admitted <= most,
            "seed {seed}: the search missed {most}"
        );
        placed += ours.tally.admitted;
        possible += most;
        pessimistic += theirs.tally.admitted;
    }
    println!(
        "  of {possible} pods that could be placed {placed} were, by the pessimistic rule {pessimistic}"
    );
    assert!(placed * 10 >= possible * 8, "{placed} of {possible}");
}
