//! The command line, as people write it.

use std::path::PathBuf;

use clap::{Args as Arguments, Parser, Subcommand};

use crate::{
    health::HealthArgs,
    hotplug::args::{EnterArgs, HotplugArgs},
    install::args::{InstallCommandArgs, ServeInstallArgs, UninstallCommandArgs},
    kubelet::KubeletArgs,
    logging::LogFormat,
    reconcile::args::ReconcileArgs,
    telemetry::TelemetryArgs,
    topology::TopologyArgs,
};

/// Node agent: asks the kubelet which devices a pod was given and answers the CNI plugin polypod.
#[derive(Clone, Debug, Parser)]
#[command(name = "polypod-device-bridge", version)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
#[allow(
    clippy::large_enum_variant,
    reason = "a process has one of it, and not for long"
)]
pub enum Command {
    /// Answers requests on a unix socket until it is stopped
    Serve(ServeArgs),
    /// Answers one request: a frame on standard input, a frame on standard output
    Resolve(ResolveArgs),
    /// Installs the plugin and its CNI configuration on this node, and keeps both true until it is stopped
    Install(Box<InstallCommandArgs>),
    /// Hands the node back to its cluster network
    Uninstall(UninstallCommandArgs),
    /// Joins namespaces and becomes a program there
    #[command(hide = true)]
    Enter(EnterArgs),
}

/// Arguments of `serve`.
#[derive(Clone, Debug, Arguments)]
pub struct ServeArgs {
    /// What both need.
    #[command(flatten)]
    pub both: BothArgs,

    /// The unix socket on which the plugin asks
    #[arg(
        long,
        env = "POLYPOD_BRIDGE_SOCKET",
        value_name = "PATH",
        default_value = "/run/polypod/bridge.sock"
    )]
    pub bridge_socket: PathBuf,

    /// The node whose pods are watched; needed without --objects
    #[arg(long, env = "NODE_NAME", value_name = "NAME")]
    pub node_name: Option<String>,

    /// Of reconciling.
    #[command(flatten)]
    pub reconcile: ReconcileArgs,

    /// Whether it installs, too.
    #[command(flatten)]
    pub install: Box<ServeInstallArgs>,

    /// What is published of the node.
    #[command(flatten)]
    pub topology: TopologyArgs,
    /// The hot-plug socket.
    #[command(flatten)]
    pub hotplug: HotplugArgs,

    /// Health and metrics.
    #[command(flatten)]
    pub health: HealthArgs,

    /// Traces.
    #[command(flatten)]
    pub telemetry: TelemetryArgs,
}

/// Arguments of `resolve`.
#[derive(Clone, Debug, Arguments)]
pub struct ResolveArgs {
    /// What both need.
    #[command(flatten)]
    pub both: BothArgs,
}

/// Arguments of both commands.
#[derive(Clone, Debug, Arguments)]
pub struct BothArgs {
    /// Files, or folders of files, with NetworkAttachmentDefinitions and pods in YAML or JSON, instead of the API server's
    #[arg(long, env = "POLYPOD_BRIDGE_OBJECTS", value_name = "PATH", num_args = 1.., conflicts_with = "kubeconfig")]
    pub objects: Vec<PathBuf>,

    /// How to reach the API server; without it the pod's own service account
    #[arg(long, env = "POLYPOD_BRIDGE_KUBECONFIG", value_name = "PATH")]
    pub kubeconfig: Option<PathBuf>,

    /// The unix socket of the kubelet's pod-resources API
    #[arg(
        long,
        env = "POLYPOD_BRIDGE_POD_RESOURCES_SOCKET",
        value_name = "PATH",
        default_value = "/var/lib/kubelet/pod-resources/kubelet.sock"
    )]
    pub pod_resources_socket: PathBuf,

    /// How the kubelet is asked.
    #[command(flatten)]
    pub kubelet: KubeletArgs,

    /// Writes network-status to NAMESPACE_POD.json in this folder instead of the pod's annotation, and Events as lines of NAMESPACE_POD.events.jsonl
    #[arg(long, env = "POLYPOD_BRIDGE_PUBLISH_TO", value_name = "DIR")]
    pub publish_to: Option<PathBuf>,

    /// How long the answer to one request may take
    #[arg(
        long,
        env = "POLYPOD_BRIDGE_REQUEST_TIMEOUT",
        value_name = "SECONDS",
        default_value_t = 30,
        value_parser = clap::value_parser!(u16).range(1..)
    )]
    pub request_timeout: u16,

    /// What is logged, such as info or device_bridge=debug; without it RUST_LOG's word, else info
    #[arg(long, env = "POLYPOD_BRIDGE_LOG_LEVEL", value_name = "LEVEL")]
    pub log_level: Option<String>,

    /// How the log is written
    #[arg(
        long,
        env = "POLYPOD_BRIDGE_LOG_FORMAT",
        value_name = "FORMAT",
        value_enum,
        default_value_t
    )]
    pub log_format: LogFormat,
}
