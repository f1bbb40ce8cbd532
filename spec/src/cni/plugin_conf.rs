//! The configuration of one plugin.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, value::RawValue};

use super::{ConfError, Fields, PluginType, fields};
use crate::kind;

/// The configuration of one plugin: it has a type, and what it declares can be read.
#[derive(Clone, Debug)]
pub struct PluginConf {
    plugin_type: PluginType,
    pub(super) capabilities: BTreeSet<String>,
    pub(super) fields: Fields,
}

impl PluginConf {
    /// Parses a plugin that stands alone, such as one of the files in a list's folder.
    ///
    /// # Errors
    /// Anything that keeps it from being executed; see [`ConfError`].
    pub fn parse(text: &str) -> Result<Self, ConfError> {
        Self::read(fields::parse(text)?, "")
    }

    pub(super) fn read(members: Fields, place: &str) -> Result<Self, ConfError> {
        let type_place = format!("{place}/type");
        let plugin_type =
            fields::text_at(&members, "type", &type_place)?.ok_or_else(|| ConfError::NoType {
                place: if place.is_empty() { "/" } else { place }.to_owned(),
            })?;
        let plugin_type = PluginType::try_from(plugin_type).map_err(|problem| ConfError::Name {
            place: type_place,
            problem,
        })?;
        let capabilities = match fields::set(&members, "capabilities") {
            None => BTreeSet::new(),
            Some(raw) => serde_json::from_str::<BTreeMap<String, Option<bool>>>(raw.get())
                .map_err(|_| {
                    let place = format!("{place}/capabilities");
                    fields::wrong_kind(raw, &place, "an object of true and false")
                })?
                .into_iter()
                .filter_map(|(capability, on)| (on == Some(true)).then_some(capability))
                .collect(),
        };
        Ok(Self {
            plugin_type,
            capabilities,
            fields: members,
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

    pub(super) fn merged_args(
        &self,
        cni_args: &Map<String, Value>,
    ) -> Result<Map<String, Value>, ConfError> {
        const WANTED: &str = "an object, as the pod's cni-args are merged into it";
        let mut args = match fields::set(&self.fields, "args") {
            None => Map::new(),
            Some(raw) => serde_json::from_str(raw.get())
                .map_err(|_| fields::wrong_kind(raw, "/args", WANTED))?,
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
                    wanted: WANTED,
                });
            }
        }
        Ok(args)
    }
}
