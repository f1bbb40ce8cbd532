//! The command line of `install`, `uninstall` and `serve --install`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{plugin_token::args::PluginTokenArgs, preset::Preset};

/// Arguments of `install`.
#[derive(Clone, Debug, Args)]
pub struct InstallCommandArgs {
    /// Installs once and ends, instead of keeping the configuration true until it is stopped
    #[arg(long, env = "POLYPOD_INSTALL_ONCE")]
    pub once: bool,

    /// Gives the node back to Multus, whose place was taken by --adopt-multus, and ends
    #[arg(long, conflicts_with_all = ["once", "adopt_multus"])]
    pub restore_multus: bool,

    /// With --restore-multus: goes on where pods would be left that Multus cannot delete, or that cannot be started
    #[arg(long, requires = "restore_multus")]
    pub force: bool,

    /// With --restore-multus: how long sandboxes are waited for when the configuration is gone, because the runtime may be about to execute the plugin
    #[arg(
        long,
        requires = "restore_multus",
        value_name = "SECONDS",
        default_value_t = 5,
        value_parser = clap::value_parser!(u32).range(..=3600)
    )]
    pub grace: u32,

    /// What is installed.
    #[command(flatten)]
    pub install: InstallArgs,

    /// This node, for --plugin-service-account
    #[arg(long, env = "NODE_NAME", value_name = "NAME")]
    pub node_name: Option<String>,

    /// What is logged, such as info or device_bridge=debug; without it RUST_LOG's word, else info
    #[arg(long, env = "POLYPOD_BRIDGE_LOG_LEVEL", value_name = "LEVEL")]
    pub log_level: Option<String>,
}

/// Arguments of `uninstall`.
#[derive(Clone, Debug, Args)]
pub struct UninstallCommandArgs {
    /// Removes the plugin although sandboxes are left that it attached, and the configuration although none is left then
    #[arg(long, env = "POLYPOD_UNINSTALL_FORCE")]
    pub force: bool,

    /// How long the executables stay when the configuration is gone: the runtime may be about to execute the plugin
    #[arg(
        long,
        env = "POLYPOD_UNINSTALL_GRACE",
        value_name = "SECONDS",
        default_value_t = 5,
        value_parser = clap::value_parser!(u32).range(..=3600)
    )]
    pub grace: u32,

    /// Waits for SIGTERM when it is done, as the container of a DaemonSet has to
    #[arg(long, env = "POLYPOD_UNINSTALL_STAY")]
    pub stay: bool,

    /// Where.
    #[command(flatten)]
    pub places: PlaceArgs,

    /// What is logged, such as info or device_bridge=debug; without it RUST_LOG's word, else info
    #[arg(long, env = "POLYPOD_BRIDGE_LOG_LEVEL", value_name = "LEVEL")]
    pub log_level: Option<String>,
}

/// Arguments of `serve` about installing.
#[derive(Clone, Debug, Args)]
pub struct ServeInstallArgs {
    /// Installs too, and keeps the configuration true, as the command install does
    #[arg(long = "install", env = "POLYPOD_BRIDGE_INSTALL")]
    pub wanted: bool,

    /// What is installed.
    #[command(flatten)]
    pub install: InstallArgs,
}

/// What is installed.
#[derive(Clone, Debug, Args)]
pub struct InstallArgs {
    /// Where.
    #[command(flatten)]
    pub places: PlaceArgs,

    /// The plugin's executable; without it polypod beside this executable
    #[arg(long, env = "POLYPOD_INSTALL_PLUGIN_BINARY", value_name = "PATH")]
    pub plugin_binary: Option<PathBuf>,

    /// Another name that the plugin is installed under; what has that name is kept for uninstall
    #[arg(long, env = "POLYPOD_INSTALL_ALIAS", value_name = "NAME")]
    pub alias: Option<Alias>,

    /// The file name of the cluster network's configuration; without it the first by name that is not Polypod's or Multus's
    #[arg(long, env = "POLYPOD_INSTALL_PRIMARY_CONF", value_name = "FILE")]
    pub primary_conf: Option<String>,

    /// Takes Multus's place: its configuration and its daemon's give keys, name and the cluster network, and the first is moved aside
    #[arg(long, env = "POLYPOD_INSTALL_ADOPT_MULTUS", alias = "replace-multus")]
    pub adopt_multus: bool,

