//! A CNI network configuration or configuration list, as a delegate is given.
//!
//! Values are kept as the text they came in: a delegate must get the bytes its author wrote, and only the top level is
//! opened, to add what a meta-plugin has to add. CNI specification, section 1; CONVENTIONS.md for `args` and `runtimeConfig`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, value::RawValue};

use super::{NetworkName, PluginType, UnsupportedVersion, Version};
use crate::{NameError, kind};

/// The members of a JSON object, each value as its own text.
pub type Fields = BTreeMap<String, Box<RawValue>>;

/// A configuration of one plugin, or a list of plugins executed as a chain. It has at least one plugin, and every plugin
/// has a type.
#[derive(Clone, Debug)]
pub struct NetworkConf {
    name: Option<NetworkName>,
    declared_version: Option<Version>,
    plugins: Vec<PluginConf>,
    /// The list's own members without `plugins`; absent for the configuration of one plugin.
    list: Option<Fields>,
}

/// The configuration of one plugin.
#[derive(Clone, Debug)]
pub struct PluginConf {
    plugin_type: PluginType,
    capabilities: BTreeSet<String>,
    fields: Fields,
}

/// What a meta-plugin adds to a plugin's configuration for one call.
#[derive(Clone, Copy, Debug, Default)]
pub struct Injection<'a> {
    /// Capability arguments: a plugin gets those that it declares, as `runtimeConfig`.
    pub runtime_config: Option<&'a Map<String, Value>>,
    /// The allocated device, for `deviceID` and `pciBusID`.
    pub device: Option<&'a str>,
    /// The `cni-args` of the network selection, merged over `args.cni`.
    pub cni_args: Option<&'a Map<String, Value>>,
    /// The result of the plugin before it, or of ADD.
    pub prev_result: Option<&'a RawValue>,
}

/// Why a text is no CNI configuration. Places are JSON pointers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfError {
    /// Not JSON at all.
    #[error("the CNI configuration is not valid JSON: {0}")]
    NotJson(String),
    /// A value of another kind than the specification wants.
    #[error("the CNI configuration has {found} at {place}; it must be {wanted}")]
    Kind {
        /// Where.
        place: String,
        /// The kind that stands there.
        found: &'static str,
        /// The kind that belongs there.
        wanted: &'static str,
    },
    /// Neither `type` nor `plugins`.
    #[error(
        "the CNI configuration has neither 'type' (one plugin) nor 'plugins' (a chain); write one of them"
    )]
    NoPlugin,
    /// `plugins` is empty.
    #[error(
        "the CNI configuration has an empty list at /plugins; name at least one plugin with its 'type'"
    )]
    EmptyPlugins,
    /// A plugin of the chain has no type.
    #[error("the CNI configuration has no 'type' at {place}; write the file name of the plugin")]
    NoType {
        /// Where.
        place: String,
    },
    /// A name that breaks its rule.
    #[error("the CNI configuration is wrong at {place}: {problem}")]
    Name {
        /// Where.
        place: String,
        /// The rule.
        #[source]
        problem: NameError,
    },
    /// A `cniVersion` nobody speaks.
    #[error("the CNI configuration is wrong at /cniVersion: {0}")]
    Version(#[from] UnsupportedVersion),
}

impl NetworkConf {
    /// Parses a configuration (it has `type`) or a configuration list (it has `plugins`).
    ///
    /// # Errors
    /// Anything that keeps it from being executed; see [`ConfError`].
    pub fn parse(text: &str) -> Result<Self, ConfError> {
        let raw: &RawValue =
            serde_json::from_str(text).map_err(|error| ConfError::NotJson(error.to_string()))?;
        let mut fields = object(raw, "/")?;
        let name = text_at(&fields, "name", "/name")?
            .filter(|name| !name.is_empty())
            .map(|name| {
                NetworkName::try_from(name).map_err(|problem| ConfError::Name {
                    place: "/name".to_owned(),
                    problem,
                })
            })
            .transpose()?;
        let declared_version = text_at(&fields, "cniVersion", "/cniVersion")?
            .filter(|version| !version.is_empty())
            .map(|version| version.parse())
            .transpose()?;
        if fields.contains_key("type") {
            let plugins = vec![PluginConf::read(fields, "")?];
            return Ok(Self {
                name,
                declared_version,
                plugins,
                list: None,
            });
        }
        let plugins = fields.remove("plugins").ok_or(ConfError::NoPlugin)?;
        let elements: Vec<&RawValue> =
            serde_json::from_str(plugins.get()).map_err(|_| ConfError::Kind {
                place: "/plugins".to_owned(),
                found: kind::of_raw(&plugins),
                wanted: "a list of objects",
            })?;
        if elements.is_empty() {
            return Err(ConfError::EmptyPlugins);
        }
        let plugins = elements
            .into_iter()
            .enumerate()
            .map(|(index, element)| {
                let place = format!("/plugins/{index}");
                PluginConf::read(object(element, &place)?, &place)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            name,
            declared_version,
            plugins,
            list: Some(fields),
        })
    }

