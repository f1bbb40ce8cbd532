//! Configurations that execute us from inside: what Multus's daemon and its installer make while ours is the first file that
//! they find, as they take the first by name that is not their own for the cluster network.

use std::path::Path;

use serde_json::Value;
use spec::cni::NetworkConf;

use super::{
    conf_folder::{ConfFolder, FoundConf},
    multus_conf::{self, DaemonConf},
};

/// Where a configuration names networks by the path of their file, in any case of letters.
const BY_PATH: [&str; 2] = ["clusterNetwork", "defaultNetworks"];

/// Where meta-plugins write what they execute, in any case of letters.
const DELEGATES: [&str; 3] = ["delegate", "delegates", "plugins"];

/// A type that is none of us.
const SOMEBODY: &str = "somebody";

/// Whether `found` is a configuration of Multus that has our file `ours`, or one of us, for a network of every pod. Without
/// ours no pod would start with it.
#[must_use]
pub fn is_on_ours(found: &FoundConf, ours: &str) -> bool {
    multus_conf::is_of_multus(found)
        && plugins(found)
            .iter()
            .any(|plugin| names(plugin, ours) || has_delegate_of_us(plugin))
}

/// Whether the configuration of Multus's daemon has our file `ours`, or one of us, for a network of every pod: it is laid over
/// what the daemon's client hands over.
#[must_use]
pub fn is_daemon_on_ours(daemon: &DaemonConf, ours: &str) -> bool {
    let members = Value::Object(daemon.members.clone());
    names(&members, ours) || has_delegate_of_us(&members)
}

/// Multus's configuration in `folder`, in force or moved aside. One that was made from ours says less than another.
#[must_use]
pub fn best_of_multus<'a>(folder: &'a ConfFolder, ours: &str) -> Option<&'a FoundConf> {
    let all = folder.files.iter().chain(&folder.aside);
    let mut of_multus = all.filter(|file| multus_conf::is_of_multus(file));
    let best = of_multus.clone().find(|file| !is_on_ours(file, ours));
    best.or_else(|| of_multus.next())
}

/// Whether `file`, moved aside, would take the place of a better one, which the way back needs.
#[must_use]
pub fn is_worse_than_aside(folder: &ConfFolder, file: &FoundConf, ours: &str) -> bool {
    let is_better = |aside: &FoundConf| {
        aside.name == file.name && multus_conf::is_of_multus(aside) && !is_on_ours(aside, ours)
    };
    is_on_ours(file, ours) && folder.aside.iter().any(is_better)
}

/// Whether a plugin of `found` names our file `ours`, wherever its own container has the folder.
#[must_use]
pub fn names_ours(found: &FoundConf, ours: &str) -> bool {
    plugins(found).iter().any(|plugin| names(plugin, ours))
}

/// The types that `found` executes, at any nesting.
#[must_use]
pub fn types(found: &FoundConf) -> Vec<String> {
    let mut all = Vec::new();
    for plugin in plugins(found) {
        collect(&plugin, &mut all);
    }
    all
}

fn plugins(found: &FoundConf) -> Vec<Value> {
    let Ok(conf) = &found.conf else {
        return Vec::new();
    };
    let mut whole: Value = serde_json::from_str(&conf.to_json()).unwrap_or_default();
    match whole.get_mut("plugins").map(Value::take) {
        Some(Value::Array(plugins)) => plugins,
        _ => vec![whole],
    }
}

fn names(plugin: &Value, ours: &str) -> bool {
    let members = plugin.as_object().into_iter().flatten();
    members
        .filter(|(key, _)| is_one_of(key, &BY_PATH))
        .flat_map(|(_, value)| match value {
            Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
            Value::String(one) => vec![one.as_str()],
            _ => Vec::new(),
        })
        // Without a slash it is the name of a network.
        .filter(|path| path.contains('/'))
        .any(|path| Path::new(path).file_name().is_some_and(|name| name == ours))
}

fn has_delegate_of_us(plugin: &Value) -> bool {
    let mut plugin = plugin.clone();
    plugin["type"] = SOMEBODY.into();
    NetworkConf::parse(&plugin.to_string()).is_ok_and(|conf| conf.self_delegation().is_some())
}

fn collect(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::Array(elements) => elements.iter().for_each(|element| collect(element, all)),
        Value::Object(members) => {
            for (key, member) in members {
                if key.eq_ignore_ascii_case("type") {
                    all.extend(member.as_str().map(str::to_owned));
                } else if is_one_of(key, &DELEGATES) {
                    collect(member, all);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn is_one_of(key: &str, known: &[&str]) -> bool {
    known.iter().any(|name| key.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_path_and_inlined_at_any_depth() {
        let ours = "00-polypod.conflist";
        for (text, wanted) in [
            (
                r#"{"type":"multus-shim","clusterNetwork":"/host/etc/cni/net.d/00-polypod.conflist"}"#,
                true,
            ),
            (
                r#"{"type":"multus-shim","clusternetwork":"/etc/cni/net.d/00-polypod.conflist"}"#,
                true,
            ),
            (
                r#"{"type":"multus-shim","clusterNetwork":"/host/etc/cni/net.d/10-a.conflist"}"#,
                false,
            ),
            (
                r#"{"type":"multus-shim","clusterNetwork":"00-polypod.conflist"}"#,
                false,
            ),
            (
                r#"{"type":"multus","defaultNetworks":["a","/x/00-polypod.conflist"]}"#,
                true,
            ),
            (
                r#"{"type":"multus","delegates":[{"name":"p","plugins":[{"type":"polypod"}]}]}"#,
                true,
            ),
            (
                r#"{"type":"multus","delegates":[{"type":"bridge"},{"type":"multus"}]}"#,
                true,
            ),
            (
                r#"{"type":"multus","delegates":[{"type":"bridge"}]}"#,
                false,
            ),
            (
                r#"{"type":"polypod","delegates":[{"type":"polypod"}]}"#,
                false,
            ),
        ] {
            let alone = FoundConf::of("00-multus.conf", text);
            assert_eq!(is_on_ours(&alone, ours), wanted, "{text}");
            let list = format!(r#"{{"name":"m","cniVersion":"1.0.0","plugins":[{text}]}}"#);
            let list = FoundConf::of("00-multus.conflist", &list);
            assert_eq!(is_on_ours(&list, ours), wanted, "{text}");
        }
        let nested = FoundConf::of(
            "a.conf",
            r#"{"type":"multus","ipam":{"type":"x"},"delegates":[{"plugins":[{"type":"polypod"},{"type":"tuning"}]}]}"#,
        );
        let mut all = types(&nested);
        all.sort();
        assert_eq!(all, ["multus", "polypod", "tuning"]);
        assert_eq!(types(&FoundConf::of("a.conf", "{")), [""; 0]);
    }
}
