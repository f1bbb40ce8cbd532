//! Why the kubelet cannot be asked, and what to check.

use std::path::PathBuf;

use spec::{
    bridge::{Failure, PodRef},
    cni::code,
};
use tonic::Status;

use super::{
    client::CALL,
    status::{Meaning, meaning},
};

/// Why the kubelet did not say what it allocated.
#[derive(Debug, thiserror::Error)]
pub enum PodResourcesError {
    /// The path is none that tonic takes.
    #[error("the path of the kubelet's pod-resources socket {} is not UTF-8", socket.display())]
    Path {
        /// The socket.
        socket: PathBuf,
    },
    /// There is no socket.
    #[error(
        "the kubelet's pod-resources socket {} does not exist; check --pod-resources-socket, and that the folder it is in is mounted from the node",
        socket.display()
    )]
    Absent {
        /// The socket.
        socket: PathBuf,
    },
    /// Connecting failed.
    #[error(
        "connecting to the kubelet's pod-resources socket {} failed: {problem}; check that the kubelet runs and that polypod-device-bridge runs as root",
        socket.display()
    )]
    Connect {
        /// The socket.
        socket: PathBuf,
        /// What the system says.
        problem: String,
    },
    /// The kubelet answered with an error.
    #[error(
        "the kubelet answered {method} of its pod-resources API at {} with an error: {} ({:?})",
        socket.display(), status.message(), status.code()
    )]
    Call {
        /// The socket.
        socket: PathBuf,
        /// The method.
        method: &'static str,
        /// Its answer.
        status: Box<Status>,
    },
    /// The kubelet did not answer.
    #[error(
        "the kubelet did not answer {method} of its pod-resources API at {} within {} seconds",
        socket.display(), CALL.as_secs()
    )]
    Silent {
        /// The socket.
        socket: PathBuf,
        /// The method.
        method: &'static str,
    },
}

impl PodResourcesError {
    /// Whether it may be gone in a moment.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Path { .. } | Self::Absent { .. } | Self::Silent { .. } => false,
            Self::Connect { .. } => true,
            Self::Call { status, .. } => meaning(status) == Meaning::Passing,
        }
    }

    /// As the failure of a pod's request.
    #[must_use]
    pub fn failure(&self, pod: &PodRef) -> Failure {
        let code = match self {
            Self::Path { .. } | Self::Absent { .. } => code::IO_FAILURE,
            Self::Call { .. } if !self.is_passing() => code::IO_FAILURE,
            Self::Connect { .. } | Self::Call { .. } | Self::Silent { .. } => code::TRY_AGAIN_LATER,
        };
        Failure {
            code,
            message: format!("cannot learn which devices pod {pod} was allocated: {self}"),
        }
    }
}
