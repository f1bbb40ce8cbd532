//! The stories of pods on a node whose parts all work.

mod default_network;
mod deployment;
mod killed_starting;
mod macvlan;
mod plain;
mod static_pod;
mod virtual_functions;

use super::Story;

/// In the order in which they are told.
pub(super) fn stories() -> Vec<Story> {
    vec![
        plain::PLAIN,
        macvlan::FIXED,
        macvlan::TAKEN,
        virtual_functions::IN_A_POD,
        virtual_functions::IN_TWO_CONTAINERS,
        static_pod::STATIC,
        default_network::DEFAULT_NETWORK,
        default_network::DEFAULT_ROUTE,
        killed_starting::DELETED,
        killed_starting::PLUGIN_KILLED,
        deployment::SIXTY,
    ]
}
