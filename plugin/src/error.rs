//! Why a verb fails, and the CNI error code that says so.

use std::{fmt, io, path::PathBuf};

use crate::{
    default_route::{Conflict, RouteError},
    hotplug::HotplugProblem,
};
use spec::{
    bridge::{Failure, FrameError, Legacy},
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
    /// A pod of Multus v1 and a configuration that may be of that release.
    #[error("the pod {}", Legacy::PERHAPS_V1)]
    PerhapsV1,
    /// The network namespace cannot be entered.
    #[error(
        "there is no net namespace to enter at CNI_NETNS={path:?}: {problem}; does the sandbox still exist?"
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
        "network {network:?} cannot be attached: interface name {interface} already exists in the pod; choose another name in the pod's annotation"
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
    /// The runtime's list of valid attachments cannot be read.
    #[error("{0}; nothing was collected")]
    ValidAttachments(#[source] ConfError),
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
    /// The default routes that networks ask for cannot be had together.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// An interface cannot be plugged into a pod that runs, or unplugged.
    #[error(transparent)]
    Hotplug(#[from] HotplugProblem),
    /// A default route cannot be set, or is not as it was set.
    #[error("network {network:?}: {problem}")]
    Route {
        /// The network.
        network: String,
        /// What went wrong.
        #[source]
        problem: RouteError,
    },
    /// A device-info file cannot be handed over or removed.
    #[error("network {network:?}: its device-info file: {problem}")]
    DeviceInfo {
        /// The network.
        network: String,
        /// What went wrong.
        problem: String,
    },
    /// Multus's files cannot be written or removed.
    #[error("Multus's files of the sandbox: {0}")]
    Compat(String),
    /// A sandbox has no record, and what others wrote of it cannot all be read.
    #[error("sandbox {container:?} has no record that can be read; {problem}; {advice}")]
    Lost {
        /// The sandbox.
        container: String,
        /// What could not be taken away, and why.
        problem: String,
        /// What to do.
        advice: String,
    },
    /// The cluster network is not ready.
    #[error(
        "the cluster network is not ready: still waiting for readinessindicatorfile @ {}; have you checked that its daemon runs on this node?", file.display()
    )]
    NotReady {
        /// The file that is not there.
        file: PathBuf,
    },
    /// An ADD would fail now.
    #[error("{0}")]
    NotAvailable(#[source] Box<Self>),
    /// CHECK of a sandbox that has no record.
    #[error("sandbox {container:?} is not attached by interface {interface:?}: there is no record of that at {}", path.display())]
    NotAttached {
        /// The sandbox.
        container: String,
        /// `CNI_IFNAME`.
        interface: InterfaceName,
        /// Where its record would be.
        path: PathBuf,
    },
    /// CHECK of an attachment whose ADD did not get through.
    #[error(
        "network {network:?}, interface {interface:?}: ADD was begun and has no result; DEL the sandbox"
    )]
    NeverAttached {
        /// The network.
        network: String,
        /// The interface.
        interface: InterfaceName,
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
    #[error(
        "no device-bridge answers at its socket, and executing {} instead failed: {problem}; install polypod-device-bridge beside the plugin, or name it by the key \"resolver\"", path.display()
    )]
    Resolver {
        /// Its executable.
        path: PathBuf,
        /// What went wrong.
        problem: BridgeProblem,
    },
    /// The API server does not take the token of who was asked, until somebody renews it.
    #[error(
        "{0}; nobody renewed it in time (bridgeTimeout); look whether polypod-device-bridge runs on this node and what it logs of the plugin's token"
    )]
    NotAuthenticated(#[source] Failure),
    /// The device-bridge says the request cannot be met.
    #[error(transparent)]
    Unmet(#[from] Failure),
    /// A plugin's executable is not there.
    #[error(
        "network {network:?}: failed to find plugin {plugin:?} in path [{searched}]; install it or correct the network's type"
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
        "network {network:?}{}: plugin {plugin:?} failed at {verb}: {problem}",
        interface.as_ref().map_or_else(String::new, |interface| format!(", interface {interface:?}"))
    )]
    Delegate {
        /// The network.
        network: String,
        /// The interface, where the verb is about one.
        interface: Option<InterfaceName>,
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
    /// Somebody else is at work on a sandbox.
    #[error(
        "another call is at work on sandbox {container:?}, or a delegate that one has left behind; try again when it is through"
    )]
    Busy {
        /// The sandbox.
        container: String,
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
        seconds: f64,
    },
    /// The verb's time is over, before it was executed.
    #[error(
        "there was no time left to execute it; raise \"timeout\" or mend the plugins that take so long"
    )]
    NoTime,
    /// It could not be executed.
    #[error("it cannot be executed: {0}")]
    Exec(#[source] io::Error),
}

