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
#[derive(Clone, Debug, thiserror::Error)]
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
        /// Whether it was there before, as while the kubelet restarts.
        was_there: bool,
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
    /// The answer is no message of the API.
    #[error(
        "the kubelet's answer to List of its pod-resources API at {} cannot be read: {problem}",
        socket.display()
    )]
    Decode {
        /// The socket.
        socket: PathBuf,
        /// What is wrong.
        problem: String,
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
    /// What it means, if the kubelet said anything.
    pub(crate) fn meaning(&self) -> Option<Meaning> {
        match self {
            Self::Call { status, .. } => Some(meaning(status)),
            Self::Path { .. }
            | Self::Absent { .. }
            | Self::Connect { .. }
            | Self::Silent { .. }
            | Self::Decode { .. } => None,
        }
    }

    /// Whether it may be gone in a moment: the kubelet throttles or restarts.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Connect { .. } => true,
            Self::Absent { was_there, .. } => *was_there,
            Self::Path { .. } | Self::Silent { .. } | Self::Decode { .. } => false,
            Self::Call { status, .. } => match meaning(status) {
                Meaning::Throttled | Meaning::Broken | Meaning::NotReady => true,
                Meaning::NoGet | Meaning::NoPod | Meaning::Final => false,
            },
        }
    }

    /// What it is, in a word by which programs know it.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Path { .. } => "SocketPathWrong",
            Self::Absent { .. } => "SocketMissing",
            Self::Connect { .. } => "NotConnected",
            Self::Call { .. } => "CallRefused",
            Self::Decode { .. } => "AnswerUnreadable",
            Self::Silent { .. } => "NoAnswer",
        }
    }

    /// As the failure of a pod's request.
    #[must_use]
    pub fn failure(&self, pod: &PodRef) -> Failure {
        let code = match self {
            Self::Path { .. } | Self::Absent { .. } | Self::Decode { .. } => code::IO_FAILURE,
            Self::Call { .. } if !self.is_passing() => code::IO_FAILURE,
            Self::Connect { .. } | Self::Call { .. } | Self::Silent { .. } => code::TRY_AGAIN_LATER,
        };
        Failure {
            code,
            message: format!("cannot learn which devices pod {pod} was allocated: {self}"),
        }
    }
}
