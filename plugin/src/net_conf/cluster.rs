//! `delegates` and `clusterNetwork`: where the pod's primary network comes from.

use serde_json::value::RawValue;
use spec::{
    bridge::Legacy,
    cni::{NetworkConf, NetworkName, Version},
};

use super::keys::Keys;
use crate::error::Error;

/// Where the cluster network comes from.
#[derive(Clone, Debug)]
pub enum Cluster {
    /// `delegates`, the cluster network first. The others are attached to every pod too.
    Delegates {
        /// The configurations, in the order they are executed.
        confs: Vec<NetworkConf>,
        /// The number of the first interface after the cluster network's: 1, or 0 for configurations of Multus v1.
        first_number: usize,
    },
    /// `clusterNetwork`: a NetworkAttachmentDefinition, a CNI name, or a path.
    Named(String),
}

impl Cluster {
    /// Reads `clusterNetwork`, else `delegates`, and says which old release of Multus the configuration is for.
    ///
    /// A kubeconfig with neither was a whole configuration in Multus v1, where a pod's annotation named the cluster network
    /// too, and is an error in every later release: so it is taken for v1.
    pub(super) fn read(
        keys: &Keys,
        name: &NetworkName,
        version: Version,
        has_kubeconfig: bool,
    ) -> Result<(Self, Option<Legacy>), Error> {
        let legacy = match keys.text("legacy")?.as_deref() {
            None => None,
            Some("v1") => Some(Legacy::V1),
            Some("v2") => Some(Legacy::V2),
            Some(other) => {
                return Err(Error::Key {
                    key: "legacy",
                    problem: format!(
                        "it is {other:?} and must be \"v1\" or \"v2\", or be left out"
                    ),
                });
            }
        };
        if let Some(named) = keys.text("clusterNetwork")? {
            return Ok((Self::Named(named), legacy));
        }
        let delegates: Vec<Box<RawValue>> = keys
            .get("delegates", "a list of CNI configurations")?
            .unwrap_or_default();
        if !delegates.is_empty() {
            let cluster = of_delegates(&delegates, name, version, has_kubeconfig, legacy)?;
            return Ok((cluster, legacy));
        }
        if has_kubeconfig && legacy != Some(Legacy::V2) {
            let none = Self::Delegates {
                confs: Vec::new(),
                first_number: 0,
            };
            return Ok((none, Some(Legacy::V1)));
        }
        Err(Error::Key {
            key: "delegates",
            problem:
                "at least one delegate/clusterNetwork must be specified: the pod's primary network"
                    .to_owned(),
        })
    }
}

fn of_delegates(
    delegates: &[Box<RawValue>],
    name: &NetworkName,
    version: Version,
    has_kubeconfig: bool,
    legacy: Option<Legacy>,
) -> Result<Cluster, Error> {
    let mut confs = Vec::new();
    let mut master = None;
    for (index, delegate) in delegates.iter().enumerate() {
        let conf = NetworkConf::parse(delegate.get()).map_err(|problem| Error::Key {
            key: "delegates",
            problem: format!("element {index}: {problem}"),
        })?;
        if is_master(&conf, index)? && master.replace(index).is_some() {
            let problem = "only one delegate can have \"masterplugin\": true".to_owned();
            return Err(Error::Key {
                key: "delegates",
                problem,
            });
        }
        // Two networks of one name would share their addresses in host-local's files.
        let own_name = if index == 0 {
            name.to_string()
        } else {
            format!("{name}-{index}")
        };
        let own_name = own_name
            .parse()
            .map_err(|problem: spec::NameError| Error::Key {
                key: "name",
                problem: problem.to_string(),
            })?;
        confs.push(conf.named(&own_name).chained_at_least(version));
    }
    // Multus v1, the only one to act on `masterplugin`, numbered from net0. Later releases carried the key along in their
    // examples, with a kubeconfig, took the first delegate for the cluster network and numbered from net1.
    let is_v1 = legacy == Some(Legacy::V1) || (master.is_some() && !has_kubeconfig);
    if let Some(master) = master.filter(|_| is_v1) {
        let conf = confs.remove(master);
        confs.insert(0, conf);
    }
    let first_number = usize::from(!is_v1);
    Ok(Cluster::Delegates {
        confs,
        first_number,
    })
}

fn is_master(conf: &NetworkConf, index: usize) -> Result<bool, Error> {
    let Some(raw) = conf.plugins()[0].field("masterplugin") else {
        return Ok(false);
    };
    let is_master: Option<bool> = serde_json::from_str(raw.get()).map_err(|_| Error::Key {
        key: "delegates",
        problem: format!("element {index}: \"masterplugin\" is {raw}; it must be true or false"),
    })?;
    Ok(is_master == Some(true))
}
