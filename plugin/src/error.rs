//! Why a verb fails, and the CNI error code that says so.

use std::{fmt, io, path::PathBuf};

use spec::{
    bridge::{Failure, FrameError},
    cni::{
        ConfError, InterfaceName, InvocationError, PluginType, ResultError, UnsupportedVersion,
        code,
    },
    network::Unmet,
};

/// Everything that can end a verb. Each becomes one CNI error on standard output.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The environment is not what the specification wants.
    #[error(transparent)]
    Environment(#[from] InvocationError),
    /// `CNI_ARGS` names a pod by half, or none although annotations ask for networks.
    #[error(
        "CNI_ARGS does not hold both K8S_POD_NAMESPACE and K8S_POD_NAME, without which the pod's networks cannot be found; the container runtime must set them"
    )]
    HalfAPod,
    /// The network namespace cannot be entered.
    #[error(
        "the network namespace CNI_NETNS={path:?} cannot be entered: {problem}; does the sandbox still exist?"
    )]
    Netns {
        /// Its path.
        path: String,
        /// What the system says.
        #[source]
        problem: io::Error,
    },
    /// An interface of that name is in the network namespace already.
    #[error(
        "network {network:?} would have the interface {interface:?}, which is in the pod already; choose another name in the pod's annotation"
    )]
    InterfaceThere {
        /// The network.
        network: String,
        /// The name.
        interface: InterfaceName,
    },
    /// Standard input cannot be read.
    #[error("cannot read the network configuration from standard input: {0}")]
    Stdin(#[source] io::Error),
    /// The network configuration is not JSON.
    #[error(
        "the network configuration on standard input is not a JSON object: {0}; check the file in the CNI configuration folder"
    )]
    NotJson(#[source] serde_json::Error),
    /// A key of the network configuration is wrong.
    #[error("the network configuration is wrong at key {key:?}: {problem}")]
    Key {
        /// The key, as it is documented.
        key: &'static str,
        /// What was found and what belongs there.
        problem: String,
    },
    /// The network configuration wants a CNI version nobody speaks.
    #[error("the network configuration is wrong at key \"cniVersion\": {0}")]
    Version(#[from] UnsupportedVersion),
    /// A delegate's configuration cannot be executed.
    #[error("network {network:?}: {problem}")]
    DelegateConf {
        /// The network.
        network: String,
        /// What is wrong.
        #[source]
        problem: ConfError,
    },
    /// A network cannot be attached as the pod asks for it.
    #[error("network {network:?} cannot be attached: {problem}")]
    Unattachable {
        /// The network.
        network: String,
        /// What is not met.
        #[source]
        problem: Unmet,
    },
    /// A configuration of the node cannot be found.
    #[error("{wanted}: {problem}")]
    NoConf {
        /// What was looked for, and why.
        wanted: String,
        /// Where it was looked for, and what was found instead.
        problem: String,
    },
    /// Two attachments would have the same interface.
    #[error(
        "networks {first:?} and {second:?} would both have the interface {interface:?}; choose another name in the pod's annotation"
    )]
    InterfaceTaken {
        /// The network that comes first.
        first: String,
        /// The network that comes later.
        second: String,
        /// The name.
        interface: InterfaceName,
    },
    /// What this release does not do yet.
    #[error("{what} is not supported yet by this release of polypod; {instead}")]
    NotSupported {
        /// What was asked for.
        what: String,
        /// What to do.
        instead: &'static str,
    },
    /// Nobody can say what the pod asked for.
    #[error("pod {pod} needs its networks looked up, but {problem}")]
    NoAnswer {
        /// The pod.
        pod: String,
        /// What was tried and found, and what to do.
        problem: String,
        /// Whether waiting may help.
        passing: bool,
    },
    /// The device-bridge was asked and the exchange failed.
    #[error("asking the device-bridge at {} failed: {problem}; is polypod-device-bridge healthy on this node?", socket.display())]
    Bridge {
        /// Its socket.
        socket: PathBuf,
        /// What went wrong.
        problem: BridgeProblem,
    },
    /// The one-shot resolver was executed and gave no answer.
    #[error("asking {} failed: {problem}", path.display())]
    Resolver {
        /// Its executable.
        path: PathBuf,
        /// What went wrong.
        problem: BridgeProblem,
    },
    /// The device-bridge says the request cannot be met.
    #[error(transparent)]
    Unmet(#[from] Failure),
    /// A plugin's executable is not there.
    #[error(
        "network {network:?}: there is no plugin {plugin:?} in {searched}; install it or correct the network's type"
    )]
    NoPlugin {
        /// The network.
        network: String,
        /// Its type.
        plugin: PluginType,
        /// The folders, in order.
        searched: String,
    },
    /// A plugin failed.
    #[error(
        "network {network:?}, interface {interface:?}: plugin {plugin:?} failed at {verb}: {problem}"
    )]
    Delegate {
        /// The network.
        network: String,
        /// The interface.
        interface: InterfaceName,
        /// The plugin.
        plugin: PluginType,
        /// The verb it was executed with.
        verb: &'static str,
        /// How.
        problem: Box<DelegateProblem>,
    },
    /// ADD for a sandbox that has a record.
    #[error("sandbox {container:?} is attached already, as its record {} says; DEL it first", path.display())]
    AlreadyAttached {
        /// The sandbox.
        container: String,
        /// The record.
        path: PathBuf,
    },
    /// A record cannot be read or written.
    #[error("the sandbox record {} cannot be {attempted}: {problem}", path.display())]
    Record {
        /// What was attempted.
        attempted: &'static str,
        /// The record.
        path: PathBuf,
        /// What went wrong, and what to do.
        problem: String,
    },
    /// An attachment failed, and undoing left something behind.
    #[error(
        "{cause}; undoing it failed too, and the record is kept for DEL: {}",
        list(left)
    )]
    NotUndone {
        /// Why the attachment failed.
        cause: Box<Self>,
        /// What could not be undone.
        left: Vec<Self>,
    },
    /// DEL could not take everything away.
    #[error("{}", list(.0))]
    Several(Vec<Self>),
}

