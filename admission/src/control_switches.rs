//! The network resources injector's ConfigMap `nri-control-switches`, for clusters that have it: the text under its key
//! `config.json`, laid over our own configuration.
//!
//! The injector takes what it understands of a text and drops the rest; a wrong value in it brings the injector down at
//! the next pod. Here a text is understood as a whole, or refused with the line and column before any pod is concerned.

mod object;

use std::collections::BTreeMap;

use object::Object;
use serde::Deserialize;
use spec::label::LabelKey;

use crate::policy::{Injection, UserDefined};

/// The ConfigMap's name.
pub const CONFIG_MAP: &str = "nri-control-switches";

/// The key of its data that holds the switches.
pub const KEY: &str = "config.json";

/// What the ConfigMap switches. What it does not name is left as it is configured otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ControlSwitches {
    hugepages: Option<bool>,
    honor_existing_resources: Option<bool>,
    user_defined: Vec<UserDefined>,
}

/// A text that holds no switches.
#[derive(Debug, thiserror::Error)]
#[error("{KEY} of ConfigMap {CONFIG_MAP}: {0}")]
pub struct ControlSwitchesError(#[from] serde_json::Error);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    #[serde(default)]
    features: Object<Features>,
    #[serde(default, rename = "user-defined-injections")]
    user_defined: BTreeMap<LabelKey, Object<Operation>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Features {
    #[serde(rename = "enableHugePageDownApi")]
    hugepages: Option<bool>,
    enable_honor_existing_resources: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Operation {
    #[serde(rename = "op")]
    _op: Op,
    #[serde(rename = "path")]
    _path: Path,
    value: BTreeMap<LabelKey, String>,
}

/// Whatever the text says, an annotation of the pod itself stays.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Op {
    Add,
    Replace,
}

#[derive(Deserialize)]
enum Path {
    #[serde(rename = "/metadata/annotations")]
    Annotations,
}

impl ControlSwitches {
    /// Reads the text under [`KEY`].
    ///
    /// # Errors
    /// It is no JSON object of `features` and `user-defined-injections`, or anything in it has a type, name or path that
    /// cannot be carried out.
    pub fn parse(text: &str) -> Result<Self, ControlSwitchesError> {
        let Object(Text {
            features: Object(features),
            user_defined,
        }) = serde_json::from_str(text)?;
        Ok(Self {
            hugepages: features.hugepages,
            honor_existing_resources: features.enable_honor_existing_resources,
            user_defined: user_defined
                .into_iter()
                .map(|(label, Object(operation))| UserDefined {
                    label,
                    annotations: operation.value,
                })
                .collect(),
        })
    }

    /// `injection` with these switches. What the ConfigMap injects comes after what is configured, in the order of the
    /// labels.
    #[must_use]
    pub fn apply(&self, injection: &Injection) -> Injection {
        let mut switched = injection.clone();
        switched.hugepages = self.hugepages.unwrap_or(injection.hugepages);
        switched.honor_existing_resources = self
            .honor_existing_resources
            .unwrap_or(injection.honor_existing_resources);
        switched
            .user_defined
            .extend(self.user_defined.iter().cloned());
        switched
    }
}

#[cfg(test)]
mod tests;
