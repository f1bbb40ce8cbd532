//! Why a stand-in could not do what it was asked, with the code of the CNI specification.

use std::path::PathBuf;

use spec::cni::{self, InvocationError, ResultError, code};

/// The error of a stand-in.
#[derive(Debug, thiserror::Error)]
pub(super) enum DelegateError {
    /// The environment is not that of a CNI call.
    #[error(transparent)]
    Invocation(#[from] InvocationError),
    /// A variable of the demo is missing.
    #[error(
        "the environment variable {variable} is missing; the demo sets it, and the plugin must hand its environment on"
    )]
    NoFolder {
        /// The variable.
        variable: &'static str,
    },
    /// The verb is not one of a stand-in.
    #[error("{0} is not carried out by the demo's stand-in plugins")]
    Verb(&'static str),
    /// Standard input is no JSON.
    #[error("the configuration cannot be read: {0}")]
    Undecodable(String),
    /// The configuration's version.
    #[error("the stand-in speaks CNI 0.3.1, 0.4.0 and 1.0.0, but the configuration says {0}")]
    Version(String),
    /// The configuration lacks something or has it wrong.
    #[error("the configuration is wrong at {place}: {problem}")]
    Conf {
        /// Where.
        place: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// The IPAM plugin is not there.
    #[error("there is no IPAM plugin {name} in CNI_PATH ({path})")]
    NoIpamPlugin {
        /// Its type.
        name: String,
        /// Where it was searched.
        path: String,
    },
    /// The IPAM plugin refused: its own error is handed on.
    #[error("{}", .0.msg)]
    Ipam(cni::Error),
    /// The IPAM plugin printed something else than a result.
    #[error("the IPAM plugin answered with something else: {0}")]
    IpamResult(#[from] ResultError),
    /// No address is left.
    #[error("no address is left in {range}; {leases} holds the leases")]
    Exhausted {
        /// The range.
        range: String,
        /// The folder of the leases.
        leases: PathBuf,
    },
    /// No network device belongs to the device id.
    #[error("device {device} has no network device in {place}")]
    NoDevice {
        /// The device.
        device: String,
        /// Where it was searched.
        place: PathBuf,
    },
    /// The system refused.
    #[error("{0:#}")]
    System(#[from] anyhow::Error),
}

impl DelegateError {
    /// The code on the wire.
    pub(super) fn code(&self) -> u32 {
        match self {
            Self::Invocation(_) | Self::NoFolder { .. } | Self::Verb(_) => {
                code::INVALID_ENVIRONMENT
            }
            Self::Undecodable(_) => code::UNDECODABLE,
            Self::Version(_) => code::INCOMPATIBLE_VERSION,
            Self::Conf { .. } => code::INVALID_CONF,
            Self::Ipam(error) => error.code,
            Self::NoIpamPlugin { .. }
            | Self::IpamResult(_)
            | Self::Exhausted { .. }
            | Self::NoDevice { .. } => code::DELEGATE,
            Self::System(_) => code::IO_FAILURE,
        }
    }
}