impl Error {
    /// Whether the agent is not there: nobody listens at its socket, or it has ended while it was spoken to.
    #[must_use]
    pub fn is_absence(&self) -> bool {
        matches!(self, Self::Bridge { problem: BridgeProblem::Io(error), .. } if matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset
        ))
    }

    /// Success where nothing failed.
    ///
    /// # Errors
    /// All of `errors`.
    pub fn all(errors: Vec<Self>) -> Result<(), Self> {
        if errors.is_empty() {
            Ok(())
        } else {
            Err(Self::Several(errors))
        }
    }

    /// Whether a plugin gave this error itself, with a code of its own.
    #[must_use]
    pub fn is_said(&self) -> bool {
        matches!(self, Self::Delegate { problem, .. } if matches!(&**problem, DelegateProblem::Said(_)))
    }

    /// Whether somebody who is away for the moment would mend it by coming back.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::NoAnswer { passing: true, .. } | Self::NotAuthenticated(_)
        )
    }

    /// The code of the CNI error.
    #[must_use]
    pub fn code(&self) -> u32 {
        match self {
            Self::Environment(_) => code::INVALID_ENVIRONMENT,
            Self::Stdin(_) => code::IO_FAILURE,
            Self::NotJson(_) => code::UNDECODABLE,
            Self::Version(_) => code::INCOMPATIBLE_VERSION,
            Self::Key { .. }
            | Self::ValidAttachments(_)
            | Self::DelegateConf { .. }
            | Self::NoConf { .. } => code::INVALID_CONF,
            Self::Unattachable { problem, .. } => match problem {
                Unmet::Capability { .. } => code::UNMET_REQUEST,
                Unmet::CniArgs(_) | Unmet::SelfDelegation { .. } => code::INVALID_CONF,
            },
            Self::Route { problem, .. } => match problem {
                RouteError::NoInterface { .. } | RouteError::Add { .. } => code::UNMET_REQUEST,
                RouteError::Netns { .. } => code::INVALID_ENVIRONMENT,
                RouteError::Netlink { .. }
                | RouteError::Remove { .. }
                | RouteError::StillThere { .. }
                | RouteError::Gone { .. } => code::IO_FAILURE,
            },
            Self::DeviceInfo { .. } | Self::Compat(_) => code::IO_FAILURE,
            Self::NotReady { .. } => code::NOT_AVAILABLE,
            Self::NotAvailable(_) => code::NOT_AVAILABLE,
            Self::NotAttached { .. } | Self::NeverAttached { .. } => code::UNKNOWN_CONTAINER,
            Self::Hotplug(problem) => problem.code(),
            Self::NotAuthenticated(_) => code::TRY_AGAIN_LATER,
            Self::Conflict(_) | Self::InterfaceTaken { .. } => code::UNMET_REQUEST,
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
            Self::PerhapsV1 | Self::InterfaceThere { .. } => code::UNMET_REQUEST,
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
                | DelegateProblem::NoTime
                | DelegateProblem::Exec(_) => code::DELEGATE,
            },
            Self::Busy { .. } => code::TRY_AGAIN_LATER,
            Self::AlreadyAttached { .. } | Self::Lost { .. } | Self::Record { .. } => code::RECORD,
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
