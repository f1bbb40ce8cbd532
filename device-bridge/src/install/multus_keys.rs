//! What becomes of each key of Multus here: a function of the key and its value.

use std::{fmt, path::Path};

use serde_json::{Map, Value};

use super::keys::{self, KeysError};

/// What becomes of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is written into our configuration as it is, or gives its name or its cluster network.
    Taken,
    /// The same, as the node has it; the daemon's container saw another path.
    Translated(String),
    /// It means nothing here, and why.
    Nothing(&'static str),
}

/// A key of Multus and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adopted {
    /// The key, as the reference spells it.
    pub key: String,
    /// What becomes of it.
    pub fate: Fate,
}

impl fmt::Display for Adopted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, fate } = self;
        match fate {
            Fate::Taken => write!(f, "{key} is taken over"),
            Fate::Translated(to) => write!(f, "{key} is taken over as {to}"),
            Fate::Nothing(why) => write!(f, "{key} means nothing here: {why}"),
        }
    }
}

/// How a key is treated.
#[derive(Clone, Copy, Debug)]
enum Rule {
    /// It means the same.
    Same,
    /// A path, or several with `:` between them, that the daemon's container may have seen elsewhere.
    Path,
    /// Names of networks, which may be paths.
    Networks,
    /// It is read elsewhere: it gives the network's name or the cluster network.
    Source,
    /// It means nothing here.
    Nothing(&'static str),
}

const OF_THE_DAEMON: &str = "there is no daemon that executes plugins";
const INSTALLS: &str = "install says where its files are (--cni-conf-dir, --primary-conf-dir)";

/// Every key of Multus 4.3: of its configuration, of `daemon-config.json`, and what else is seen in the wild.
/// docs/migrating-from-multus.md has the same table.
const RULES: [(&str, Rule); 45] = [
    (
        "allowTryDeleteOnErr",
        Rule::Nothing("a DEL that fails is always kept and tried again"),
    ),
    ("auxiliaryCNIChainName", Rule::Same),
    ("binDir", Rule::Path),
    ("capabilities", Rule::Same),
    (
        "chrootDir",
        Rule::Nothing("plugins are executed on the node itself"),
    ),
    ("clusterNetwork", Rule::Source),
    (
        "cniConf",
        Rule::Nothing("Multus does not read it either; the key is confDir"),
    ),
    ("cniConfigDir", Rule::Nothing(INSTALLS)),
    ("cniDir", Rule::Path),
    (
        "cniVersion",
        Rule::Nothing("ours is the cluster network's, and results are translated"),
    ),
    (
        "cniVersions",
        Rule::Nothing("ours are the cluster network's, and results are translated"),
    ),
    ("confDir", Rule::Path),
    ("connectionLimit", Rule::Nothing(OF_THE_DAEMON)),
    ("daemonSocketDir", Rule::Nothing(OF_THE_DAEMON)),
    ("defaultNetworks", Rule::Networks),
    ("delegates", Rule::Source),
    (
        "disableCheck",
        Rule::Nothing("it is about the list that Multus stood in"),
    ),
    (
        "disableGC",
        Rule::Nothing("it is about the list that Multus stood in"),
    ),
    ("enablePprof", Rule::Nothing(OF_THE_DAEMON)),
    (
        "forceCNIVersion",
        Rule::Nothing("the cluster network's own file is never rewritten"),
    ),
    ("globalNamespaces", Rule::Same),
    (
        "kubeconfig",
        Rule::Nothing("nobody refreshes Multus's any more; --plugin-kubeconfig writes one"),
    ),
    (
        "loadOnlyInlinedPlugins",
        Rule::Nothing("it is about the list that Multus stood in"),
    ),
    ("logFile", Rule::Path),
    ("logLevel", Rule::Same),
    ("logOptions", Rule::Same),
    ("logToStderr", Rule::Same),
    (
        "masterplugin",
        Rule::Nothing("the first delegate is the cluster network, as with Multus"),
    ),
    (
        "metricsPort",
        Rule::Nothing("metrics are those of --health-listen"),
    ),
    ("multusAutoconfigDir", Rule::Nothing(INSTALLS)),
    ("multusConfigFile", Rule::Nothing(INSTALLS)),
    ("multusMasterCNI", Rule::Source),
    ("multusNamespace", Rule::Same),
    ("name", Rule::Source),
    ("namespaceIsolation", Rule::Same),
    ("overrideNetworkName", Rule::Source),
    (
        "perNodeCertificate",
        Rule::Nothing("the agent has its own credentials; see --plugin-kubeconfig"),
    ),
    ("plugins", Rule::Source),
    ("prevResult", Rule::Nothing("it is the runtime's")),
    ("readinessindicatorfile", Rule::Path),
    (
        "retryDeleteOnError",
        Rule::Nothing("a DEL that fails is always kept and tried again"),
    ),
    ("runtimeConfig", Rule::Nothing("it is the runtime's")),
    (
        "socketDir",
        Rule::Nothing("--hotplug-socket /run/multus/multus.sock serves that socket"),
    ),
    ("systemNamespaces", Rule::Same),
    ("type", Rule::Nothing("it is always polypod")),
];

/// Every key of Multus, with what becomes of it, for whoever describes them.
pub fn described() -> impl Iterator<Item = (&'static str, &'static str)> {
    RULES.iter().map(|(key, rule)| (*key, rule.words()))
}

impl Rule {
    const fn words(self) -> &'static str {
        match self {
            Self::Same => "taken over",
            Self::Path => "taken over, as the node has the path",
            Self::Networks => "taken over; paths as the node has them",
            Self::Source => "gives the network's name or the cluster network",
            Self::Nothing(why) => why,
        }
    }
}

