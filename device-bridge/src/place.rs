//! Where a network is selected, so that an error leads its reader there.

use std::fmt;

use spec::{
    bridge::Legacy,
    network::{DEFAULT_NETWORK, NETWORKS},
};

/// Where a network is selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// `clusterNetwork` of the plugin's configuration.
    ClusterNetwork,
    /// The pod's default-network annotation, which takes the place of the cluster network.
    DefaultNetwork,
    /// `defaultNetworks` of the plugin's configuration.
    DefaultNetworks {
        /// The entry, from 1.
        entry: usize,
    },
    /// The pod's networks annotation.
    Networks {
        /// The entry, from 1.
        entry: usize,
    },
    /// The annotation of an old release of Multus, which means an object of that release.
    Legacy {
        /// The release.
        legacy: Legacy,
        /// The entry, from 1.
        entry: usize,
    },
}

impl Place {
    /// Whether the attachment is the sandbox's first: `eth0`.
    pub(crate) const fn is_first(self) -> bool {
        match self {
            Self::ClusterNetwork | Self::DefaultNetwork => true,
            Self::DefaultNetworks { .. } | Self::Networks { .. } => false,
            Self::Legacy { legacy, entry } => matches!(legacy, Legacy::V1) && entry == 1,
        }
    }

    /// Whether the administrator selects it. Then it may be a file of the node as well, which the plugin finds.
    pub(crate) const fn is_of_configuration(self) -> bool {
        match self {
            Self::ClusterNetwork | Self::DefaultNetworks { .. } => true,
            Self::DefaultNetwork | Self::Networks { .. } | Self::Legacy { .. } => false,
        }
    }

    /// The old release of Multus whose objects it means.
    pub(crate) const fn legacy(self) -> Option<Legacy> {
        match self {
            Self::Legacy { legacy, .. } => Some(legacy),
            Self::ClusterNetwork
            | Self::DefaultNetwork
            | Self::DefaultNetworks { .. }
            | Self::Networks { .. } => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClusterNetwork => f.write_str("clusterNetwork of the plugin's configuration"),
            Self::DefaultNetwork => write!(f, "annotation {DEFAULT_NETWORK}"),
            Self::DefaultNetworks { entry } => {
                write!(
                    f,
                    "defaultNetworks of the plugin's configuration, entry {entry}"
                )
            }
            Self::Networks { entry } => write!(f, "annotation {NETWORKS}, entry {entry}"),
            Self::Legacy { legacy, entry } => {
                write!(f, "annotation {}, entry {entry}", legacy.annotation())
            }
        }
    }
}
