//! The command line of the hot-plug socket.

use std::path::PathBuf;

use clap::Args as Arguments;

/// Arguments of the hot-plug socket.
#[derive(Clone, Debug, PartialEq, Eq, Arguments)]
pub struct HotplugArgs {
    /// A second unix socket with Multus's HTTP API (/cni, /delegate), for multus-shim and controllers that plug interfaces into pods that run; none unless it is given
    #[arg(long, env = "POLYPOD_BRIDGE_HOTPLUG_SOCKET", value_name = "PATH")]
    pub hotplug_socket: Option<PathBuf>,

    /// The configuration whose keys are written over those of each request, as Multus's daemon-config.json
    #[arg(
        long,
        env = "POLYPOD_BRIDGE_HOTPLUG_CONFIG",
        value_name = "PATH",
        requires = "hotplug_socket"
    )]
    pub hotplug_config: Option<PathBuf>,

    /// The CNI plugin polypod, as the host sees it; without it the one in binDir, where --install puts it, in a request's CNI_PATH or in /opt/cni/bin
    #[arg(long, env = "POLYPOD_BRIDGE_PLUGIN_PATH", value_name = "PATH")]
    pub plugin_path: Option<PathBuf>,

    /// The process whose mount and network namespaces the plugin is executed in: 1 for the host's, where this runs in a container with hostPID; without it this process's own
    #[arg(
        long,
        env = "POLYPOD_BRIDGE_HOST_PID",
        value_name = "PID",
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub host_pid: Option<u32>,

    /// How long one execution of the plugin may take before it is killed; more than its own timeout, so that it can undo what failed
    #[arg(
        long,
        env = "POLYPOD_BRIDGE_HOTPLUG_TIMEOUT",
        value_name = "SECONDS",
        default_value_t = 210,
        value_parser = clap::value_parser!(u16).range(1..)
    )]
    pub hotplug_timeout: u16,
}

/// What joins the namespaces of a process and becomes a program there: how the hot-plug socket executes the plugin in the
/// host's namespaces.
#[derive(Clone, Debug, PartialEq, Eq, Arguments)]
pub struct EnterArgs {
    /// The process whose mount and network namespaces are joined
    #[arg(long, value_name = "PID", value_parser = clap::value_parser!(u32).range(1..))]
    pub pid: u32,

    /// The program, as that process sees it
    #[arg(value_name = "PROGRAM")]
    pub program: PathBuf,
}
