//! The command line of `install`, checked: values that can be carried out.

use std::{
    path::{Component, Path, PathBuf},
    time::Duration,
};

use serde_json::{Map, Value};
use spec::cni::{NetworkName, Version};

use super::{
    args::{
        Alias, Compat, CredentialArgs, InstallArgs, InstallCommandArgs, PlaceArgs,
        UninstallCommandArgs, below,
    },
    key_flags::{AskedSockets, key_flags},
    plugin_token::{PluginToken, PluginTokenError},
};

/// What is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Install {
    /// Where.
    pub places: Places,
    /// The plugin's executable, as this process sees it; `None` is `polypod` beside this process's own.
    pub plugin_binary: Option<PathBuf>,
    /// The other name.
    pub alias: Option<Alias>,
    /// The file with the primary configuration, if not the first.
    pub primary_file: Option<String>,
    /// Whether Multus's place is taken.
    pub adopt_multus: bool,
    /// The configuration of Multus's daemon, as this process sees it, where one is named.
    pub multus_daemon: Option<PathBuf>,
    /// Whether a node without anything of Multus is installed all the same.
    pub multus_may_be_absent: bool,
    /// Whose files the plugin writes besides its own, where that is said.
    pub compat: Option<Compat>,
    /// The network's name, if it is not the primary's.
    pub network_name: Option<NetworkName>,
    /// The CNI version, if it is not the primary's.
    pub version: Option<Version>,
    /// The file with keys, as this process sees it.
    pub keys_file: Option<PathBuf>,
    /// Keys given by flags.
    pub keys: Map<String, Value>,
    /// What the plugin's kubeconfig is made from, if there is to be one.
    pub credentials: Option<Credentials>,
    /// The token in it, if it is not this process's own.
    pub plugin_token: Option<PluginToken>,
    /// How long nothing is looked at where nothing changes.
    pub poll_interval: Duration,
}

/// Where things are. Paths are as the node has them; [`Places::here`] says how this process sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// Where the node's root is.
    pub host_root: PathBuf,
    /// The folder of plugins.
    pub bin_dir: PathBuf,
    /// The folder that the runtime takes its configuration from.
    pub conf_dir: PathBuf,
    /// The folder with the primary configuration.
    pub primary_dir: PathBuf,
    /// Our file in `conf_dir`.
    pub conf_name: String,
    /// `cniDir`.
    pub cni_dir: PathBuf,
    /// The plugin's kubeconfig.
    pub kubeconfig: Option<PathBuf>,
    /// Whether the runtime deletes a sandbox by the configuration that it was started with.
    pub deletes_by_cache: bool,
}

/// What a kubeconfig is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The folder with `token` and `ca.crt`, as this process sees it.
    pub service_account: PathBuf,
    /// The API server's URL.
    pub server: String,
}

/// What is uninstalled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uninstall {
    /// Where.
    pub places: Places,
    /// Whether to go on where something would be left without what it needs.
    pub force: bool,
    /// How long the executables stay when the configuration is gone.
    pub grace: Duration,
    /// Whether the end of it is not the end of the process.
    pub stay: bool,
}

/// An argument that cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A path that is not one of the node.
    #[error("{flag} {} is not valid: write an absolute path without .., as the node has it", path.display())]
    Path {
        /// The flag.
        flag: &'static str,
        /// What was given.
        path: PathBuf,
    },
    /// A file name that is none, or that the runtime would not read.
    #[error("{flag} {name:?} is not valid: write the plain name of a file that ends in {wanted}")]
    FileName {
        /// The flag.
        flag: &'static str,
        /// What was given.
        name: String,
        /// The endings.
        wanted: &'static str,
    },
    /// The primary would be our own file.
    #[error(
        "--primary-conf {0:?} is the file that is written (--conf-name); name the cluster network's"
    )]
    PrimaryIsOurs(String),
    /// A network name.
    #[error("--network-name is not valid: {0}")]
    NetworkName(spec::NameError),
    /// A version.
    #[error("--cni-version is not valid: {0}")]
    Version(spec::cni::UnsupportedVersion),
    /// A version in which chains do not exist.
    #[error("--cni-version {0} is too old for a list of plugins; write 0.3.1 or a later one")]
    OldVersion(Version),
    /// A kubeconfig for nobody knows which server.
    #[error(
        "--plugin-kubeconfig needs the API server's address: give --api-server, or run in a pod (KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT)"
    )]
    NoServer,
    /// The plugin's token.
    #[error(transparent)]
    PluginToken(#[from] PluginTokenError),
}

