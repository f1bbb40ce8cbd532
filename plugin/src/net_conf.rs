//! The plugin's own network configuration, as the runtime hands it over on standard input.
//!
//! Keys are Multus's and are matched in any case, because configurations in the wild rely on it; unknown keys are passed
//! over, `null` means unset, and of a key that occurs twice the last one counts.

use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, MapAccess, Visitor},
};
use serde_json::{Map, Value, value::RawValue};
use spec::{
    bridge::PodAnnotations,
    cni::{NetworkConf, NetworkName, Version},
    network::{DEFAULT_NETWORK, NETWORKS, Namespace},
};

use crate::{error::Error, log::LogConf};

/// The plugin's configuration, checked.
#[derive(Clone, Debug)]
pub struct NetConf {
    /// `cniVersion`: the version of the result.
    pub version: Version,
    /// `name`.
    pub name: NetworkName,
    /// `delegates` or `clusterNetwork`.
    pub cluster: Cluster,
    /// `runtimeConfig`: the runtime's capability arguments, for the cluster network.
    pub runtime_config: Map<String, Value>,
    /// `runtimeConfig["io.kubernetes.cri.pod-annotations"]`, where the runtime hands the annotations over.
    pub annotations: Option<PodAnnotations>,
    /// `kubeconfig`: lets the resolver ask the API server.
    pub kubeconfig: Option<PathBuf>,
    /// `confDir`: configurations that NetworkAttachmentDefinitions and `clusterNetwork` name.
    pub conf_dir: PathBuf,
    /// `cniDir`: where sandbox records are.
    pub cni_dir: PathBuf,
    /// `binDir`: searched for plugins before `CNI_PATH`.
    pub bin_dir: String,
    /// `bridgeSocket`: where the device-bridge answers.
    pub bridge_socket: PathBuf,
    /// Whether `bridgeSocket` is written in the configuration: then a device-bridge is expected on this node.
    pub bridge_expected: bool,
    /// `resolver`: the executable that answers once; `None` is `polypod-device-bridge` beside the plugin.
    pub resolver: Option<PathBuf>,
    /// `multusNamespace`.
    pub system_namespace: Namespace,
    /// `delegateTimeout`: how long one plugin may take.
    pub delegate_timeout: Duration,
    /// `logFile`, `logLevel`, `logToStderr`, `logOptions`.
    pub log: LogConf,
}

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

/// How long a plugin may take unless the configuration says otherwise. The kubelet gives up on a sandbox after four
/// minutes, and a pod has several plugins.
const DELEGATE_TIMEOUT: Duration = Duration::from_secs(60);

/// More than an hour is a slip of the pen.
const LONGEST_TIMEOUT: u64 = 3600;

/// Multus's own default.
const CNI_DIR: &str = "/var/lib/cni/multus";

/// Multus's own default.
const BIN_DIR: &str = "/opt/cni/bin";

/// The key under which containerd and CRI-O hand the pod's annotations over.
const POD_ANNOTATIONS: &str = "io.kubernetes.cri.pod-annotations";

/// Keys that change what a pod gets and that this release does not carry out: they are refused, not passed over.
const NOT_YET: [&str; 3] = [
    "namespaceIsolation",
    "defaultNetworks",
    "auxiliaryCNIChainName",
];

impl NetConf {
    /// Parses the configuration.
    ///
    /// # Errors
    /// The key that is wrong, and what belongs there.
    pub fn parse(stdin: &[u8]) -> Result<Self, Error> {
        let keys: Keys = serde_json::from_slice(stdin).map_err(Error::NotJson)?;
        for key in NOT_YET {
            if keys
                .get::<Value>(key, "anything")?
                .is_some_and(|value| is_set(&value))
            {
                return Err(Error::NotSupported {
                    what: format!("the key {key:?}"),
                    instead: "remove it from the network configuration",
                });
            }
        }
        let version = keys
            .get::<String>("cniVersion", "a text")?
            .unwrap_or_default()
            .parse()?;
        let name = keys.get::<String>("name", "a text")?.unwrap_or_default();
        let name: NetworkName = name
            .parse()
            .map_err(|problem: spec::NameError| Error::Key {
                key: "name",
                problem: problem.to_string(),
            })?;
        let runtime_config: Map<String, Value> =
            keys.get("runtimeConfig", "an object")?.unwrap_or_default();
        let path = |key, default: &str| {
            keys.get::<PathBuf>(key, "a path").map(|path| {
                path.filter(|path| !path.as_os_str().is_empty())
                    .unwrap_or_else(|| PathBuf::from(default))
            })
        };
        let optional_path = |key| {
            keys.get::<PathBuf>(key, "a path")
                .map(|path| path.filter(|path| !path.as_os_str().is_empty()))
        };
        let kubeconfig = optional_path("kubeconfig")?;
        let system_namespace = match keys
            .get::<String>("multusNamespace", "a text")?
            .filter(|name| !name.is_empty())
        {
            None => "kube-system".to_owned(),
            Some(name) => name,
        };
        let delegate_timeout = delegate_timeout(&keys)?;
        Ok(Self {
            version,
            cluster: cluster(&keys, &name, version, kubeconfig.is_some())?,
            name,
            annotations: runtime_config
                .get(POD_ANNOTATIONS)
                .and_then(Value::as_object)
                .map(annotations),
            runtime_config,
            kubeconfig,
            conf_dir: path("confDir", "/etc/cni/multus/net.d")?,
            cni_dir: path("cniDir", CNI_DIR)?,
            bin_dir: keys
                .get("binDir", "a path")?
                .unwrap_or_else(|| BIN_DIR.to_owned()),
            bridge_expected: optional_path("bridgeSocket")?.is_some(),
            bridge_socket: path("bridgeSocket", "/run/polypod/bridge.sock")?,
            resolver: optional_path("resolver")?,
            system_namespace: system_namespace
                .parse()
                .map_err(|problem: spec::NameError| Error::Key {
                    key: "multusNamespace",
                    problem: problem.to_string(),
                })?,
            delegate_timeout,
            log: LogConf::read(&keys)?,
        })
    }
}

