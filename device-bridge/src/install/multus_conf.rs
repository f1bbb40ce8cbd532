//! What Multus's files say: its configuration, which its installer or its daemon wrote, and the daemon's own, which is laid
//! over it for every request.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use spec::cni::{NetworkConf, NetworkName};

use super::{
    conf_folder::FoundConf,
    keys::KeysError,
    multus_keys::{self, Adopted, View},
};

/// The types under which Multus's configurations execute it: by itself, and the client of its daemon.
const TYPES: [&str; 2] = ["multus", SHIM];

/// The client of the daemon.
pub const SHIM: &str = "multus-shim";

/// How the names of files begin that Multus writes by itself.
pub const NAMED: &str = "00-multus";

/// The name of the network in what Multus generates.
const GENERATED_NAME: &str = "multus-cni-network";

/// Where the daemon listens unless its configuration says otherwise.
const SOCKET_DIR: &str = "/run/multus/";

/// What Multus's files say.
#[derive(Clone, Debug)]
pub struct MultusConf {
    /// The file it was found in.
    pub file: String,
    /// The name of the network, which pods are known by.
    pub name: Option<NetworkName>,
    /// Its keys, as far as they mean the same here.
    pub keys: Map<String, Value>,
    /// What became of every key.
    pub adopted: Vec<Adopted>,
    /// The cluster network.
    pub cluster: MultusCluster,
    /// Delegates that every pod gets besides.
    pub others: Vec<NetworkConf>,
}

/// What Multus took for the cluster network.
#[derive(Clone, Debug)]
pub enum MultusCluster {
    /// A copy of it.
    Inlined(Box<NetworkConf>),
    /// The name of its file.
    File(String),
    /// The name of a NetworkAttachmentDefinition or of a network in `confDir`.
    Named(String),
    /// Nothing that can be read, or Multus itself.
    Unknown,
}

/// The daemon's own configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaemonConf {
    /// Its file.
    pub file: PathBuf,
    /// Its members.
    pub members: Map<String, Value>,
}

/// Files of Multus that cannot be taken over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MultusError {
    /// A file cannot be read, or is no JSON object.
    #[error("{file}: {problem}")]
    File {
        /// The file.
        file: String,
        /// What is wrong.
        problem: String,
    },
    /// A key.
    #[error(transparent)]
    Key(#[from] KeysError),
}

impl DaemonConf {
    /// Reads the text of `file`.
    ///
    /// # Errors
    /// It is no JSON object.
    pub fn parse(file: &Path, text: &str) -> Result<Self, MultusError> {
        let wrong = |problem| MultusError::File {
            file: file.display().to_string(),
            problem,
        };
        match serde_json::from_str(text) {
            Ok(Value::Object(members)) => Ok(Self {
                file: file.to_owned(),
                members,
            }),
            Ok(_) => Err(wrong("it is no JSON object".to_owned())),
            Err(error) => Err(wrong(format!("it is not JSON: {error}"))),
        }
    }
}

/// Whether a configuration executes Multus itself.
#[must_use]
pub fn is_of_multus(found: &FoundConf) -> bool {
    program(found).is_some()
}

/// The program that a configuration of Multus executes.
#[must_use]
pub fn program(found: &FoundConf) -> Option<&'static str> {
    let conf = found.conf.as_ref().ok()?;
    let mut plugins = conf.plugins().iter();
    plugins.find_map(|plugin| {
        let is_it = |known: &&&str| **known == plugin.plugin_type().as_str();
        TYPES.iter().find(is_it).copied()
    })
}

/// The socket of the daemon that a configuration is a client of, as the node has it.
#[must_use]
pub fn daemon_socket(found: &FoundConf) -> Option<PathBuf> {
    let members = members(found)?;
    if program(found) != Some(SHIM) {
        return None;
    }
    let folder = member(&members, "daemonSocketDir").and_then(Value::as_str);
    // The client runs on the node and is told the node's path.
    Some(Path::new(folder.unwrap_or(SOCKET_DIR)).join("multus.sock"))
}