/// How an exchange with the device-bridge failed.
#[derive(Debug, thiserror::Error)]
pub enum BridgeProblem {
    /// Reading, writing or connecting failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The frame is not understood.
    #[error("{0}")]
    Frame(#[from] FrameError),
    /// The reply is one to another request.
    #[error("it gave a reply to another request")]
    WrongReply,
    /// It did not answer in time.
    #[error("it gave no answer within {seconds} seconds")]
    NoAnswer {
        /// The deadline in seconds.
        seconds: u64,
    },
    /// The one-shot process failed.
    #[error("{0}")]
    Process(String),
}

/// How a plugin failed.
#[derive(Debug, thiserror::Error)]
pub enum DelegateProblem {
    /// It said so, with a CNI error.
    #[error("{}", words(.0))]
    Said(spec::cni::Error),
    /// It printed no result.
    #[error("{problem}; it printed {printed:?}")]
    NoResult {
        /// Why that is no result.
        problem: ResultError,
        /// The beginning of what it printed.
        printed: String,
    },
    /// It ended badly and printed no CNI error.
    #[error("it ended with {status} and no CNI error{}", if output.is_empty() { String::new() } else { format!("; it printed {output:?}") })]
    Status {
        /// Its exit status or signal.
        status: String,
        /// The end of what it printed.
        output: String,
    },
    /// It did not end in time.
    #[error("it did not end within {seconds} seconds and was killed")]
    Hung {
        /// The deadline in seconds.
        seconds: u64,
    },
    /// It could not be executed.
    #[error("it cannot be executed: {0}")]
    Exec(#[source] io::Error),
}

impl Error {
    /// The code of the CNI error.
    #[must_use]
    pub fn code(&self) -> u32 {
        match self {
            Self::Environment(_) => code::INVALID_ENVIRONMENT,
            Self::Stdin(_) => code::IO_FAILURE,
            Self::NotJson(_) => code::UNDECODABLE,
            Self::Version(_) => code::INCOMPATIBLE_VERSION,
            Self::Key { .. } | Self::DelegateConf { .. } | Self::NoConf { .. } => {
                code::INVALID_CONF
            }
            Self::Unattachable { problem, .. } => match problem {
                Unmet::Capability { .. } => code::UNMET_REQUEST,
                Unmet::CniArgs(_) | Unmet::SelfDelegation { .. } => code::INVALID_CONF,
            },
            Self::NotSupported { .. } => code::NOT_IMPLEMENTED,
            Self::InterfaceTaken { .. } => code::UNMET_REQUEST,
            Self::NoAnswer { passing, .. } => {
                if *passing {
                    code::TRY_AGAIN_LATER
                } else {
                    code::UNMET_REQUEST
                }
            }
            Self::Bridge { problem, .. } => match problem {
                // Waiting mends neither a path that is too long nor one that may not be opened.
                BridgeProblem::Io(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::InvalidInput | io::ErrorKind::PermissionDenied
                    ) =>
                {
                    code::IO_FAILURE
                }
                BridgeProblem::Io(_)
                | BridgeProblem::Frame(_)
                | BridgeProblem::WrongReply
                | BridgeProblem::NoAnswer { .. }
                | BridgeProblem::Process(_) => code::TRY_AGAIN_LATER,
            },
            Self::Netns { .. } | Self::HalfAPod => code::INVALID_ENVIRONMENT,
            Self::InterfaceThere { .. } => code::UNMET_REQUEST,
            Self::Resolver { .. } => code::IO_FAILURE,
            Self::Unmet(failure) if failure.code == 0 => code::UNMET_REQUEST,
            Self::Unmet(failure) => failure.code,
            Self::NoPlugin { .. } => code::DELEGATE,
            Self::Delegate { problem, .. } => match &**problem {
                // 0 would say that nothing failed.
                DelegateProblem::Said(said) if said.code == 0 => code::DELEGATE,
                DelegateProblem::Said(said) => said.code,
                DelegateProblem::NoResult { .. }
                | DelegateProblem::Status { .. }
                | DelegateProblem::Hung { .. }
                | DelegateProblem::Exec(_) => code::DELEGATE,
            },
            Self::AlreadyAttached { .. } | Self::Record { .. } => code::RECORD,
            Self::NotUndone { cause, .. } => cause.code(),
            Self::Several(errors) => errors.first().map_or(code::DELEGATE, Self::code),
        }
    }
}

/// What a plugin's error says, even if it says little.
fn words(error: &spec::cni::Error) -> String {
    let message = if error.msg.is_empty() {
        "it gave an error without a message"
    } else {
        &error.msg
    };
    if error.details.is_empty() {
        message.to_owned()
    } else {
        format!("{message} ({})", error.details)
    }
}

struct List<'a>(&'a [Error]);

fn list(errors: &[Error]) -> List<'_> {
    List(errors)
}

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{error}")?;
        }
        Ok(())
    }
}
