//! A configuration that Multus's installer wrote: what a node is switched over from.

use std::path::Path;

use serde_json::{Map, Value};
use spec::cni::{NetworkConf, NetworkName};

use super::{conf_folder::FoundConf, keys};

/// The types under which Multus's configurations execute it.
const TYPES: [&str; 2] = ["multus", "multus-shim"];

/// Keys of Multus that mean nothing here, or something that goes with Multus: its kubeconfig is refreshed no more.
/// docs/migrating-from-multus.md.
const DROPPED: [&str; 17] = [
    "allowTryDeleteOnErr",
    "chrootDir",
    "cniConf",
    "cniConfigDir",
    "connectionLimit",
    "daemonSocketDir",
    "enablePprof",
    "forceCNIVersion",
    "kubeconfig",
    "metricsPort",
    "multusAutoconfigDir",
    "multusConfigFile",
    "multusMasterCNI",
    "overrideNetworkName",
    "perNodeCertificate",
    "retryDeleteOnError",
    "socketDir",
];

/// What such a configuration says.
#[derive(Clone, Debug)]
pub struct MultusConf {
    /// The file it was found in.
    pub file: String,
    /// The name of the network, which pods are known by.
    pub name: Option<NetworkName>,
    /// Its keys, as far as they mean the same here and are valid.
    pub keys: Map<String, Value>,
    /// What keys were not taken over, and why.
    pub dropped: Vec<String>,
    /// The cluster network.
    pub cluster: MultusCluster,
}

/// What Multus took for the cluster network.
#[derive(Clone, Debug)]
pub enum MultusCluster {
    /// A copy of it.
    Inlined(Box<NetworkConf>),
    /// The name of its file. The folder is that of the daemon's container.
    File(String),
    /// The name of a NetworkAttachmentDefinition or of a network in `confDir`.
    Named(String),
    /// Nothing that can be read, or Multus itself.
    Unknown,
}

impl MultusConf {
    /// What `found` says, if it is a configuration that executes Multus itself.
    #[must_use]
    pub fn of(found: &FoundConf) -> Option<Self> {
        let conf = found.conf.as_ref().ok()?;
        let plugin = conf
            .plugins()
            .iter()
            .find(|plugin| TYPES.contains(&plugin.plugin_type().as_str()))?;
        let whole: Value = serde_json::from_str(&conf.to_json()).ok()?;
        let members = match whole.get("plugins") {
            Some(Value::Array(plugins)) => plugins.iter().find(|one| {
                one["type"]
                    .as_str()
                    .is_some_and(|one| one == plugin.plugin_type().as_str())
            })?,
            _ => &whole,
        }
        .as_object()?;
        let (mut keys, mut dropped) = (Map::new(), Vec::new());
        // Where Multus wrote what it attached: its pods are deleted by that.
        let cni_dir = members
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case("cniDir"))
            .filter(|(_, value)| value.as_str().is_some_and(|dir| dir.starts_with('/')));
        keys.extend(cni_dir.map(|(_, dir)| ("cniDir".to_owned(), dir.clone())));
        for (key, value) in members {
            let is_ours = keys::is_generated(key)
                || ["clusterNetwork", "capabilities"]
                    .iter()
                    .any(|own| own.eq_ignore_ascii_case(key));
            if is_ours {
                continue;
            }
            if DROPPED.iter().any(|known| known.eq_ignore_ascii_case(key)) {
                dropped.push(key.clone());
                continue;
            }
            let one = Map::from_iter([(key.clone(), value.clone())]);
            match keys::checked(one, &found.name) {
                Ok(checked) => keys.extend(checked),
                Err(error) => dropped.push(error.to_string()),
            }
        }
        Some(Self {
            file: found.name.clone(),
            name: conf.name().cloned(),
            keys,
            dropped,
            cluster: MultusCluster::of(members),
        })
    }
}