    /// The configuration of Multus's daemon, as this process sees it; without it multus.d/daemon-config.json in --cni-conf-dir
    #[arg(
        long,
        env = "POLYPOD_INSTALL_MULTUS_DAEMON_CONFIG",
        value_name = "PATH",
        requires = "adopt_multus"
    )]
    pub multus_daemon_config: Option<PathBuf>,

    /// Goes on with --adopt-multus where nothing of Multus is found, as on a node that never had it
    #[arg(
        long,
        env = "POLYPOD_INSTALL_MULTUS_MAY_BE_ABSENT",
        requires = "adopt_multus"
    )]
    pub multus_may_be_absent: bool,

    /// The network's name; without it the one of the cluster network, so that pods of before are known by it
    #[arg(long, env = "POLYPOD_INSTALL_NETWORK_NAME", value_name = "NAME")]
    pub network_name: Option<String>,

    /// The CNI version of the configuration; without it the one of the cluster network
    #[arg(long, env = "POLYPOD_INSTALL_CNI_VERSION", value_name = "VERSION")]
    pub cni_version: Option<String>,

    /// Keys of the plugin's configuration.
    #[command(flatten)]
    pub keys: KeyArgs,

    /// What the plugin's kubeconfig is made from.
    #[command(flatten)]
    pub credentials: CredentialArgs,

    /// How often everything is looked at again, besides at every change
    #[arg(
        long,
        env = "POLYPOD_INSTALL_POLL_INTERVAL",
        value_name = "SECONDS",
        default_value_t = 10,
        value_parser = clap::value_parser!(u16).range(1..)
    )]
    pub poll_interval: u16,
}

/// Where things are on the node.
#[derive(Clone, Debug, Args)]
pub struct PlaceArgs {
    /// Whose paths the others default to
    #[arg(
        long,
        env = "POLYPOD_INSTALL_PRESET",
        value_name = "NAME",
        default_value = "containerd"
    )]
    pub preset: Preset,

    /// Where the node's root is mounted; all other paths are as the node has them
    #[arg(
        long,
        env = "POLYPOD_INSTALL_HOST_ROOT",
        value_name = "DIR",
        default_value = "/"
    )]
    pub host_root: PathBuf,

    /// Where the runtime looks for plugins; without it the preset's
    #[arg(long, env = "POLYPOD_INSTALL_CNI_BIN_DIR", value_name = "DIR")]
    pub cni_bin_dir: Option<PathBuf>,

    /// Where the runtime looks for its configuration; without it the preset's
    #[arg(long, env = "POLYPOD_INSTALL_CNI_CONF_DIR", value_name = "DIR")]
    pub cni_conf_dir: Option<PathBuf>,

    /// Where the cluster network's configuration is; without it --cni-conf-dir, else the preset's
    #[arg(long, env = "POLYPOD_INSTALL_PRIMARY_CONF_DIR", value_name = "DIR")]
    pub primary_conf_dir: Option<PathBuf>,

    /// The file that is written; runtimes take the first by name
    #[arg(
        long,
        env = "POLYPOD_INSTALL_CONF_NAME",
        value_name = "FILE",
        default_value = "00-polypod.conflist"
    )]
    pub conf_name: String,

    /// Where the plugin keeps its sandbox records (the key cniDir)
    #[arg(
        long,
        env = "POLYPOD_INSTALL_CNI_DIR",
        value_name = "DIR",
        default_value = "/var/lib/cni/multus"
    )]
    pub cni_dir: PathBuf,

    /// The kubeconfig that is written for the plugin where no device-bridge answers; `install` writes none without it
    #[arg(long, env = "POLYPOD_INSTALL_PLUGIN_KUBECONFIG", value_name = "PATH")]
    pub plugin_kubeconfig: Option<PathBuf>,
}

/// A path of the node, as this process sees it whose node's root is mounted at `host_root`.
pub(super) fn below(host_root: &Path, path: &Path) -> PathBuf {
    // What stands after the root is relative, and would otherwise replace the prefix.
    host_root.join(path.strip_prefix("/").unwrap_or(path))
}

impl PlaceArgs {
    /// `cniDir`, as this process sees it.
    #[must_use]
    pub fn cni_dir_here(&self) -> PathBuf {
        below(&self.host_root, &self.cni_dir)
    }
}

