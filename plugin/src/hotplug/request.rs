//! The key `hotplug` of a configuration: one delegate for a pod that runs already.

use serde::Deserialize;
use serde_json::{Map, Value};
use spec::cni::NetworkConf;

use crate::{
    error::Error,
    net_conf::{Cluster, Keys, NetConf},
};

/// What is asked of the delegate besides its configuration, as Multus's `/delegate` has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HotplugRequest {
    /// Capability arguments, such as `ips` and `mac`.
    pub runtime_config: Map<String, Value>,
    /// `cni-args`.
    #[serde(rename = "cni-args")]
    pub cni_args: Option<Map<String, Value>>,
}

impl HotplugRequest {
    /// Reads the key; `None` where the configuration is an ordinary one.
    pub(crate) fn read(keys: &Keys) -> Result<Option<Self>, Error> {
        keys.get(
            "hotplug",
            "an object with \"runtimeConfig\" and \"cni-args\"",
        )
    }

    /// Whether a configuration has the key.
    pub(crate) fn is_in(keys: &Keys) -> bool {
        keys.has("hotplug")
    }
}

/// The one delegate of such a configuration.
///
/// # Errors
/// It has none, or several.
pub(crate) fn delegate(conf: &NetConf) -> Result<&NetworkConf, Error> {
    match &conf.cluster {
        Cluster::Delegates { confs, .. } if confs.len() == 1 => Ok(&confs[0]),
        Cluster::Delegates { .. } | Cluster::Named(_) => Err(Error::Key {
            key: "hotplug",
            problem: "beside it \"delegates\" must have exactly one element".to_owned(),
        }),
    }
}