    /// The network's name, if it has one.
    #[must_use]
    pub const fn name(&self) -> Option<&NetworkName> {
        self.name.as_ref()
    }

    /// The version its plugins are called with: what it declares, else 0.1.0.
    #[must_use]
    pub fn version(&self) -> Version {
        self.declared_version.unwrap_or(Version::V0_1_0)
    }

    /// The plugins in the order of ADD.
    #[must_use]
    pub fn plugins(&self) -> &[PluginConf] {
        &self.plugins
    }

    /// Whether any plugin declares `capability`.
    #[must_use]
    pub fn declares(&self, capability: &str) -> bool {
        self.plugins
            .iter()
            .any(|plugin| plugin.capabilities.contains(capability))
    }

    /// The same configuration, with `name` where it has none of its own (NPWG specification, 3.4.2).
    #[must_use]
    pub fn named(mut self, name: &NetworkName) -> Self {
        if self.name.is_none() {
            self.name = Some(name.clone());
            let fields = match &mut self.list {
                Some(list) => list,
                None => &mut self.plugins[0].fields,
            };
            fields.insert("name".to_owned(), raw(&Value::from(name.as_str())));
        }
        self
    }

    /// The same configuration; a chain that declares no version gets `version`, as chaining does not exist in 0.1.0.
    #[must_use]
    pub fn chained_at_least(mut self, version: Version) -> Self {
        if let Some(list) = &mut self.list
            && self.declared_version.is_none()
        {
            self.declared_version = Some(version);
            list.insert("cniVersion".to_owned(), raw(&Value::from(version.as_str())));
        }
        self
    }

    /// Checks that `args` of every plugin can take `cni-args`.
    ///
    /// # Errors
    /// `args` or `args.cni` is not an object.
    pub fn check_takes_cni_args(&self) -> Result<(), ConfError> {
        self.plugins
            .iter()
            .try_for_each(|plugin| plugin.merged_args(&Map::new()).map(drop))
    }

    /// What the plugin at `index` reads on standard input: its configuration, the list's name and version, and `injection`.
    ///
    /// # Errors
    /// `args` cannot take `cni-args`.
    ///
    /// # Panics
    /// When there is no plugin at `index`.
    pub fn request(&self, index: usize, injection: &Injection<'_>) -> Result<String, ConfError> {
        let plugin = &self.plugins[index];
        let mut fields = plugin.fields.clone();
        if self.list.is_some() {
            let name = self.name.as_ref().map_or("", NetworkName::as_str);
            fields.insert("name".to_owned(), raw(&Value::from(name)));
            fields.insert(
                "cniVersion".to_owned(),
                raw(&Value::from(self.version().as_str())),
            );
        }
        if let Some(device) = injection.device {
            fields.insert("deviceID".to_owned(), raw(&Value::from(device)));
            fields.insert("pciBusID".to_owned(), raw(&Value::from(device)));
        }
        if let Some(cni_args) = injection.cni_args {
            fields.insert(
                "args".to_owned(),
                raw(&Value::Object(plugin.merged_args(cni_args)?)),
            );
        }
        let runtime_config: Map<String, Value> = injection
            .runtime_config
            .into_iter()
            .flatten()
            .filter(|(capability, _)| plugin.capabilities.contains(*capability))
            .map(|(capability, value)| (capability.clone(), value.clone()))
            .collect();
        if !runtime_config.is_empty() {
            fields.insert(
                "runtimeConfig".to_owned(),
                raw(&Value::Object(runtime_config)),
            );
        }
        if let Some(prev_result) = injection.prev_result {
            fields.insert("prevResult".to_owned(), prev_result.to_owned());
        }
        Ok(print(&fields))
    }