/// Keys of the plugin's configuration. docs/configuration.md says what they mean.
#[derive(Clone, Debug, Default, Args)]
pub struct KeyArgs {
    /// Keys of the plugin's configuration as a JSON or YAML object; flags win over it
    #[arg(long, env = "POLYPOD_INSTALL_CONF_KEYS", value_name = "FILE")]
    pub conf_keys: Option<PathBuf>,

    /// The key bridgeSocket; without it where the device-bridge serves by default
    #[arg(
        long,
        env = "POLYPOD_INSTALL_PLUGIN_BRIDGE_SOCKET",
        value_name = "PATH"
    )]
    pub plugin_bridge_socket: Option<PathBuf>,

    /// No key bridgeSocket: the node has no device-bridge
    #[arg(
        long,
        env = "POLYPOD_INSTALL_NO_BRIDGE_SOCKET",
        conflicts_with = "plugin_bridge_socket"
    )]
    pub no_bridge_socket: bool,

    /// The key podResourcesSocket; without it where the device-bridge asks the kubelet, if that is not the kubelet's default
    #[arg(
        long,
        env = "POLYPOD_INSTALL_PLUGIN_POD_RESOURCES_SOCKET",
        value_name = "PATH"
    )]
    pub plugin_pod_resources_socket: Option<PathBuf>,

    /// The key namespaceIsolation
    #[arg(long, env = "POLYPOD_INSTALL_NAMESPACE_ISOLATION")]
    pub namespace_isolation: bool,

    /// The key globalNamespaces
    #[arg(
        long,
        env = "POLYPOD_INSTALL_GLOBAL_NAMESPACES",
        value_name = "NAMESPACE,…"
    )]
    pub global_namespaces: Option<String>,

    /// The key readinessindicatorfile
    #[arg(
        long,
        env = "POLYPOD_INSTALL_READINESS_INDICATOR_FILE",
        value_name = "PATH"
    )]
    pub readiness_indicator_file: Option<PathBuf>,

    /// The key logLevel
    #[arg(long, env = "POLYPOD_INSTALL_PLUGIN_LOG_LEVEL", value_name = "LEVEL")]
    pub plugin_log_level: Option<String>,

    /// The key logFile
    #[arg(long, env = "POLYPOD_INSTALL_PLUGIN_LOG_FILE", value_name = "PATH")]
    pub plugin_log_file: Option<PathBuf>,

    /// The key compat; without it multus where --adopt-multus is given
    #[arg(long, env = "POLYPOD_INSTALL_COMPAT", value_name = "WITH")]
    pub compat: Option<Compat>,
}

/// What the plugin's kubeconfig is made from.
#[derive(Clone, Debug, Args)]
pub struct CredentialArgs {
    /// The folder with the service account's token and ca.crt
    #[arg(
        long,
        env = "POLYPOD_INSTALL_SERVICE_ACCOUNT_DIR",
        value_name = "DIR",
        default_value = "/var/run/secrets/kubernetes.io/serviceaccount"
    )]
    pub service_account_dir: PathBuf,

    /// The API server as the node reaches it; without it the one that every pod is told
    #[arg(long, env = "POLYPOD_INSTALL_API_SERVER", value_name = "URL")]
    pub api_server: Option<String>,

    /// Whose token is in it.
    #[command(flatten)]
    pub plugin_token: PluginTokenArgs,

    /// What every pod is told.
    #[arg(long, env = "KUBERNETES_SERVICE_HOST", hide = true)]
    pub kubernetes_service_host: Option<String>,

    /// What every pod is told.
    #[arg(long, env = "KUBERNETES_SERVICE_PORT", hide = true)]
    pub kubernetes_service_port: Option<u16>,
}

/// A name that the plugin goes by besides its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Alias {
    /// Configurations of Multus find it
    Multus,
    /// Configurations of Multus's daemon find it
    MultusShim,
}

impl Alias {
    /// The name of the file.
    #[must_use]
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::Multus => "multus",
            Self::MultusShim => "multus-shim",
        }
    }

    /// Every alias there is.
    pub const ALL: [Self; 2] = [Self::Multus, Self::MultusShim];
}

/// Whose files the plugin writes besides its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Compat {
    /// Multus's
    Multus,
    /// Nobody's: once Multus's place is taken it cannot delete pods of ours
    None,
}
