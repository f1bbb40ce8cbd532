//! Our configuration, made from the primary one.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde_json::{Map, Value, json, value::RawValue};
use spec::cni::{NetworkConf, NetworkName, Version};

use super::primary::Primary;

/// What the configuration is made from.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The cluster network.
    pub primary: &'a Primary,
    /// Delegates that every pod gets besides, which Multus's configuration lists after the cluster network.
    pub others: &'a [NetworkConf],
    /// The folder of its file, as the node has it.
    pub primary_dir: &'a Path,
    /// Keys of the plugin, checked.
    pub keys: &'a Map<String, Value>,
    /// The network's name, if it is not the primary's.
    pub name: Option<&'a NetworkName>,
    /// The version, if it is not the primary's.
    pub version: Option<Version>,
    /// Plugins that others have chained after ours.
    pub chained: &'a [Value],
}

/// Why there is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenerateError {
    /// Keys that need the primary's path, where there is no file.
    #[error(
        "{key} needs the file of the cluster network, which is known from Multus's configuration alone; put the file back into the folder of CNI configurations"
    )]
    NoFile {
        /// The key.
        key: &'static str,
    },
    /// It would not be read, or not be ours.
    #[error("the configuration that would be written is wrong: {0}")]
    Wrong(String),
}

/// Keys that go with `clusterNetwork` only; docs/configuration.md.
const BY_PATH: [&str; 2] = ["defaultNetworks", "auxiliaryCNIChainName"];

/// The capability by which containerd and CRI-O hand the pod's annotations over, so that a pod that asks for no network
/// waits for nobody.
const POD_ANNOTATIONS: &str = "io.kubernetes.cri.pod-annotations";

/// The name of a network whose primary has none.
const UNNAMED: &str = "polypod-cni-network";

/// The text of our configuration: a list, in which our plugin stands first.
///
/// The primary is inlined, whole and to the byte, so that the configuration does not depend on a file that may be broken or
/// gone when a pod starts; only keys that need its path have it named.
///
/// # Errors
/// It cannot be made.
pub fn generate(wanted: &Wanted<'_>) -> Result<String, GenerateError> {
    let conf = &wanted.primary.conf;
    let text = |value: &Value| raw(&value.to_string());
    let mut plugin: BTreeMap<String, Box<RawValue>> = wanted
        .keys
        .iter()
        .filter(|(key, _)| *key != "capabilities")
        .map(|(key, value)| (key.clone(), text(value)))
        .collect();
    plugin.insert("type".to_owned(), text(&"polypod".into()));
    plugin.insert(
        "capabilities".to_owned(),
        text(&capabilities(conf, wanted.keys)),
    );
    if !wanted.keys.contains_key("clusterNetwork") {
        match BY_PATH
            .into_iter()
            .find(|key| wanted.keys.contains_key(*key))
        {
            None => {
                let all = std::iter::once(conf).chain(wanted.others);
                let all: Vec<Box<RawValue>> = all.map(|conf| raw(&conf.to_json())).collect();
                let all =
                    serde_json::value::to_raw_value(&all).expect("a list of JSON texts prints");
                plugin.insert("delegates".to_owned(), all);
            }
            Some(key) => {
                let file = wanted
                    .primary
                    .file
                    .as_ref()
                    .ok_or(GenerateError::NoFile { key })?;
                let path = wanted.primary_dir.join(file);
                plugin.insert(
                    "clusterNetwork".to_owned(),
                    text(&path.to_string_lossy().into()),
                );
            }
        }
    }
    let ours = serde_json::to_string(&plugin).expect("an object of JSON texts prints");
    let mut plugins = vec![raw(&ours)];
    plugins.extend(wanted.chained.iter().map(text));
    let mut list = versions(conf, wanted.version);
    let name = wanted.name.or_else(|| conf.name());
    list.insert("name", json!(name.map_or(UNNAMED, NetworkName::as_str)));
    let mut list: BTreeMap<&str, Box<RawValue>> = list
        .iter()
        .map(|(key, value)| (*key, text(value)))
        .collect();
    let plugins = serde_json::value::to_raw_value(&plugins).expect("a list of JSON texts prints");
    list.insert("plugins", plugins);
    let printed = serde_json::to_string(&list).expect("an object of JSON texts prints");
    check(&printed)?;
    Ok(printed + "\n")
}

