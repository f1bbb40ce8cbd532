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

#[cfg(test)]
mod tests {
    use super::*;

    fn conf(members: &str) -> Result<NetConf, Error> {
        NetConf::parse(format!(r#"{{"name":"n","type":"polypod",{members}}}"#).as_bytes())
    }

    #[test]
    fn what_is_asked() {
        let ordinary = conf(r#""delegates":[{"type":"a"}]"#).unwrap();
        assert!(ordinary.hotplug.is_none() && !ordinary.state.is_hotplug);
        let bare = conf(r#""delegates":[{"type":"a"}],"hotplug":{}"#).unwrap();
        assert_eq!(bare.hotplug, Some(HotplugRequest::default()));
        assert!(bare.state.is_hotplug);
        let asked = conf(
            r#""delegates":[{"type":"a"}],"Hotplug":{"runtimeConfig":{"mac":"m"},"cni-args":{"a":1}}"#,
        )
        .unwrap();
        let hotplug = asked.hotplug.clone().unwrap();
        assert_eq!(hotplug.runtime_config["mac"], "m");
        assert_eq!(hotplug.cni_args.unwrap()["a"], 1);
        assert_eq!(delegate(&asked).unwrap().name().unwrap().as_str(), "n");
    }

    #[test]
    fn one_delegate_and_no_other() {
        for wrong in [
            r#""delegates":[{"type":"a"},{"type":"b"}],"hotplug":{}"#,
            r#""clusterNetwork":"x","hotplug":{}"#,
        ] {
            let error = delegate(&conf(wrong).unwrap()).unwrap_err();
            assert!(error.to_string().contains("exactly one"), "{error}");
        }
        assert!(conf(r#""delegates":[{"type":"a"}],"hotplug":5"#).is_err());
    }
}
