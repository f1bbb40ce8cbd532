//! What a selection asks of its network and the network cannot give.
//!
//! Admission, the device-bridge and the plugin ask the same question here, so that a pod is denied at `kubectl apply` for
//! the very reasons for which it would fail at attach.

use serde_json::{Map, Value};

use crate::cni::{ConfError, NetworkConf, PluginType};

/// What is asked of a network's plugins, whoever asks.
#[derive(Clone, Copy, Debug)]
pub struct Demands<'a> {
    /// Capability arguments.
    pub runtime_config: &'a Map<String, Value>,
    /// Whether there are `cni-args`.
    pub cni_args: bool,
}

/// A demand that is not met, in words that let the pod's author or the network's mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unmet {
    /// No plugin of the network declares a capability. The NPWG specification (4.1.2.1) lets such an attachment fail: a
    /// pod never runs without the address it asked for.
    #[error(
        "no plugin of it takes {capability:?}; ask for less, or have its configuration declare \"capabilities\": {{{capability:?}: true}}"
    )]
    Capability {
        /// The capability.
        capability: String,
    },
    /// `args` cannot take `cni-args`.
    #[error("it cannot take \"cni-args\": {0}")]
    CniArgs(#[source] ConfError),
    /// The network would be attached by Polypod itself, over and over.
    #[error(
        "its plugin {plugin} is the one that executes it; name the plugin that makes the attachment"
    )]
    SelfDelegation {
        /// The plugin's type.
        plugin: PluginType,
    },
}

impl Demands<'_> {
    /// Checks the demands against the plugins of `conf`.
    ///
    /// A device is handed over in the configuration as well, so that `deviceID` needs no capability.
    ///
    /// # Errors
    /// The first demand that is not met.
    pub fn check(&self, conf: &NetworkConf) -> Result<(), Unmet> {
        if let Some(plugin) = conf.self_delegation() {
            return Err(Unmet::SelfDelegation { plugin });
        }
        let missing = self
            .runtime_config
            .keys()
            .find(|key| *key != "deviceID" && !conf.declares(key));
        if let Some(capability) = missing {
            return Err(Unmet::Capability {
                capability: capability.clone(),
            });
        }
        if self.cni_args {
            conf.check_takes_cni_args().map_err(Unmet::CniArgs)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(conf: &str, runtime_config: &Value, cni_args: bool) -> Result<(), Unmet> {
        let conf = NetworkConf::parse(conf).unwrap();
        let runtime_config = runtime_config.as_object().unwrap();
        Demands {
            runtime_config,
            cni_args,
        }
        .check(&conf)
    }

    #[test]
    fn demands() {
        assert_eq!(check(r#"{"type":"a"}"#, &json!({}), true), Ok(()));
        assert_eq!(
            check(
                r#"{"type":"a"}"#,
                &json!({"deviceID": "0000:03:02.1"}),
                false
            ),
            Ok(())
        );
        assert_eq!(
            check(
                r#"{"plugins":[{"type":"a"},{"type":"b","capabilities":{"ips":true}}]}"#,
                &json!({"ips": []}),
                false
            ),
            Ok(())
        );
        let unmet = check(
            r#"{"type":"a","capabilities":{"ips":false}}"#,
            &json!({"ips": []}),
            false,
        );
        assert_eq!(
            unmet,
            Err(Unmet::Capability {
                capability: "ips".to_owned()
            })
        );
        assert!(matches!(
            check(r#"{"type":"a","args":5}"#, &json!({}), true),
            Err(Unmet::CniArgs(_))
        ));
        assert!(matches!(
            check(
                r#"{"plugins":[{"type":"a"},{"type":"b","delegates":[{"type":"multus"}]}]}"#,
                &json!({}),
                false
            ),
            Err(Unmet::SelfDelegation { .. })
        ));
    }
}