/// What the key `bridgeSocket` is unless somebody says otherwise.
pub(super) const BRIDGE_SOCKET: &str = "/run/polypod/bridge.sock";

impl Install {
    /// What the command `install` is to do, and whether only once.
    ///
    /// # Errors
    /// An argument that cannot be carried out.
    pub fn of_command(
        args: InstallCommandArgs,
    ) -> Result<(Self, bool, Option<String>), SettingsError> {
        let InstallCommandArgs {
            once,
            restore_multus: _,
            force: _,
            grace: _,
            install,
            node_name,
            log_level,
        } = args;
        let sockets = AskedSockets {
            bridge: Path::new(BRIDGE_SOCKET),
            pod_resources: install.places.preset.pod_resources_socket(),
        };
        let install = Self::of(install, sockets, node_name.as_deref())?;
        Ok((install, once, log_level))
    }

    /// What is to be installed on `node_name`; the plugin and its resolver ask at `sockets` unless the arguments say otherwise.
    ///
    /// # Errors
    /// An argument that cannot be carried out.
    pub fn of(
        args: InstallArgs,
        sockets: AskedSockets<'_>,
        node_name: Option<&str>,
    ) -> Result<Self, SettingsError> {
        let InstallArgs {
            places,
            plugin_binary,
            alias,
            primary_conf,
            adopt_multus,
            multus_daemon_config,
            multus_may_be_absent,
            network_name,
            cni_version,
            keys,
            credentials,
            poll_interval,
        } = args;
        let places = Places::of(places)?;
        if let Some(file) = &primary_conf {
            plain(file, "--primary-conf", &["conflist", "conf", "json"])?;
            if *file == places.conf_name && places.primary_dir == places.conf_dir {
                return Err(SettingsError::PrimaryIsOurs(file.clone()));
            }
        }
        let version = cni_version
            .map(|version| version.parse::<Version>().map_err(SettingsError::Version))
            .transpose()?;
        if let Some(old) = version.filter(|version| *version < Version::V0_3_1) {
            return Err(SettingsError::OldVersion(old));
        }
        let (credentials, plugin_token) = if places.kubeconfig.is_some() {
            let (credentials, plugin_token) = Credentials::of(credentials, node_name)?;
            (Some(credentials), plugin_token)
        } else if credentials.plugin_token.plugin_service_account.is_some() {
            return Err(PluginTokenError::NoKubeconfig.into());
        } else {
            (None, None)
        };
        let (keys_file, compat) = (keys.conf_keys.clone(), keys.compat);
        Ok(Self {
            keys: key_flags(keys, sockets, &places)?,
            places,
            plugin_binary,
            alias,
            primary_file: primary_conf,
            adopt_multus,
            multus_daemon: multus_daemon_config,
            multus_may_be_absent,
            compat,
            network_name: network_name
                .map(|name| name.parse().map_err(SettingsError::NetworkName))
                .transpose()?,
            version,
            keys_file,
            credentials,
            plugin_token,
            poll_interval: Duration::from_secs(poll_interval.into()),
        })
    }
}

/// A node that is given back to Multus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restore {
    /// Where.
    pub places: Places,
    /// The configuration of Multus's daemon, as this process sees it, where one is named.
    pub multus_daemon: Option<PathBuf>,
    /// Whether to go on where pods would be left without what they need.
    pub force: bool,
    /// How long what the plugin attaches is waited for when our configuration is gone.
    pub grace: Duration,
}

impl Restore {
    /// What `install --restore-multus` is to do.
    ///
    /// # Errors
    /// An argument that cannot be carried out.
    pub fn of_command(args: InstallCommandArgs) -> Result<(Self, Option<String>), SettingsError> {
        let places = Places::of(args.install.places)?;
        let restore = Self {
            places,
            multus_daemon: args.install.multus_daemon_config,
            force: args.force,
            grace: Duration::from_secs(args.grace.into()),
        };
        Ok((restore, args.log_level))
    }
}

impl Uninstall {
    /// What the command `uninstall` is to do.
    ///
    /// # Errors
    /// An argument that cannot be carried out.
    pub fn of_command(args: UninstallCommandArgs) -> Result<(Self, Option<String>), SettingsError> {
        let UninstallCommandArgs {
            force,
            grace,
            stay,
            places,
            log_level,
        } = args;
        let uninstall = Self {
            places: Places::of(places)?,
            force,
            grace: Duration::from_secs(grace.into()),
            stay,
        };
        Ok((uninstall, log_level))
    }
}