impl MultusConf {
    /// What Multus's own configuration `found`, if there is one, and that of its daemon say together. `None` where there is
    /// neither.
    ///
    /// # Errors
    /// One of them is malformed.
    pub fn read(
        found: Option<&FoundConf>,
        daemon: Option<&DaemonConf>,
    ) -> Result<Option<Self>, MultusError> {
        let of_file = found.and_then(|found| Some((found, members(found)?)));
        // Multus that is executed by itself has no daemon, whatever an older installation left.
        let daemon = daemon.filter(|_| found.is_none_or(|found| program(found) == Some(SHIM)));
        let (file, mut all) = match (of_file, daemon) {
            (Some((found, members)), _) => (found.name.clone(), members),
            (None, Some(daemon)) => (daemon.file.display().to_string(), Map::new()),
            (None, None) => return Ok(None),
        };
        let name = match found.and_then(|found| found.conf.as_ref().ok()) {
            Some(conf) => conf.name().cloned(),
            None => daemon.and_then(generated_name),
        };
        let mut origin = file.clone();
        if let Some(daemon) = daemon {
            for (key, value) in &daemon.members {
                all.retain(|own, _| !own.eq_ignore_ascii_case(key));
                all.insert(key.clone(), value.clone());
            }
            if found.is_some() {
                origin = format!("{file} with {}", daemon.file.display());
            }
        }
        let is_thick = daemon.is_some() || found.is_some_and(|found| program(found) == Some(SHIM));
        let view = if is_thick {
            let root = member(&all, "chrootDir").and_then(Value::as_str);
            View::Container {
                root: root.map(str::to_owned),
            }
        } else {
            View::Node
        };
        let (keys, adopted) = multus_keys::adopt(&all, &view, &origin)?;
        let cluster = MultusCluster::of(&all);
        let others = match cluster {
            MultusCluster::Inlined(_) => others(&all, &origin)?,
            MultusCluster::File(_) | MultusCluster::Named(_) | MultusCluster::Unknown => Vec::new(),
        };
        Ok(Some(Self {
            file,
            name,
            keys,
            adopted,
            cluster,
            others,
        }))
    }
}

/// The delegates after the first. Without one of them pods would lack a network, and nobody would notice.
fn others(members: &Map<String, Value>, origin: &str) -> Result<Vec<NetworkConf>, MultusError> {
    let all = member(members, "delegates").and_then(Value::as_array);
    let after = all.into_iter().flatten().enumerate().skip(1);
    after
        .map(|(index, delegate)| {
            let wrong = |problem: String| MultusError::File {
                file: origin.to_owned(),
                problem: format!("its delegate {index}: {problem}"),
            };
            let conf = NetworkConf::parse(&delegate.to_string())
                .map_err(|error| wrong(error.to_string()))?;
            match conf.self_delegation() {
                Some(itself) => Err(wrong(format!("it executes {itself}"))),
                None => Ok(conf),
            }
        })
        .collect()
}

/// What the daemon would call the network that it generates; with `overrideNetworkName` it is the primary's.
fn generated_name(daemon: &DaemonConf) -> Option<NetworkName> {
    let is_primarys = member(&daemon.members, "overrideNetworkName") == Some(&Value::Bool(true));
    (!is_primarys).then(|| {
        GENERATED_NAME
            .parse()
            .expect("the name that Multus gives is valid")
    })
}

/// The members of the plugin that is Multus.
fn members(found: &FoundConf) -> Option<Map<String, Value>> {
    let program = program(found)?;
    let whole: Value = serde_json::from_str(&found.conf.as_ref().ok()?.to_json()).ok()?;
    let Some(Value::Array(plugins)) = whole.get("plugins") else {
        return whole.as_object().cloned();
    };
    let plugin = plugins.iter().find(|one| one["type"] == program)?;
    let mut members = plugin.as_object()?.clone();
    // The list's own, such as its name.
    for (key, value) in whole.as_object()? {
        if key != "plugins" {
            members.insert(key.clone(), value.clone());
        }
    }
    Some(members)
}

fn member<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let found = members
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value)
}

impl MultusCluster {
    fn of(members: &Map<String, Value>) -> Self {
        let text = |name: &str| {
            let text = member(members, name).and_then(Value::as_str);
            text.filter(|text| !text.is_empty())
        };
        if let Some(named) = text("clusterNetwork") {
            if !named.contains('/') {
                return Self::Named(named.to_owned());
            }
            return file_of(named);
        }
        let first = member(members, "delegates").and_then(|delegates| delegates.get(0));
        if let Some(delegate) = first {
            return NetworkConf::parse(&delegate.to_string())
                .ok()
                .filter(|conf| conf.self_delegation().is_none())
                .map_or(Self::Unknown, |conf| Self::Inlined(Box::new(conf)));
        }
        text("multusMasterCNI").map_or(Self::Unknown, file_of)
    }
}

/// The name of a file. A folder means the first one in it, as no name at all does here.
fn file_of(path: &str) -> MultusCluster {
    let path = Path::new(path);
    let is_conf = path.extension().is_some_and(|ending| {
        ["conf", "conflist", "json"]
            .iter()
            .any(|known| ending == *known)
    });
    path.file_name()
        .and_then(|name| name.to_str())
        .filter(|_| is_conf)
        .map_or(MultusCluster::Unknown, |name| {
            MultusCluster::File(name.to_owned())
        })
}

#[cfg(test)]
#[path = "multus_conf_tests.rs"]
mod tests;
