//! What the plugin is given on standard input: the request's configuration below the node's own.

use std::{collections::BTreeMap, fs, io, path::Path};

use serde_json::{
    json,
    value::{RawValue, to_raw_value},
};

use super::request::InterfaceAttributes;

type Keys = BTreeMap<String, Box<RawValue>>;

/// Multus's `daemon-config.json`: every top-level key of it is written over the one of a request's configuration.
#[derive(Clone, Debug, Default)]
pub struct Overlay(Keys);

/// The overlay cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum OverlayError {
    /// The file.
    #[error("cannot read --hotplug-config {path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// Its text.
    #[error("--hotplug-config {path} is not a JSON object: {source}")]
    Json {
        /// The file.
        path: String,
        /// What is wrong.
        source: serde_json::Error,
    },
}

/// A request's configuration is none.
#[derive(Debug, thiserror::Error)]
#[error(
    "could not extract the CNI command args: failed to unmarshall CNI config: it is not a JSON object: {0}"
)]
pub struct ConfError(#[from] serde_json::Error);

/// What a delegate's verbs need of the node's configuration. The rest of it is about the runtime's own network; Multus
/// writes that over the delegate as well, its `cniVersion` and all.
const OF_THE_NODE: [&str; 9] = [
    "binDir",
    "cniDir",
    "delegateTimeout",
    "deviceInfoDir",
    "logFile",
    "logLevel",
    "logOptions",
    "logToStderr",
    "timeout",
];

impl Overlay {
    /// Reads the file.
    ///
    /// # Errors
    /// It is not there, or no JSON object.
    pub fn read(path: &Path) -> Result<Self, OverlayError> {
        let shown = || path.display().to_string();
        let text = fs::read(path).map_err(|source| OverlayError::Io {
            path: shown(),
            source,
        })?;
        let keys = serde_json::from_slice(&text).map_err(|source| OverlayError::Json {
            path: shown(),
            source,
        })?;
        Ok(Self(keys))
    }

    /// The configuration for a request of `/cni`. Keys are matched in any case, as the plugin reads them.
    ///
    /// # Errors
    /// It is no JSON object.
    pub fn over(&self, conf: &str) -> Result<String, ConfError> {
        let mut keys: Keys = serde_json::from_str(conf)?;
        for (key, value) in &self.0 {
            put(&mut keys, key, value.clone());
        }
        // What it is called in the runtime's file is the name of the shim.
        put(&mut keys, "type", raw("polypod"));
        Ok(printed(&keys))
    }

    /// The configuration for a request of `/delegate`.
    ///
    /// # Errors
    /// The delegate is no JSON object.
    pub fn around(
        &self,
        delegate: &str,
        attributes: &InterfaceAttributes,
    ) -> Result<String, ConfError> {
        let delegate: Keys = serde_json::from_str(delegate)?;
        let mut keys = self.0.clone();
        keys.retain(|key, _| OF_THE_NODE.iter().any(|own| own.eq_ignore_ascii_case(key)));
        let mut runtime_config = BTreeMap::new();
        if let Some(ips) = attributes.ips.as_ref().filter(|ips| !ips.is_empty()) {
            runtime_config.insert("ips", json!(ips));
        }
        if let Some(mac) = attributes.mac.as_ref().filter(|mac| !mac.is_empty()) {
            runtime_config.insert("mac", json!(mac));
        }
        for (key, value) in [
            ("cniVersion", raw("1.1.0")),
            ("name", raw("polypod-hotplug")),
            ("type", raw("polypod")),
            ("delegates", raw([delegate])),
            (
                "hotplug",
                raw(
                    json!({"runtimeConfig": runtime_config, "cni-args": attributes.cni_args.as_ref()}),
                ),
            ),
        ] {
            put(&mut keys, key, value);
        }
        Ok(printed(&keys))
    }

    /// The folders of `binDir`.
    #[must_use]
    pub fn bin_folders(&self) -> Vec<String> {
        let bin_dir = self
            .0
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case("binDir"));
        let text: Option<String> =
            bin_dir.and_then(|(_, value)| serde_json::from_str(value.get()).ok());
        folders(&text.unwrap_or_default())
    }
}

/// The folders of a search path.
#[must_use]
pub fn folders(path: &str) -> Vec<String> {
    path.split(':')
        .filter(|folder| !folder.is_empty())
        .map(str::to_owned)
        .collect()
}

fn put(keys: &mut Keys, key: &str, value: Box<RawValue>) {
    keys.retain(|own, _| !own.eq_ignore_ascii_case(key));
    keys.insert(key.to_owned(), value);
}

fn raw(value: impl serde::Serialize) -> Box<RawValue> {
    to_raw_value(&value).expect("texts and JSON values print")
}

fn printed(keys: &Keys) -> String {
    serde_json::to_string(keys).expect("an object of texts prints")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn overlay(text: &str) -> Overlay {
        Overlay(serde_json::from_str(text).unwrap())
    }

    fn value(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_nodes_keys_win_in_any_case() {
        let daemon = overlay(
            r#"{"cniVersion":"0.4.0","clusterNetwork":"/etc/cni/net.d/10-a.conflist","logLevel":"debug"}"#,
        );
        let shim = r#"{"type":"multus-shim","name":"multus-cni-network","cniVersion":"0.3.1","ClusterNetwork":"x",
                       "prevResult":{"big":12345678901234567890}}"#;
        assert_eq!(
            value(&daemon.over(shim).unwrap()),
            value(
                r#"{"type":"polypod","name":"multus-cni-network","cniVersion":"0.4.0","clusterNetwork":"/etc/cni/net.d/10-a.conflist",
                    "logLevel":"debug","prevResult":{"big":12345678901234567890}}"#
            )
        );
        assert_eq!(
            value(&Overlay::default().over(r#"{"Type":"multus"}"#).unwrap()),
            json!({"type": "polypod"})
        );
        for wrong in ["", "[]", "null", "5"] {
            assert!(daemon.over(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_delegate_is_given_what_is_the_nodes_and_keeps_its_own() {
        let daemon = overlay(
            r#"{"cniVersion":"0.3.1","cnidir":"/state","clusterNetwork":"x","kubeconfig":"/k","compat":"multus","binDir":"/a:/b"}"#,
        );
        let attributes: InterfaceAttributes = serde_json::from_str(
            r#"{"ips":["10.0.0.5/24"],"mac":"02:00:00:00:00:01","cni-args":{"a":1}}"#,
        )
        .unwrap();
        let delegate = r#"{"cniVersion":"1.0.0","name":"n","type":"bridge"}"#;
        assert_eq!(
            value(&daemon.around(delegate, &attributes).unwrap()),
            json!({"cniVersion": "1.1.0", "name": "polypod-hotplug", "type": "polypod", "cnidir": "/state", "binDir": "/a:/b",
                   "delegates": [{"cniVersion": "1.0.0", "name": "n", "type": "bridge"}],
                   "hotplug": {"runtimeConfig": {"ips": ["10.0.0.5/24"], "mac": "02:00:00:00:00:01"}, "cni-args": {"a": 1}}})
        );
        assert_eq!(daemon.bin_folders(), ["/a", "/b"]);
        let bare = Overlay::default()
            .around(delegate, &InterfaceAttributes::default())
            .unwrap();
        assert_eq!(
            value(&bare)["hotplug"],
            json!({"runtimeConfig": {}, "cni-args": null})
        );
    }
}
