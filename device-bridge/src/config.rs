//! The command line, checked: a value that can be carried out.

use std::{path::PathBuf, time::Duration};

use crate::{
    args::{Args, BothArgs, Command, ResolveArgs, ServeArgs},
    health::HealthArgs,
    hotplug::args::{EnterArgs, HotplugArgs},
    install::{
        key_flags::AskedSockets,
        preset::Preset,
        settings::{Install, Restore, SettingsError, Uninstall},
    },
    kubelet::KubeletSettings,
    logging::LogFormat,
    reconcile::args::ReconcileArgs,
    telemetry::TelemetryArgs,
    topology,
};

/// What the process is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The command.
    pub task: Task,
    /// What is logged, if the command line says it.
    pub log_level: Option<String>,
    /// How it is written.
    pub log_format: LogFormat,
}

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    clippy::large_enum_variant,
    reason = "a process has one of it, and not for long"
)]
pub enum Task {
    /// Be the daemon.
    Serve(Serve),
    /// Answer once.
    Resolve(Resolve),
    /// Install, and keep it true unless `once`.
    Install {
        /// What.
        install: Box<Install>,
        /// Whether to end then.
        once: bool,
    },
    /// Give the node back to Multus.
    Restore(Restore),
    /// Hand the node back.
    Uninstall(Uninstall),
    /// Join namespaces and become a program there.
    Enter(EnterArgs),
}

/// What `serve` needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Serve {
    /// Where objects come from.
    pub objects: ServedObjects,
    /// Where the plugin asks.
    pub bridge_socket: PathBuf,
    /// Where the kubelet is asked.
    pub pod_resources_socket: PathBuf,
    /// How it is asked.
    pub kubelet: KubeletSettings,
    /// The folder for network-status, if not the pod.
    pub publish_to: Option<PathBuf>,
    /// The deadline of a request.
    pub request_timeout: Duration,
    /// Reconciling.
    pub reconcile: ReconcileArgs,
    /// Where sandbox records are.
    pub cni_dir: CniDir,
    /// What is installed besides.
    pub install: Option<Box<Install>>,
    /// What is published of the node.
    pub topology: topology::Settings,
    /// The hot-plug socket.
    pub hotplug: HotplugArgs,
    /// Health and metrics.
    pub health: HealthArgs,
    /// Traces.
    pub telemetry: TelemetryArgs,
}

/// The plugin's `cniDir`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CniDir {
    /// As the node has it.
    pub of_node: PathBuf,
    /// As this process sees it.
    pub here: PathBuf,
}

/// Where the daemon has its objects from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServedObjects {
    /// Files, read once.
    Files(Vec<PathBuf>),
    /// The API server, watched.
    Watched {
        /// Without it the pod's own service account.
        kubeconfig: Option<PathBuf>,
        /// Whose pods.
        node: String,
    },
}

/// What `resolve` needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolve {
    /// Where objects come from.
    pub objects: AskedObjects,
    /// Where the kubelet is asked.
    pub pod_resources_socket: PathBuf,
    /// How it is asked.
    pub kubelet: KubeletSettings,
    /// The folder for network-status, if not the pod.
    pub publish_to: Option<PathBuf>,
    /// The deadline of the request.
    pub request_timeout: Duration,
}

/// Where the one-shot process has its objects from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AskedObjects {
    /// Files.
    Files(Vec<PathBuf>),
    /// The API server, asked for single objects.
    Live {
        /// Without it the pod's own service account.
        kubeconfig: Option<PathBuf>,
    },
}

