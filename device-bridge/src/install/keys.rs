//! Keys of the plugin's configuration that an operator sets, checked before they reach a pod.

use std::path::Path;

use serde_json::{Map, Value};

/// What is wrong with the keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// No JSON or YAML.
    #[error("{origin} is neither JSON nor YAML: {problem}")]
    Syntax {
        /// The file.
        origin: String,
        /// What the parser says.
        problem: String,
    },
    /// Something else than an object.
    #[error(
        "{origin} must be an object of the plugin's keys, such as {{\"namespaceIsolation\": true}}"
    )]
    NoObject {
        /// The file.
        origin: String,
    },
    /// A key that comes from the primary or from a flag.
    #[error("{origin} has the key {key:?}, which is {instead}; remove it")]
    Generated {
        /// The file.
        origin: String,
        /// The key.
        key: String,
        /// Where it comes from.
        instead: &'static str,
    },
    /// A value that the plugin would refuse.
    #[error("{origin} has {found} as {key:?}; it must be {wanted}")]
    Value {
        /// The file.
        origin: String,
        /// The key.
        key: String,
        /// What was found.
        found: String,
        /// What belongs there.
        wanted: &'static str,
    },
}

/// Keys that `install` decides, and where they come from.
const GENERATED: [(&str, &str); 9] = [
    ("cniDir", "the flag --cni-dir, which uninstall needs too"),
    ("cniVersion", "the flag --cni-version, else the primary's"),
    ("cniVersions", "the primary's"),
    ("name", "the flag --network-name, else the primary's"),
    ("type", "always polypod"),
    ("plugins", "made from the primary"),
    ("delegates", "made from the primary"),
    ("prevResult", "the runtime's"),
    ("runtimeConfig", "the runtime's"),
];

/// What the plugin takes, by kind; docs/configuration.md. An unknown key is passed over by the plugin and is passed on.
const KNOWN: [(&str, Kind); 28] = [
    ("auxiliaryCNIChainName", Kind::Text),
    ("binDir", Kind::Text),
    ("bridgeSocket", Kind::Path),
    ("bridgeTimeout", Kind::Number),
    ("capabilities", Kind::Switches),
    ("clusterNetwork", Kind::Text),
    ("compat", Kind::OneOf(&["multus"], "\"multus\"")),
    ("confDir", Kind::Path),
    ("defaultNetworks", Kind::Texts),
    ("delegateTimeout", Kind::Number),
    ("deviceInfoDir", Kind::Path),
    ("globalNamespaces", Kind::Text),
    ("kubeconfig", Kind::Path),
    ("legacy", Kind::OneOf(&["v1", "v2"], "\"v1\" or \"v2\"")),
    ("logFile", Kind::Path),
    ("logLevel", Kind::Text),
    ("logOptions", Kind::Object),
    ("logToStderr", Kind::Switch),
    ("multusNamespace", Kind::Text),
    ("namespaceIsolation", Kind::Switch),
    ("parallelAttachments", Kind::Number),
    ("podResourcesSocket", Kind::Path),
    ("readinessindicatorfile", Kind::Path),
    ("resolver", Kind::Path),
    ("retryDeleteOnError", Kind::Switch),
    ("statusTimeout", Kind::Number),
    ("systemNamespaces", Kind::Texts),
    ("timeout", Kind::Number),
];

#[derive(Clone, Copy, Debug)]
enum Kind {
    Text,
    Path,
    Number,
    Switch,
    Texts,
    Switches,
    Object,
    OneOf(&'static [&'static str], &'static str),
}

impl Kind {
    const fn wanted(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Path => "an absolute path",
            Self::Number => "a whole number that is not negative",
            Self::Switch => "true or false",
            Self::Texts => "a list of texts",
            Self::Switches => "an object of true and false",
            Self::Object => "an object",
            Self::OneOf(_, wanted) => wanted,
        }
    }

    fn takes(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Path => value
                .as_str()
                .is_some_and(|path| path.is_empty() || Path::new(path).is_absolute()),
            Self::Number => value.is_u64(),
            Self::Switch => value.is_boolean(),
            Self::Texts => value
                .as_array()
                .is_some_and(|all| all.iter().all(Value::is_string)),
            Self::Switches => value
                .as_object()
                .is_some_and(|all| all.values().all(Value::is_boolean)),
            Self::Object => value.is_object(),
            Self::OneOf(values, _) => value.as_str().is_some_and(|text| values.contains(&text)),
        }
    }
}