impl MultusCluster {
    fn of(members: &Map<String, Value>) -> Self {
        let member = |name: &str| {
            let found = members
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value)
        };
        if let Some(named) = member("clusterNetwork").and_then(Value::as_str)
            && !named.is_empty()
        {
            if !named.contains('/') {
                return Self::Named(named.to_owned());
            }
            return Path::new(named)
                .file_name()
                .and_then(|name| name.to_str())
                .map_or(Self::Unknown, |name| Self::File(name.to_owned()));
        }
        let first = member("delegates").and_then(|delegates| delegates.get(0));
        first
            .and_then(|delegate| NetworkConf::parse(&delegate.to_string()).ok())
            .filter(|conf| conf.self_delegation().is_none())
            .map_or(Self::Unknown, |conf| Self::Inlined(Box::new(conf)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(name: &str, conf: &Value) -> Option<MultusConf> {
        MultusConf::of(&FoundConf::of(name, &conf.to_string()))
    }

    #[test]
    fn as_the_daemon_writes_it() {
        let conf = of("00-multus.conf", &json!({
            "binDir": "/var/lib/cni/bin", "capabilities": {"portMappings": true}, "cniVersion": "0.3.1",
            "clusterNetwork": "/host/run/multus/cni/net.d/10-ovn-kubernetes.conf", "daemonSocketDir": "/run/multus/socket",
            "globalNamespaces": "default,openshift-multus", "logLevel": "verbose", "logToStderr": true,
            "name": "multus-cni-network", "namespaceIsolation": true, "type": "multus-shim"}))
        .unwrap();
        assert_eq!(conf.name.unwrap().as_str(), "multus-cni-network");
        assert_eq!(
            Value::Object(conf.keys),
            json!({"binDir": "/var/lib/cni/bin", "globalNamespaces": "default,openshift-multus", "logLevel": "verbose",
                "logToStderr": true, "namespaceIsolation": true})
        );
        assert_eq!(conf.dropped, ["daemonSocketDir"]);
        assert!(
            matches!(conf.cluster, MultusCluster::File(file) if file == "10-ovn-kubernetes.conf")
        );
    }

    #[test]
    fn as_the_thin_installer_writes_it() {
        let conf = of("00-multus.conflist", &json!({"cniVersion": "1.0.0", "name": "multus-cni-network", "plugins": [{
            "type": "multus", "kubeconfig": "/etc/cni/net.d/multus.d/multus.kubeconfig", "cniConf": "/x",
            "logFile": "relative.log", "cnidir": "/own",
            "delegates": [{"cniVersion": "1.0.0", "name": "cbr0", "plugins": [{"type": "flannel"}, {"type": "portmap"}]}]}]}))
        .unwrap();
        assert_eq!(Value::Object(conf.keys), json!({"cniDir": "/own"}));
        assert_eq!(conf.dropped.len(), 3, "{:?}", conf.dropped);
        let MultusCluster::Inlined(primary) = conf.cluster else {
            panic!("no primary");
        };
        assert_eq!(primary.plugins().len(), 2);
    }

    #[test]
    fn what_gives_no_cluster_network() {
        for delegates in [
            json!([]),
            json!([{"type": "multus"}]),
            json!([{"name": "x"}]),
        ] {
            let conf = of(
                "m.conf",
                &json!({"name": "m", "type": "multus", "delegates": delegates}),
            )
            .unwrap();
            assert!(matches!(conf.cluster, MultusCluster::Unknown));
        }
        let named = of(
            "m.conf",
            &json!({"name": "m", "type": "multus", "ClusterNetwork": "calico"}),
        )
        .unwrap();
        assert!(matches!(named.cluster, MultusCluster::Named(name) if name == "calico"));
        assert!(of("a.conf", &json!({"name": "a", "type": "bridge"})).is_none());
        assert!(of("a.conf", &json!({"name": "a", "type": "polypod"})).is_none());
    }
}
