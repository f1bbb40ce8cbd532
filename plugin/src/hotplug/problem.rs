//! Why an interface is not plugged or unplugged.

use spec::cni::{ContainerId, InterfaceName, code};

/// What stands between a request and the sandbox it names.
#[derive(Debug, thiserror::Error)]
pub enum HotplugProblem {
    /// Nobody wrote down that the sandbox was attached.
    #[error(
        "nothing is known of the sandbox {container:?}, so that nobody would take away what is plugged into it; is its container id right, and \"cniDir\" that of the node's configuration?"
    )]
    UnknownSandbox {
        /// The sandbox.
        container: ContainerId,
    },
    /// What others wrote of the sandbox cannot all be read.
    #[error(
        "the sandbox {container:?} was attached by Multus, and what that wrote down is not whole ({problem}); restart the pod"
    )]
    Torn {
        /// The sandbox.
        container: ContainerId,
        /// What is lost.
        problem: String,
    },
    /// The network namespace of the request is another one than the sandbox's.
    #[error(
        "CNI_NETNS {found:?} is not the network namespace of the sandbox {container:?}, which is {recorded:?}; ask again with what the runtime says now"
    )]
    OtherNamespace {
        /// The sandbox.
        container: ContainerId,
        /// What the request says.
        found: String,
        /// What the record says.
        recorded: String,
    },
    /// The interface of the cluster network goes with the sandbox.
    #[error(
        "the interface {interface:?} is that of the pod's cluster network, which goes with the pod; name another one"
    )]
    ClusterNetwork {
        /// The interface.
        interface: InterfaceName,
    },
    /// The interface belongs to another network than the one that is to be taken away.
    #[error(
        "the interface {interface:?} is attached to the network {attached:?} and not to {asked:?}; it is left alone"
    )]
    OtherNetwork {
        /// The interface.
        interface: InterfaceName,
        /// Its network.
        attached: String,
        /// The network of the request.
        asked: String,
    },
    /// The sandbox was deleted while something was plugged into it.
    #[error("the sandbox {container:?} was deleted meanwhile")]
    Deleted {
        /// The sandbox.
        container: ContainerId,
    },
}

impl HotplugProblem {
    /// The code of the CNI error.
    #[must_use]
    pub const fn code(&self) -> u32 {
        match self {
            Self::UnknownSandbox { .. } | Self::Deleted { .. } => code::UNKNOWN_CONTAINER,
            Self::Torn { .. } => code::RECORD,
            Self::OtherNamespace { .. } => code::INVALID_ENVIRONMENT,
            Self::ClusterNetwork { .. } | Self::OtherNetwork { .. } => code::UNMET_REQUEST,
        }
    }
}