/// Plugins that others, such as a service mesh, have chained after ours in the list that is there.
#[must_use]
pub fn chained(text: &str) -> Vec<Value> {
    let Ok(conf) = NetworkConf::parse(text) else {
        return Vec::new();
    };
    let Ok(Value::Object(mut list)) = serde_json::from_str(&conf.to_json()) else {
        return Vec::new();
    };
    let Some(Value::Array(mut plugins)) = list.remove("plugins") else {
        return Vec::new();
    };
    if plugins
        .first()
        .is_none_or(|first| first["type"] != "polypod")
    {
        return Vec::new();
    }
    let after = plugins.split_off(1);
    let alone = json!({"name": UNNAMED, "plugins": after}).to_string();
    let is_ours = NetworkConf::parse(&alone).is_ok_and(|conf| conf.self_delegation().is_some());
    if is_ours { Vec::new() } else { after }
}

/// The primary's own words, so that an old runtime reads the `cniVersion` that it knows and a new one chooses. Lists do not
/// exist before 0.3.1 for every runtime, and the plugin translates results.
fn versions(conf: &NetworkConf, wanted: Option<Version>) -> BTreeMap<&'static str, Value> {
    if let Some(version) = wanted {
        return BTreeMap::from([("cniVersion", json!(version.as_str()))]);
    }
    let written: Value = serde_json::from_str(&conf.to_json()).unwrap_or_default();
    let known = |value: &Value| {
        value
            .as_str()
            .and_then(|text| text.parse::<Version>().ok())
            .map(|version| version.max(Version::V0_3_1))
    };
    let mut versions = BTreeMap::new();
    let all: BTreeSet<Version> = written["cniVersions"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(known)
        .collect();
    let one = known(&written["cniVersion"]);
    let one = one.unwrap_or_else(|| conf.version().max(Version::V0_3_1));
    versions.insert("cniVersion", json!(one.as_str()));
    if !all.is_empty() {
        let all: Vec<&str> = all.into_iter().map(Version::as_str).collect();
        versions.insert("cniVersions", json!(all));
    }
    versions
}

/// What the runtime may hand over: what any plugin of the primary takes, what the operator adds, and the pod's annotations.
fn capabilities(conf: &NetworkConf, keys: &Map<String, Value>) -> Value {
    let mut all: BTreeMap<&str, bool> = conf
        .capabilities()
        .map(|capability| (capability, true))
        .collect();
    all.insert(POD_ANNOTATIONS, true);
    let added = keys.get("capabilities").and_then(Value::as_object);
    for (capability, on) in added.into_iter().flatten() {
        all.insert(capability, on.as_bool().unwrap_or_default());
    }
    all.retain(|_, on| *on);
    json!(all)
}

/// What is written must be read again, must be ours, and must not have us among its delegates.
fn check(text: &str) -> Result<(), GenerateError> {
    let wrong = |problem: &dyn std::fmt::Display| GenerateError::Wrong(problem.to_string());
    let conf = NetworkConf::parse(text).map_err(|error| wrong(&error))?;
    let ours = conf.plugins().first();
    let delegates = ours.and_then(|plugin| plugin.field("delegates"));
    let Some(delegates) = delegates else {
        return Ok(());
    };
    let delegates: Vec<Box<RawValue>> =
        serde_json::from_str(delegates.get()).map_err(|error| wrong(&error))?;
    for delegate in delegates {
        let conf = NetworkConf::parse(delegate.get()).map_err(|error| wrong(&error))?;
        if let Some(itself) = conf.self_delegation() {
            return Err(wrong(&format!("its delegate executes {itself}")));
        }
    }
    Ok(())
}

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).expect("it was printed as JSON")
}

#[cfg(test)]
#[path = "generated_tests.rs"]
mod tests;