    /// The configuration as text, with the name it was given.
    #[must_use]
    pub fn to_json(&self) -> String {
        let Some(list) = &self.list else {
            return print(&self.plugins[0].fields);
        };
        let mut fields = list.clone();
        let plugins: Vec<&Fields> = self.plugins.iter().map(|plugin| &plugin.fields).collect();
        fields.insert(
            "plugins".to_owned(),
            serde_json::value::to_raw_value(&plugins).expect("a list of objects of texts prints"),
        );
        print(&fields)
    }
}

impl PluginConf {
    fn read(fields: Fields, place: &str) -> Result<Self, ConfError> {
        let type_place = format!("{place}/type");
        let plugin_type =
            text_at(&fields, "type", &type_place)?.ok_or_else(|| ConfError::NoType {
                place: if place.is_empty() { "/" } else { place }.to_owned(),
            })?;
        let plugin_type = PluginType::try_from(plugin_type).map_err(|problem| ConfError::Name {
            place: type_place,
            problem,
        })?;
        let capabilities = match fields.get("capabilities").filter(|raw| raw.get() != "null") {
            None => BTreeSet::new(),
            Some(raw) => serde_json::from_str::<BTreeMap<String, bool>>(raw.get())
                .map_err(|_| ConfError::Kind {
                    place: format!("{place}/capabilities"),
                    found: kind::of_raw(raw),
                    wanted: "an object of true and false",
                })?
                .into_iter()
                .filter_map(|(capability, on)| on.then_some(capability))
                .collect(),
        };
        Ok(Self {
            plugin_type,
            capabilities,
            fields,
        })
    }

    /// The plugin's `type`.
    #[must_use]
    pub const fn plugin_type(&self) -> &PluginType {
        &self.plugin_type
    }

    /// The value of a member of the configuration, as text.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&RawValue> {
        self.fields.get(name).map(AsRef::as_ref)
    }

    fn merged_args(&self, cni_args: &Map<String, Value>) -> Result<Map<String, Value>, ConfError> {
        let mut args = match self.fields.get("args").filter(|raw| raw.get() != "null") {
            None => Map::new(),
            Some(raw) => serde_json::from_str(raw.get()).map_err(|_| ConfError::Kind {
                place: "/args".to_owned(),
                found: kind::of_raw(raw),
                wanted: "an object, as the pod's cni-args are merged into it",
            })?,
        };
        match args
            .entry("cni")
            .or_insert_with(|| Value::Object(Map::new()))
        {
            Value::Object(cni) => cni.extend(cni_args.clone()),
            other @ Value::Null => *other = Value::Object(cni_args.clone()),
            other => {
                return Err(ConfError::Kind {
                    place: "/args/cni".to_owned(),
                    found: kind::of_value(other),
                    wanted: "an object, as the pod's cni-args are merged into it",
                });
            }
        }
        Ok(args)
    }
}

fn object(raw: &RawValue, place: &str) -> Result<Fields, ConfError> {
    if kind::of_raw(raw) != "an object" {
        return Err(ConfError::Kind {
            place: place.to_owned(),
            found: kind::of_raw(raw),
            wanted: "an object",
        });
    }
    serde_json::from_str(raw.get()).map_err(|error| ConfError::NotJson(error.to_string()))
}

fn text_at(fields: &Fields, key: &str, place: &str) -> Result<Option<String>, ConfError> {
    match fields.get(key) {
        None => Ok(None),
        Some(raw) => serde_json::from_str(raw.get()).map_err(|_| ConfError::Kind {
            place: place.to_owned(),
            found: kind::of_raw(raw),
            wanted: "a text",
        }),
    }
}

fn raw(value: &Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).expect("a JSON value prints")
}

fn print(fields: &Fields) -> String {
    serde_json::to_string(fields).expect("an object of JSON texts prints")
}

#[cfg(test)]
#[path = "conf_tests.rs"]
mod tests;
