//! The engine in clusters that never were, judged by a kubelet that shares no code with it.
//!
//! `docs/scheduling-simulator.md` says what is simulated and what is claimed. `POLYPOD_SIMULATOR_SEEDS=FIRST..LAST` goes
//! through other seeds than the fixed ones.

mod agent;
mod cluster;
mod counts;
mod demand;
mod evidence;
mod exhaustive;
mod judged;
mod kubelet;
mod machine;
mod node;
mod pessimistic;
mod pod;
mod random;
mod run;
mod runs;
mod schedule;
mod tally;

use crate::scenario::Scenario;

pub(crate) fn scenarios() -> Vec<Scenario> {
    let scenario = |name, body| Scenario {
        name,
        needs: &[],
        body,
    };
    vec![
        scenario(
            "simulator::the_judge_merges_hints_as_the_kubelet_does",
            judged::merges_hints_as_the_kubelet_does as fn(),
        ),
        scenario(
            "simulator::the_judge_hands_out_as_the_kubelet_does",
            judged::hands_out_as_the_kubelet_does,
        ),
        scenario(
            "simulator::nothing_is_refused_while_reports_are_fresh",
            runs::nothing_is_refused_while_reports_are_fresh,
        ),
        scenario(
            "simulator::nothing_certain_is_refused_while_reports_lag",
            runs::nothing_certain_is_refused_while_reports_lag,
        ),
        scenario(
            "simulator::counts_are_right_after_losses_and_restarts",
            runs::counts_are_right_after_losses_and_restarts,
        ),
        scenario(
            "simulator::fifteen_thousand_nodes",
            runs::fifteen_thousand_nodes,
        ),
        scenario(
            "simulator::never_worse_than_the_pessimistic_rule",
            runs::never_worse_than_the_pessimistic_rule,
        ),
        scenario(
            "simulator::small_clusters_beside_an_exhaustive_search",
            runs::small_clusters_beside_an_exhaustive_search,
        ),
    ]
}