/// The prefix under which Multus's manifests mount the node's folders.
const MOUNTED: &str = "/host";

/// How paths of the daemon's container are told from those of the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum View {
    /// The configuration is the node's: Multus is executed there.
    Node,
    /// The daemon's container, with its `chrootDir`.
    Container {
        /// Where the node's root is mounted.
        root: Option<String>,
    },
}

impl View {
    /// The path as the node has it.
    #[must_use]
    pub fn translate(&self, path: &str) -> String {
        let Self::Container { root } = self else {
            return path.to_owned();
        };
        let roots = root.as_deref().into_iter().chain([MOUNTED]);
        let roots = roots
            .map(|root| root.trim_end_matches('/'))
            .filter(|root| !root.is_empty());
        for root in roots {
            if let Some(below) = path
                .strip_prefix(root)
                .filter(|below| below.starts_with('/'))
            {
                return below.to_owned();
            }
        }
        path.to_owned()
    }
}

/// The keys that are written into our configuration, and what becomes of every key of `members`. `origin` is how errors name
/// the file.
///
/// # Errors
/// A value of a kind that Multus would refuse, too: then nothing can be relied on.
pub fn adopt(
    members: &Map<String, Value>,
    view: &View,
    origin: &str,
) -> Result<(Map<String, Value>, Vec<Adopted>), KeysError> {
    let (mut taken, mut all) = (Map::new(), Vec::new());
    for (written, value) in members {
        if value.is_null() {
            continue;
        }
        let (key, rule) = RULES
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(written))
            .map_or((written.as_str(), Rule::Same), |(key, rule)| (*key, *rule));
        let fate = match rule {
            Rule::Nothing(why) => Fate::Nothing(why),
            Rule::Source => match value.as_str().map(|text| (text, view.translate(text))) {
                Some((text, translated)) if text != translated => Fate::Translated(translated),
                Some(_) | None => Fate::Taken,
            },
            Rule::Same | Rule::Path | Rule::Networks => {
                match carry(rule, value, view).map_err(|wanted| KeysError::Value {
                    origin: origin.to_owned(),
                    key: key.to_owned(),
                    found: value.to_string().chars().take(80).collect(),
                    wanted,
                })? {
                    None => Fate::Nothing(
                        "it is a relative path, which is another place for each process",
                    ),
                    Some(carried) => {
                        let fate = if carried == *value {
                            Fate::Taken
                        } else {
                            Fate::Translated(plainly(&carried))
                        };
                        keep(&mut taken, key, carried, origin)?;
                        fate
                    }
                }
            }
        };
        all.push(Adopted {
            key: key.to_owned(),
            fate,
        });
    }
    Ok((taken, all))
}

/// The value as the node has it; `None` where it is a path that means nothing outside Multus's own process.
fn carry(rule: Rule, value: &Value, view: &View) -> Result<Option<Value>, &'static str> {
    match (rule, value) {
        (Rule::Path, Value::String(text)) => {
            let paths: Vec<String> = text.split(':').map(|path| view.translate(path)).collect();
            let is_absolute = |path: &String| Path::new(path).is_absolute();
            let is_kept = text.is_empty() || paths.iter().all(is_absolute);
            Ok(is_kept.then(|| paths.join(":").into()))
        }
        (Rule::Path, _) => Err("a path"),
        (Rule::Networks, Value::Array(networks)) => {
            let translated = networks.iter().map(|network| match network.as_str() {
                Some(text) if text.contains('/') => view.translate(text).into(),
                Some(_) | None => network.clone(),
            });
            Ok(Some(translated.collect()))
        }
        (Rule::Same | Rule::Networks | Rule::Source | Rule::Nothing(_), value) => {
            Ok(Some(value.clone()))
        }
    }
}

/// `cniDir` is a flag of ours otherwise, and pods of before are deleted by what is there.
fn keep(
    taken: &mut Map<String, Value>,
    key: &str,
    value: Value,
    origin: &str,
) -> Result<(), KeysError> {
    if key == "cniDir" {
        taken.insert(key.to_owned(), value);
    } else {
        taken.extend(keys::checked(
            Map::from_iter([(key.to_owned(), value)]),
            origin,
        )?);
    }
    Ok(())
}

fn plainly(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
#[path = "multus_keys_tests.rs"]
mod tests;