/// Every key that an operator sets, with what its value must be, for whoever describes them.
pub fn known() -> impl Iterator<Item = (&'static str, &'static str)> {
    KNOWN.iter().map(|(key, kind)| (*key, kind.wanted()))
}

/// Every key that `install` decides, with where it comes from.
pub fn generated() -> impl Iterator<Item = (&'static str, &'static str)> {
    GENERATED.iter().copied()
}

/// Reads the keys in `text`, which is JSON or YAML. `origin` is how errors name it.
///
/// Keys get the spelling of docs/configuration.md, whatever case they are written in; `null` is unset.
///
/// # Errors
/// The first key that cannot be carried out.
pub fn parse(text: &str, origin: &str) -> Result<Map<String, Value>, KeysError> {
    let value: Value = serde_yaml_ng::from_str(text).map_err(|error| KeysError::Syntax {
        origin: origin.to_owned(),
        problem: error.to_string(),
    })?;
    match value {
        Value::Null => Ok(Map::new()),
        Value::Object(members) => checked(members, origin),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(KeysError::NoObject {
                origin: origin.to_owned(),
            })
        }
    }
}

/// The same, of members that are parsed.
///
/// # Errors
/// As [`parse`].
pub fn checked(members: Map<String, Value>, origin: &str) -> Result<Map<String, Value>, KeysError> {
    let mut keys = Map::new();
    for (written, value) in members {
        if let Some((key, instead)) = find(&GENERATED, &written) {
            return Err(KeysError::Generated {
                origin: origin.to_owned(),
                key: key.to_owned(),
                instead,
            });
        }
        if value.is_null() {
            continue;
        }
        let Some((key, kind)) = find(&KNOWN, &written) else {
            keys.insert(written, value);
            continue;
        };
        if !kind.takes(&value) {
            return Err(KeysError::Value {
                origin: origin.to_owned(),
                key: key.to_owned(),
                found: shortened(&value),
                wanted: kind.wanted(),
            });
        }
        keys.insert(key.to_owned(), value);
    }
    Ok(keys)
}

/// Whether `install` decides the key.
#[must_use]
pub fn is_generated(key: &str) -> bool {
    find(&GENERATED, key).is_some()
}

fn find<T: Copy>(table: &[(&'static str, T)], key: &str) -> Option<(&'static str, T)> {
    table
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(key))
        .copied()
}

fn shortened(value: &Value) -> String {
    value.to_string().chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_and_yaml() {
        let wanted = json!({"namespaceIsolation": true, "globalNamespaces": "a,b", "logOptions": {"maxAge": 3}, "own": [1]});
        for text in [
            r#"{"NamespaceIsolation": true, "globalnamespaces": "a,b", "logOptions": {"maxAge": 3}, "own": [1], "timeout": null}"#,
            "namespaceIsolation: true\nglobalNamespaces: a,b\nlogOptions: {maxAge: 3}\nown: [1]\n",
        ] {
            assert_eq!(Value::Object(parse(text, "f").unwrap()), wanted, "{text}");
        }
        assert_eq!(parse("", "f"), Ok(Map::new()));
    }

    #[test]
    fn what_the_plugin_would_refuse_is_refused() {
        for (text, words) in [
            ("{", "f is neither JSON nor YAML"),
            ("[1]", "f must be an object"),
            (
                r#"{"Delegates": []}"#,
                "f has the key \"delegates\", which is made from the primary",
            ),
            (r#"{"type": "polypod"}"#, "always polypod"),
            (
                r#"{"namespaceIsolation": "yes"}"#,
                "f has \"yes\" as \"namespaceIsolation\"; it must be true or false",
            ),
            (r#"{"confDir": "etc"}"#, "an absolute path"),
            (r#"{"timeout": -1}"#, "a whole number"),
            (r#"{"timeout": 1.5}"#, "a whole number"),
            (
                r#"{"statustimeout": "30s"}"#,
                "f has \"30s\" as \"statusTimeout\"; it must be a whole number",
            ),
            (r#"{"defaultNetworks": ["a", 1]}"#, "a list of texts"),
            (
                r#"{"capabilities": {"ips": 1}}"#,
                "an object of true and false",
            ),
            (r#"{"compat": "calico"}"#, "it must be \"multus\""),
            (r#"{"legacy": "v3"}"#, "\"v1\" or \"v2\""),
        ] {
            let error = parse(text, "f").unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
