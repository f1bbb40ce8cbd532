//! The plugin's own network configuration, as the runtime hands it over on standard input.
//!
//! Keys are Multus's and are matched in any case, because configurations in the wild rely on it; unknown keys are passed
//! over, `null` means unset, and of a key that occurs twice the last one counts.

mod cluster;
mod keys;
mod state;

use std::{path::PathBuf, time::Duration};

use serde_json::{Map, Value};
use spec::{
    TraceContext,
    bridge::{Isolation, Legacy, PodAnnotations},
    cni::{AddResult, NetworkName, Version},
    network::{DEFAULT_NETWORK, NETWORKS, Namespace, TRACEPARENT},
};

pub use self::{cluster::Cluster, state::State};
use crate::{error::Error, hotplug::HotplugRequest};
pub(crate) use keys::Keys;

/// The plugin's configuration, checked.
#[derive(Clone, Debug)]
pub struct NetConf {
    /// `cniVersion`: the version of the result.
    pub version: Version,
    /// `name`.
    pub name: NetworkName,
    /// `delegates` or `clusterNetwork`.
    pub cluster: Cluster,
    /// `defaultNetworks`: what every pod gets besides, except those of [`Self::system_namespaces`].
    pub default_networks: Vec<String>,
    /// `systemNamespaces`.
    pub system_namespaces: Vec<String>,
    /// `namespaceIsolation` with `globalNamespaces`.
    pub isolation: Option<Isolation>,
    /// `auxiliaryCNIChainName`: a chain of the node that is attached after everything else.
    pub auxiliary_chain: Option<NetworkName>,
    /// `legacy`: objects and annotation of an old release of Multus are meant.
    pub legacy: Option<Legacy>,
    /// Whether the configuration may be one of Multus v1 and does not say so.
    pub perhaps_v1: bool,
    /// Whether the annotations that the runtime handed over ask for networks as Multus v1 read them, and for no others.
    pub asks_multus_v1_alone: bool,
    /// `runtimeConfig`: the runtime's capability arguments.
    pub runtime_config: Map<String, Value>,
    /// `runtimeConfig["io.kubernetes.cri.pod-annotations"]`, where the runtime hands the annotations over.
    pub annotations: Option<PodAnnotations>,
    /// `kubeconfig`: lets the resolver ask the API server.
    pub kubeconfig: Option<PathBuf>,
    /// `confDir`: configurations that NetworkAttachmentDefinitions and `clusterNetwork` name.
    pub conf_dir: PathBuf,
    /// `bridgeSocket`: where the device-bridge answers.
    pub bridge_socket: PathBuf,
    /// Whether `bridgeSocket` is written in the configuration: then a device-bridge is expected on this node.
    pub bridge_expected: bool,
    /// `bridgeTimeout`: how long one that is expected and away is waited for.
    pub bridge_timeout: Duration,
    /// `resolver`: the executable that answers once; `None` is `polypod-device-bridge` beside the plugin.
    pub resolver: Option<PathBuf>,
    /// `podResourcesSocket`: where the resolver asks the kubelet; `None` is where it does by itself.
    pub pod_resources_socket: Option<PathBuf>,
    /// `multusNamespace`.
    pub system_namespace: Namespace,
    /// `readinessindicatorfile`: the cluster network is ready when it is there.
    pub readiness_file: Option<PathBuf>,
    /// `statusTimeout`: how long ADD waits for network-status to be published; it does not unless this is set.
    pub status_timeout: Option<Duration>,
    /// `parallelAttachments`: how many attachments that allow it are made at once; 1 is one after another.
    pub parallel: usize,
    /// `hotplug`: the one delegate is for a pod that runs already.
    pub hotplug: Option<HotplugRequest>,
    /// What all verbs need.
    pub state: State,
    /// What is accepted without having an effect, in words.
    pub warnings: Vec<String>,
}

/// The key under which containerd and CRI-O hand the pod's annotations over.
const POD_ANNOTATIONS: &str = "io.kubernetes.cri.pod-annotations";

/// More would start more processes at once than any node has processors for.
const MOST_AT_ONCE: u64 = 64;

/// An agent that is replaced by the next release is back within seconds once its image is on the node; the kubelet waits four
/// minutes for a sandbox.
const BRIDGE_TIMEOUT: Duration = Duration::from_secs(30);