impl Places {
    fn of(args: PlaceArgs) -> Result<Self, SettingsError> {
        let PlaceArgs {
            preset,
            host_root,
            cni_bin_dir,
            cni_conf_dir,
            primary_conf_dir,
            conf_name,
            cni_dir,
            plugin_kubeconfig,
        } = args;
        let deletes_by_cache = preset.deletes_by_cache();
        let paths = preset.paths();
        let primary_dir = primary_conf_dir
            .or_else(|| cni_conf_dir.clone())
            .unwrap_or_else(|| paths.primary_conf_dir.into());
        plain(&conf_name, "--conf-name", &["conflist"])?;
        Ok(Self {
            host_root: of_node(host_root, "--host-root")?,
            bin_dir: of_node(
                cni_bin_dir.unwrap_or_else(|| paths.cni_bin_dir.into()),
                "--cni-bin-dir",
            )?,
            conf_dir: of_node(
                cni_conf_dir.unwrap_or_else(|| paths.cni_conf_dir.into()),
                "--cni-conf-dir",
            )?,
            primary_dir: of_node(primary_dir, "--primary-conf-dir")?,
            conf_name,
            cni_dir: of_node(cni_dir, "--cni-dir")?,
            kubeconfig: plugin_kubeconfig
                .map(|path| of_node(path, "--plugin-kubeconfig"))
                .transpose()?,
            deletes_by_cache,
        })
    }

    /// A path of the node, as this process sees it.
    #[must_use]
    pub fn here(&self, path: &Path) -> PathBuf {
        below(&self.host_root, path)
    }

    /// A plugin's executable, as this process sees it.
    #[must_use]
    pub fn executable(&self, name: &str) -> PathBuf {
        self.here(&self.bin_dir).join(name)
    }

    /// Our configuration, as this process sees it.
    #[must_use]
    pub fn conf_file(&self) -> PathBuf {
        self.here(&self.conf_dir).join(&self.conf_name)
    }

    /// Whether the primary configuration is where the runtime looks, too.
    #[must_use]
    pub fn is_one_folder(&self) -> bool {
        self.primary_dir == self.conf_dir
    }
}

impl Credentials {
    fn of(
        args: CredentialArgs,
        node_name: Option<&str>,
    ) -> Result<(Self, Option<PluginToken>), SettingsError> {
        let CredentialArgs {
            service_account_dir,
            api_server,
            plugin_token,
            kubernetes_service_host,
            kubernetes_service_port,
        } = args;
        let told = kubernetes_service_host
            .filter(|host| !host.is_empty())
            .map(|host| {
                let port = kubernetes_service_port.unwrap_or(443);
                // An address of IPv6 has colons of its own.
                if host.contains(':') {
                    format!("https://[{host}]:{port}")
                } else {
                    format!("https://{host}:{port}")
                }
            });
        let server = api_server.or(told.clone()).ok_or(SettingsError::NoServer)?;
        // A pod may reach it where it was told to, and not where the node does.
        let from_here = told.unwrap_or_else(|| server.clone());
        let plugin_token = PluginToken::of(
            plugin_token,
            node_name,
            from_here,
            service_account_dir.clone(),
        )?;
        let credentials = Self {
            service_account: service_account_dir,
            server,
        };
        Ok((credentials, plugin_token))
    }
}

pub(super) fn of_node(path: PathBuf, flag: &'static str) -> Result<PathBuf, SettingsError> {
    let is_plain = path.is_absolute()
        && path.to_str().is_some()
        && path
            .components()
            .all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    if is_plain {
        // Without a slash at the end, so that equal folders are equal.
        Ok(path.components().collect())
    } else {
        Err(SettingsError::Path { flag, path })
    }
}

fn plain(
    name: &str,
    flag: &'static str,
    endings: &'static [&'static str],
) -> Result<(), SettingsError> {
    let path = Path::new(name);
    let has_ending = path
        .extension()
        .and_then(|ending| ending.to_str())
        .is_some_and(|ending| endings.contains(&ending));
    if has_ending && path.file_name() == Some(path.as_os_str()) && !name.starts_with('.') {
        return Ok(());
    }
    Err(SettingsError::FileName {
        flag,
        name: name.to_owned(),
        wanted: if endings.len() == 1 {
            ".conflist"
        } else {
            ".conflist, .conf or .json"
        },
    })
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
