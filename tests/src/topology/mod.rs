//! What is published of a node: its devices from an emulated sysfs, their holders from an emulated kubelet.

mod cluster;
mod crd;
pub(crate) mod folder;
mod machine;

use crate::{fixture::needs::Need, scenario::Scenario};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "topology::the_crds_are_those_of_the_code",
            needs: &[],
            body: crd::the_crds_are_those_of_the_code,
        },
        Scenario {
            name: "topology::a_node_in_a_folder",
            needs: &[],
            body: folder::a_node_in_a_folder,
        },
        Scenario {
            name: "topology::a_node_in_a_cluster",
            needs: &[Need::ControlPlane, Need::Namespaces, Need::Ip],
            body: cluster::a_node_in_a_cluster,
        },
    ]
}