/// Keys of Multus's documents and examples that no release acts on, with what to write instead.
const DEAD: [(&str, &str); 3] = [
    ("cniConf", "the folder of CNI configurations is \"confDir\""),
    (
        "allowTryDeleteOnErr",
        "the record is always kept when a DEL fails",
    ),
    (
        "retryDeleteOnError",
        "the record is always kept when a DEL fails",
    ),
];

impl NetConf {
    /// Parses the configuration.
    ///
    /// # Errors
    /// The key that is wrong, and what belongs there.
    pub fn parse(stdin: &[u8]) -> Result<Self, Error> {
        let keys = Keys::parse(stdin)?;
        let version: Version = keys.text("cniVersion")?.unwrap_or_default().parse()?;
        let name = keys.text("name")?.ok_or_else(|| Error::Key {
            key: "name",
            problem: "it is missing; write the name of the network".to_owned(),
        })?;
        let name: NetworkName = name.parse().map_err(wrong_name("name"))?;
        let runtime_config: Map<String, Value> =
            keys.get("runtimeConfig", "an object")?.unwrap_or_default();
        check_prev_result(&keys, version)?;
        let kubeconfig = keys.path("kubeconfig")?;
        let (cluster, legacy) = Cluster::read(&keys, &name, version, kubeconfig.is_some())?;
        let bridge_socket = keys.path("bridgeSocket")?;
        let handed_over = runtime_config
            .get(POD_ANNOTATIONS)
            .and_then(Value::as_object);
        Ok(Self {
            perhaps_v1: legacy.is_none() && has_idle_masterplugin(&cluster),
            asks_multus_v1_alone: handed_over.is_some_and(asks_multus_v1_alone),
            default_networks: default_networks(&keys, &cluster)?,
            system_namespaces: keys
                .get("systemNamespaces", "a list of namespaces")?
                .unwrap_or_else(|| vec!["kube-system".to_owned()]),
            isolation: isolation(&keys)?,
            auxiliary_chain: keys
                .text("auxiliaryCNIChainName")?
                .map(|name| name.parse().map_err(wrong_name("auxiliaryCNIChainName")))
                .transpose()?,
            annotations: handed_over.map(|all| annotations(all, legacy)),
            conf_dir: keys
                .path("confDir")?
                .unwrap_or_else(|| PathBuf::from("/etc/cni/multus/net.d")),
            bridge_expected: bridge_socket.is_some(),
            bridge_socket: bridge_socket
                .unwrap_or_else(|| PathBuf::from("/run/polypod/bridge.sock")),
            bridge_timeout: keys.seconds("bridgeTimeout", BRIDGE_TIMEOUT)?,
            resolver: keys.path("resolver")?,
            pod_resources_socket: keys.path("podResourcesSocket")?,
            system_namespace: keys
                .text("multusNamespace")?
                .unwrap_or_else(|| "kube-system".to_owned())
                .parse()
                .map_err(wrong_name("multusNamespace"))?,
            readiness_file: keys.path("readinessindicatorfile")?,
            status_timeout: Some(keys.seconds("statusTimeout", Duration::ZERO)?)
                .filter(|timeout| !timeout.is_zero()),
            parallel: parallel(&keys)?,
            hotplug: HotplugRequest::read(&keys)?,
            state: State::read(&keys)?,
            warnings: warnings(&keys, &cluster),
            version,
            name,
            cluster,
            legacy,
            runtime_config,
            kubeconfig,
        })
    }

    /// The trace context in the annotations that the runtime handed over. What is none is no reason to refuse a pod.
    #[must_use]
    pub fn pod_traceparent(&self) -> Option<TraceContext> {
        let handed_over = self.runtime_config.get(POD_ANNOTATIONS)?;
        handed_over.get(TRACEPARENT)?.as_str()?.parse().ok()
    }

    /// The `defaultNetworks` of a pod in `namespace`.
    #[must_use]
    pub fn default_networks_of(&self, namespace: Option<&Namespace>) -> &[String] {
        let is_system = namespace.is_some_and(|namespace| {
            self.system_namespaces
                .iter()
                .any(|system| system == namespace.as_str())
        });
        if is_system {
            &[]
        } else {
            &self.default_networks
        }
    }
}

