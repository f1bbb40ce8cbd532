//! Where in a pod a network is selected, for everything that is said about a selection.

use std::fmt;

use spec::network::{DEFAULT_NETWORK, NETWORKS};

/// Where a pod selects a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In `v1.multus-cni.io/default-network`.
    DefaultNetwork,
    /// In `k8s.v1.cni.cncf.io/networks`.
    Networks {
        /// The element, from 1; the interface of this element is `net` and this number.
        index: usize,
    },
}

impl Place {
    /// The annotation's key.
    #[must_use]
    pub const fn annotation(&self) -> &'static str {
        match self {
            Self::DefaultNetwork => DEFAULT_NETWORK,
            Self::Networks { .. } => NETWORKS,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "annotation {}", self.annotation())?;
        match self {
            Self::DefaultNetwork => Ok(()),
            Self::Networks { index } => write!(f, ": entry {index}"),
        }
    }
}
