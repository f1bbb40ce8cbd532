//! Where a network is selected, so that an error leads its reader there.

use std::fmt;

use spec::network::{DEFAULT_NETWORK, NETWORKS};

/// Where a network is selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// `clusterNetwork` of the plugin's configuration.
    ClusterNetwork,
    /// The pod's default-network annotation, which takes the place of the cluster network.
    DefaultNetwork,
    /// The pod's networks annotation.
    Networks {
        /// The entry, from 1.
        entry: usize,
    },
}

impl Place {
    /// Whether the attachment is the sandbox's first: `eth0`.
    pub(crate) const fn is_first(self) -> bool {
        matches!(self, Self::ClusterNetwork | Self::DefaultNetwork)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClusterNetwork => f.write_str("clusterNetwork of the plugin's configuration"),
            Self::DefaultNetwork => write!(f, "annotation {DEFAULT_NETWORK}"),
            Self::Networks { entry } => write!(f, "annotation {NETWORKS}, entry {entry}"),
        }
    }
}