fn wrong_name(key: &'static str) -> impl Fn(spec::NameError) -> Error {
    move |problem| Error::Key {
        key,
        problem: problem.to_string(),
    }
}

/// A runtime that hands a result over which nobody can read is told so before anything is attached.
fn check_prev_result(keys: &Keys, version: Version) -> Result<(), Error> {
    let Some(result) =
        keys.get::<Box<serde_json::value::RawValue>>("prevResult", "a CNI result")?
    else {
        return Ok(());
    };
    match AddResult::parse(result.get(), version) {
        Ok(_) => Ok(()),
        Err(problem) => Err(Error::Key {
            key: "prevResult",
            problem: problem.to_string(),
        }),
    }
}

/// They go with `clusterNetwork` only, as with Multus.
fn default_networks(keys: &Keys, cluster: &Cluster) -> Result<Vec<String>, Error> {
    let all: Vec<String> = keys
        .get("defaultNetworks", "a list of networks")?
        .unwrap_or_default();
    if all.iter().any(String::is_empty) {
        return Err(Error::Key {
            key: "defaultNetworks",
            problem: "it has an empty element; write the name of a network".to_owned(),
        });
    }
    match cluster {
        Cluster::Named(_) => Ok(all),
        Cluster::Delegates { .. } if all.is_empty() => Ok(all),
        Cluster::Delegates { .. } => Err(Error::Key {
            key: "defaultNetworks",
            problem: "it goes with \"clusterNetwork\" only; beside \"delegates\", list the networks there"
                .to_owned(),
        }),
    }
}

fn isolation(keys: &Keys) -> Result<Option<Isolation>, Error> {
    let listed = keys.text("globalNamespaces")?;
    if !keys.switch("namespaceIsolation")? {
        return Ok(None);
    }
    let listed = listed.unwrap_or_else(|| "default".to_owned());
    let global_namespaces = listed
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(|name| name.parse().map_err(wrong_name("globalNamespaces")))
        .collect::<Result<_, _>>()?;
    Ok(Some(Isolation { global_namespaces }))
}

fn annotations(all: &Map<String, Value>, legacy: Option<Legacy>) -> PodAnnotations {
    let annotation = |key: &str| all.get(key).and_then(Value::as_str).map(str::to_owned);
    PodAnnotations {
        networks: annotation(legacy.map_or(NETWORKS, Legacy::annotation)),
        default_network: if legacy.is_none() {
            annotation(DEFAULT_NETWORK)
        } else {
            None
        },
    }
}

fn asks_multus_v1_alone(all: &Map<String, Value>) -> bool {
    let of_v1 = all.get(Legacy::V1.annotation()).and_then(Value::as_str);
    of_v1.is_some_and(|text| !text.trim().is_empty()) && annotations(all, None).ask_for_nothing()
}

fn parallel(keys: &Keys) -> Result<usize, Error> {
    let number = keys
        .get::<u64>("parallelAttachments", "a number")?
        .unwrap_or(1);
    match usize::try_from(number) {
        Ok(number) if number as u64 <= MOST_AT_ONCE => Ok(number.max(1)),
        Ok(_) | Err(_) => Err(Error::Key {
            key: "parallelAttachments",
            problem: format!("it is {number} and must be at most {MOST_AT_ONCE}"),
        }),
    }
}

/// Whether a delegate has `masterplugin` and nothing comes of it: then the configuration may be one of Multus v1 after all.
fn has_idle_masterplugin(cluster: &Cluster) -> bool {
    matches!(cluster, Cluster::Delegates { confs, first_number: 1 }
        if confs.iter().any(|conf| conf.plugins()[0].field("masterplugin").is_some()))
}

fn warnings(keys: &Keys, cluster: &Cluster) -> Vec<String> {
    let written = DEAD.iter().filter(|(key, _)| keys.has(key));
    let mut warnings: Vec<String> = written
        .map(|(key, instead)| format!("the key {key:?} has no effect: {instead}"))
        .collect();
    if has_idle_masterplugin(cluster) {
        warnings.push("the key \"masterplugin\" has no effect beside \"kubeconfig\": the first delegate is the cluster network, unless \"legacy\" is \"v1\"".to_owned());
    }
    warnings
}

#[cfg(test)]
mod tests;
