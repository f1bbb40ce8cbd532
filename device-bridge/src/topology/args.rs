//! What the command line can say about topology.

use std::{path::PathBuf, time::Duration};

use api::topology_manager::{Policy, Scope};
use clap::{Args, ValueEnum};

use super::fingerprint::Method;

/// Arguments about topology.
#[derive(Clone, Debug, Args)]
pub struct TopologyArgs {
    /// What is published of the node's devices: to the API server, or with --publish-to into NODE.inventory.json and NODE.topology.json
    #[arg(
        long,
        env = "POLYPOD_BRIDGE_PUBLISH_TOPOLOGY",
        value_name = "WHAT",
        value_delimiter = ',',
        value_enum,
        default_values_t = [Published::Inventory, Published::NodeResourceTopology]
    )]
    pub publish_topology: Vec<Published>,

    /// How often the node is published when nothing changes, at least
    #[arg(
        long,
        env = "POLYPOD_BRIDGE_TOPOLOGY_HEARTBEAT",
        value_name = "SECONDS",
        default_value_t = 60,
        value_parser = clap::value_parser!(u16).range(10..)
    )]
    pub topology_heartbeat: u16,

    /// Which pods the fingerprint in NodeResourceTopology is of: with-exclusive-resources or all
    #[arg(
        long,
        env = "POLYPOD_BRIDGE_TOPOLOGY_FINGERPRINT",
        value_name = "METHOD",
        default_value = "with-exclusive-resources"
    )]
    pub topology_fingerprint: Method,

    /// The kubelet's configuration file, for its topologyManagerPolicy, topologyManagerScope, memoryManagerPolicy and reservedSystemCPUs
    #[arg(long, env = "POLYPOD_BRIDGE_KUBELET_CONFIG", value_name = "PATH")]
    pub kubelet_config: Option<PathBuf>,

    /// The kubelet's topology manager policy, whatever its configuration file says: none, best-effort, restricted or single-numa-node
    #[arg(
        long,
        env = "POLYPOD_BRIDGE_TOPOLOGY_MANAGER_POLICY",
        value_name = "POLICY"
    )]
    pub topology_manager_policy: Option<Policy>,

    /// The kubelet's topology manager scope, whatever its configuration file says: container or pod
    #[arg(
        long,
        env = "POLYPOD_BRIDGE_TOPOLOGY_MANAGER_SCOPE",
        value_name = "SCOPE"
    )]
    pub topology_manager_scope: Option<Scope>,

    /// Where the kernel tells of devices
    #[arg(
        long,
        env = "POLYPOD_BRIDGE_SYSFS_ROOT",
        value_name = "DIR",
        default_value = "/sys"
    )]
    pub sysfs_root: PathBuf,

    /// Where device plugins tell of devices, in files of the folder dp
    #[arg(
        long,
        env = "POLYPOD_BRIDGE_DEVICE_INFO_DIR",
        value_name = "DIR",
        default_value = "/var/run/k8s.cni.cncf.io/devinfo"
    )]
    pub device_info_dir: PathBuf,
}

/// What can be published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Published {
    /// NodeInventory of polypod.dev, for our scheduler
    Inventory,
    /// NodeResourceTopology of topology.node.k8s.io, for other schedulers
    NodeResourceTopology,
    /// Neither
    None,
}

/// What is published of a node, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The node; nothing is published of one without a name.
    pub node: Option<String>,
    /// Whether NodeInventory is.
    pub inventory: bool,
    /// Whether NodeResourceTopology is.
    pub node_resource_topology: bool,
    /// The longest time between two reports.
    pub heartbeat: Duration,
    /// Of which pods the fingerprint is.
    pub fingerprint: Method,
    /// The kubelet's configuration.
    pub kubelet_config: Option<PathBuf>,
    /// What holds whatever the configuration says.
    pub policy: Option<Policy>,
    /// The same.
    pub scope: Option<Scope>,
    /// Where sysfs is.
    pub sysfs_root: PathBuf,
    /// Where device-info files are.
    pub device_info_dir: PathBuf,
}

/// Arguments that cannot be carried out together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// `none` and something.
    #[error("--publish-topology none stands alone; leave none out, or the other values")]
    NoneAndSome,
}

impl Settings {
    /// As the command line says, for `node`.
    ///
    /// # Errors
    /// Arguments contradict each other.
    pub fn new(args: TopologyArgs, node: Option<String>) -> Result<Self, SettingsError> {
        let TopologyArgs {
            publish_topology: published,
            topology_heartbeat,
            topology_fingerprint,
            kubelet_config,
            topology_manager_policy,
            topology_manager_scope,
            sysfs_root,
            device_info_dir,
        } = args;
        let of = |what| published.contains(&what);
        if of(Published::None) && published.iter().any(|what| *what != Published::None) {
            return Err(SettingsError::NoneAndSome);
        }
        Ok(Self {
            node: node.filter(|node| !node.is_empty()),
            inventory: of(Published::Inventory),
            node_resource_topology: of(Published::NodeResourceTopology),
            heartbeat: Duration::from_secs(topology_heartbeat.into()),
            fingerprint: topology_fingerprint,
            kubelet_config,
            policy: topology_manager_policy,
            scope: topology_manager_scope,
            sysfs_root,
            device_info_dir,
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        topology: TopologyArgs,
    }

    fn settings(arguments: &[&str]) -> Result<Settings, String> {
        let line = Line::try_parse_from([&["x"], arguments].concat());
        let line = line.map_err(|error| error.to_string())?;
        Settings::new(line.topology, Some("n1".to_owned())).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_published() {
        for (value, wanted) in [
            (&[][..], (true, true)),
            (&["--publish-topology", "inventory"], (true, false)),
            (
                &["--publish-topology", "node-resource-topology"],
                (false, true),
            ),
            (&["--publish-topology", "none"], (false, false)),
        ] {
            let settings = settings(value).unwrap();
            let found = (settings.inventory, settings.node_resource_topology);
            assert_eq!(found, wanted, "{value:?}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (wrong, words) in [
            (["--publish-topology", "none,inventory"], "stands alone"),
            (["--publish-topology", "all"], "possible values"),
            (["--topology-heartbeat", "9"], "10..=65535"),
            (["--topology-manager-policy", "strict"], "single-numa-node"),
            (
                ["--topology-fingerprint", "some"],
                "with-exclusive-resources",
            ),
        ] {
            let error = settings(&wrong).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
