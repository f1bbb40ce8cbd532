//! A whole node of real parts: etcd, kube-apiserver, controller-manager, scheduler, kubelet, containerd, runc and the
//! reference CNI plugins, and of ours the webhook, the node agent and the plugin.
//!
//! It is one test, because its parts take long to start: the stories are told one after another on one node. The test executes
//! itself in namespaces of its own ([`outside`]), where the node is brought up ([`cluster`]), every story told, and looked for
//! what it has left ([`leaks`]). The table of what was checked is printed after all tests, however they end.

mod allocations;
mod bringing_up;
mod cluster;
mod component;
pub(crate) mod device_plugin;
mod evidence;
mod hardware;
pub(crate) mod image;
mod inside;
mod leaks;
mod lifecycle;
mod mounts;
mod networks;
mod outside;
pub(crate) mod parts;
mod pods;
mod stories;
mod table;
mod webhook;

use crate::{fixture::needs::Need, scenario::Scenario};

pub(crate) use self::{inside::inside, table::report};

/// The name of the node.
pub(crate) const NODE: &str = "whole-node";

/// A story that is told on the node. It fails by panicking.
#[derive(Clone, Copy)]
pub(crate) struct Story {
    pub(crate) name: &'static str,
    /// What is true when it has been told, for the table.
    pub(crate) checks: &'static str,
    pub(crate) tell: fn(&mut cluster::Cluster),
}

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![Scenario {
        name: "whole_node::a_node_of_real_parts",
        needs: &[Need::WholeNode],
        body: outside::run,
    }]
}

/// Every story, in its order.
fn all_stories() -> Vec<Story> {
    [stories::stories(), lifecycle::stories()].concat()
}
