//! What an operator applies, in a real API server: it takes the objects and refuses wrong ones, and the parts run with exactly
//! the rights that stand there.

mod applied;
mod crds;
pub(super) mod installed;
mod pod_security;
mod rights;

use crate::{fixture::needs::Need, scenario::Scenario};

pub(super) fn scenarios() -> Vec<Scenario> {
    const PLANE: &[Need] = &[Need::ControlPlane];
    const KUBECTL: &[Need] = &[Need::ControlPlane, Need::Kubectl];
    vec![
        Scenario {
            name: "cluster::custom_resources_are_judged",
            needs: PLANE,
            body: crds::custom_resources_are_judged,
        },
        Scenario {
            name: "cluster::install_yaml_is_applied",
            needs: PLANE,
            body: applied::install_yaml_is_applied,
        },
        Scenario {
            name: "cluster::base_and_every_overlay_are_applied",
            needs: KUBECTL,
            body: applied::base_and_every_overlay_are_applied,
        },
        Scenario {
            name: "cluster::examples_are_applied",
            needs: PLANE,
            body: applied::examples_are_applied,
        },
        Scenario {
            name: "cluster::pod_security",
            needs: PLANE,
            body: pod_security::pod_security,
        },
        Scenario {
            name: "cluster::rights_are_used_and_enough",
            needs: &[Need::ControlPlane, Need::Namespaces, Need::Ip],
            body: rights::rights_are_used_and_enough,
        },
    ]
}