/// An argument that cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It is not known whose pods are to be watched.
    #[error(
        "--node-name (or NODE_NAME) is missing; give the name of this node, or --objects to do without the API server"
    )]
    NoNodeName,
    /// The node's name is none.
    #[error(
        "--node-name {found:?} is not valid: write the name of this node as kubectl get nodes shows it"
    )]
    NodeName {
        /// What was given.
        found: String,
    },
    /// What is to be installed.
    #[error(transparent)]
    Install(#[from] SettingsError),
    /// What is to be published of the node.
    #[error(transparent)]
    Topology(#[from] topology::SettingsError),
}

impl TryFrom<Args> for Config {
    type Error = ConfigError;

    fn try_from(args: Args) -> Result<Self, ConfigError> {
        let Args { command } = args;
        match command {
            Command::Serve(args) => {
                let ServeArgs {
                    both,
                    bridge_socket,
                    node_name,
                    reconcile,
                    install,
                    topology,
                    hotplug,
                    health,
                    telemetry,
                } = args;
                let preset = install.install.places.preset;
                let cni_dir = CniDir {
                    of_node: install.install.places.cni_dir.clone(),
                    here: install.install.places.cni_dir_here(),
                };
                let (mut common, log_level, log_format) = Common::of(both);
                common.pod_resources_socket = of_preset(common.pod_resources_socket, preset);
                let sockets = AskedSockets {
                    bridge: &bridge_socket,
                    pod_resources: &common.pod_resources_socket,
                };
                let install = install
                    .wanted
                    .then(|| Install::of(install.install, sockets, node_name.as_deref()))
                    .transpose()?
                    .map(Box::new);
                let topology = topology::Settings::new(topology, node_name.clone())?;
                let objects = if common.objects.is_empty() {
                    ServedObjects::Watched {
                        kubeconfig: common.kubeconfig,
                        node: checked(node_name)?,
                    }
                } else {
                    ServedObjects::Files(common.objects)
                };
                let task = Task::Serve(Serve {
                    objects,
                    bridge_socket,
                    kubelet: common.kubelet.beside(&common.pod_resources_socket),
                    pod_resources_socket: common.pod_resources_socket,
                    publish_to: common.publish_to,
                    request_timeout: common.request_timeout,
                    reconcile,
                    cni_dir,
                    install,
                    topology,
                    hotplug,
                    health,
                    telemetry,
                });
                Ok(Self {
                    task,
                    log_level,
                    log_format,
                })
            }
            Command::Install(args) if args.restore_multus => {
                let (restore, log_level) = Restore::of_command(*args)?;
                Ok(Self {
                    task: Task::Restore(restore),
                    log_level,
                    log_format: LogFormat::default(),
                })
            }
            Command::Install(args) => {
                let (install, once, log_level) = Install::of_command(*args)?;
                let install = Box::new(install);
                let task = Task::Install { install, once };
                Ok(Self {
                    task,
                    log_level,
                    log_format: LogFormat::default(),
                })
            }
            Command::Uninstall(args) => {
                let (uninstall, log_level) = Uninstall::of_command(args)?;
                let task = Task::Uninstall(uninstall);
                Ok(Self {
                    task,
                    log_level,
                    log_format: LogFormat::default(),
                })
            }
            Command::Resolve(args) => {
                let ResolveArgs { both } = args;
                let (common, log_level, log_format) = Common::of(both);
                let objects = if common.objects.is_empty() {
                    AskedObjects::Live {
                        kubeconfig: common.kubeconfig,
                    }
                } else {
                    AskedObjects::Files(common.objects)
                };
                let task = Task::Resolve(Resolve {
                    objects,
                    kubelet: common.kubelet.beside(&common.pod_resources_socket),
                    pod_resources_socket: common.pod_resources_socket,
                    publish_to: common.publish_to,
                    request_timeout: common.request_timeout,
                });
                Ok(Self {
                    task,
                    log_level,
                    log_format,
                })
            }
            Command::Enter(args) => Ok(Self {
                task: Task::Enter(args),
                log_level: None,
                log_format: LogFormat::default(),
            }),
        }
    }
}

struct Common {
    objects: Vec<PathBuf>,
    kubeconfig: Option<PathBuf>,
    pod_resources_socket: PathBuf,
    kubelet: KubeletSettings,
    publish_to: Option<PathBuf>,
    request_timeout: Duration,
}

impl Common {
    fn of(args: BothArgs) -> (Self, Option<String>, LogFormat) {
        let BothArgs {
            objects,
            kubeconfig,
            pod_resources_socket,
            kubelet,
            publish_to,
            request_timeout,
            log_level,
            log_format,
        } = args;
        let request_timeout = Duration::from_secs(request_timeout.into());
        let common = Self {
            objects,
            kubeconfig,
            pod_resources_socket,
            kubelet: KubeletSettings::new(kubelet, request_timeout),
            publish_to,
            request_timeout,
        };
        (common, log_level, log_format)
    }
}

/// What nobody has chosen is the preset's; the default of the flag is the default preset's.
fn of_preset(socket: PathBuf, preset: Preset) -> PathBuf {
    if socket == Preset::default().pod_resources_socket() {
        preset.pod_resources_socket().to_owned()
    } else {
        socket
    }
}

/// The name becomes part of a field selector, in which a comma would begin another one.
fn checked(node_name: Option<String>) -> Result<String, ConfigError> {
    let name = node_name
        .filter(|name| !name.is_empty())
        .ok_or(ConfigError::NoNodeName)?;
    let is_name = name
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.'));
    if is_name {
        Ok(name)
    } else {
        Err(ConfigError::NodeName { found: name })
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