fn delegate_timeout(keys: &Keys) -> Result<Duration, Error> {
    let seconds = keys
        .get::<u64>("delegateTimeout", "a number of seconds")?
        .filter(|&seconds| seconds > 0);
    match seconds {
        None => Ok(DELEGATE_TIMEOUT),
        Some(seconds) if seconds <= LONGEST_TIMEOUT => Ok(Duration::from_secs(seconds)),
        Some(seconds) => Err(Error::Key {
            key: "delegateTimeout",
            problem: format!("it is {seconds} and must be at most {LONGEST_TIMEOUT} seconds"),
        }),
    }
}

/// What DEL needs of the configuration: where the records are, where plugins are, and how long they may take.
///
/// The record holds the rest. So whatever else has become wrong in the configuration since ADD does not keep a pod from
/// being deleted.
#[derive(Clone, Debug)]
pub struct DelConf {
    /// `cniDir`.
    pub cni_dir: PathBuf,
    /// `binDir`.
    pub bin_dir: String,
    /// `delegateTimeout`.
    pub delegate_timeout: Duration,
    /// `logFile`, `logLevel`, `logToStderr`, `logOptions`; the default if one of them is wrong.
    pub log: LogConf,
}

impl DelConf {
    /// Parses the configuration.
    ///
    /// # Errors
    /// It is no JSON object, or one of these keys is wrong.
    pub fn parse(stdin: &[u8]) -> Result<Self, Error> {
        let keys: Keys = serde_json::from_slice(stdin).map_err(Error::NotJson)?;
        let cni_dir = keys
            .get::<PathBuf>("cniDir", "a path")?
            .filter(|path| !path.as_os_str().is_empty());
        Ok(Self {
            cni_dir: cni_dir.unwrap_or_else(|| PathBuf::from(CNI_DIR)),
            bin_dir: keys
                .get("binDir", "a path")?
                .unwrap_or_else(|| BIN_DIR.to_owned()),
            delegate_timeout: delegate_timeout(&keys)?,
            log: LogConf::read(&keys).unwrap_or_default(),
        })
    }
}

fn is_set(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Bool(true) | Value::Number(_) | Value::Object(_) => true,
    }
}

fn annotations(all: &Map<String, Value>) -> PodAnnotations {
    let annotation = |key: &str| all.get(key).and_then(Value::as_str).map(str::to_owned);
    PodAnnotations {
        networks: annotation(NETWORKS),
        default_network: annotation(DEFAULT_NETWORK),
    }
}

fn cluster(
    keys: &Keys,
    name: &NetworkName,
    version: Version,
    has_kubeconfig: bool,
) -> Result<Cluster, Error> {
    if let Some(named) = keys
        .get::<String>("clusterNetwork", "a text")?
        .filter(|named| !named.is_empty())
    {
        return Ok(Cluster::Named(named));
    }
    let delegates: Vec<Box<RawValue>> = keys
        .get("delegates", "a list of CNI configurations")?
        .unwrap_or_default();
    if delegates.is_empty() {
        let problem =
            "at least one delegate or a clusterNetwork must be given: the pod's primary network"
                .to_owned();
        return Err(Error::Key {
            key: "delegates",
            problem,
        });
    }
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
    if let Some(master) = master {
        let conf = confs.remove(master);
        confs.insert(0, conf);
    }
    // Multus v1, the only one to act on `masterplugin`, numbered from net0; with a kubeconfig it ignored the delegates.
    let first_number = usize::from(master.is_none() || has_kubeconfig);
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

/// The members of the configuration under their names in lower case.
#[derive(Debug)]
pub(crate) struct Keys(BTreeMap<String, Box<RawValue>>);

impl Keys {
    /// The value of `key`, which must be as `wanted` says; `None` if it is not set.
    pub(crate) fn get<T: DeserializeOwned>(
        &self,
        key: &'static str,
        wanted: &str,
    ) -> Result<Option<T>, Error> {
        let Some(raw) = self.0.get(&key.to_ascii_lowercase()) else {
            return Ok(None);
        };
        serde_json::from_str(raw.get()).map_err(|error| {
            let shown: String = raw.get().chars().take(80).collect();
            Error::Key {
                key,
                problem: format!("it is {shown} and must be {wanted} ({error})"),
            }
        })
    }
}

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Keys;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a network configuration")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys = BTreeMap::new();
                while let Some((key, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    keys.insert(key.to_ascii_lowercase(), value);
                }
                Ok(Keys(keys))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
#[path = "net_conf_tests.rs"]
mod tests;
