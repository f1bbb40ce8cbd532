//! What scheduler-plugins' NodeResourceTopologyMatch does with nodes and pods that its tests have, asked of ours over HTTP.
//!
//! Where ours must be better than it, ours is asserted and the row says so.

mod asked;
mod cache;
mod containers;
mod objects;
mod single;
mod winner;

use crate::scenario::Scenario;

pub(crate) fn scenarios() -> Vec<Scenario> {
    let scenario = |name, body| Scenario {
        name,
        needs: &[],
        body,
    };
    vec![
        scenario(
            "extender_vectors::pods_that_fit_and_pods_that_cannot_be_aligned",
            single::pods_that_fit_and_pods_that_cannot_be_aligned as fn(),
        ),
        scenario(
            "extender_vectors::pods_of_several_containers",
            containers::pods_of_several_containers,
        ),
        scenario(
            "extender_vectors::the_better_of_two_nodes",
            winner::the_better_of_two_nodes,
        ),
        scenario(
            "extender_vectors::what_is_remembered",
            cache::what_is_remembered,
        ),
    ]
}
