//! A CNI network configuration or configuration list, as a delegate is given.
//!
//! Values are kept as the text they came in: a delegate must get the bytes its author wrote, and only the top level is
//! opened, to add what a meta-plugin has to add. CNI specification, section 1; CONVENTIONS.md for `args` and `runtimeConfig`.

use serde_json::{Map, Value};

use super::{
    Command, ConfError, ConfFile, Fields, NetworkName, PluginConf, PluginType, Version, fields,
    list_options::ListOptions, self_delegation,
};

/// A configuration of one plugin, or a list of plugins executed as a chain. It has at least one plugin, and every plugin
/// has a type.
#[derive(Clone, Debug)]
pub struct NetworkConf {
    pub(super) name: Option<NetworkName>,
    pub(super) declared_version: Option<Version>,
    pub(super) plugins: Vec<PluginConf>,
    /// Absent for the configuration of one plugin.
    pub(super) list: Option<List>,
}

/// What a list says apart from its plugins.
#[derive(Clone, Debug)]
pub(super) struct List {
    /// The list's own members without `plugins`.
    pub(super) fields: Fields,
    pub(super) options: ListOptions,
}

impl NetworkConf {
    /// Parses a configuration (it has `type`) or a configuration list (it has `plugins`).
    ///
    /// # Errors
    /// Anything that keeps it from being executed; see [`ConfError`].
    pub fn parse(text: &str) -> Result<Self, ConfError> {
        ConfFile::parse(text)?.with(Vec::new())
    }

    /// The network's name, if it has one.
    #[must_use]
    pub const fn name(&self) -> Option<&NetworkName> {
        self.name.as_ref()
    }

    /// The version its plugins are called with, else 0.1.0: what it declares, which for a list is the highest version that
    /// is known among `cniVersion` and `cniVersions`.
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

    /// What any plugin declares; one that several declare comes as often.
    pub fn capabilities(&self) -> impl Iterator<Item = &str> {
        let plugins = self.plugins.iter();
        plugins.flat_map(|plugin| plugin.capabilities.iter().map(String::as_str))
    }

    /// Whether the list says `disableCheck`: nobody may CHECK it, and a CHECK of it succeeds.
    #[must_use]
    pub fn disables_check(&self) -> bool {
        self.list
            .as_ref()
            .is_some_and(|list| list.options.disable_check)
    }

    /// Whether the list says `disableGC`: nobody may have its plugins collect garbage.
    #[must_use]
    pub fn disables_gc(&self) -> bool {
        self.list
            .as_ref()
            .is_some_and(|list| list.options.disable_gc)
    }

    /// Whether its plugins may be executed with `command`: its version has the verb, and it is not switched off.
    #[must_use]
    pub fn takes(&self, command: Command) -> bool {
        match command {
            Command::Add | Command::Del | Command::Version => true,
            Command::Check => self.version() >= Version::V0_4_0 && !self.disables_check(),
            Command::Gc => self.version() >= Version::V1_1_0 && !self.disables_gc(),
            Command::Status => self.version() >= Version::V1_1_0,
        }
    }

    /// The type under which it would execute Polypod itself, over and over: one of its plugins, or a delegate that a
    /// plugin's own `delegate` or `delegates` names.
    #[must_use]
    pub fn self_delegation(&self) -> Option<PluginType> {
        self.plugins.iter().find_map(self_delegation::of_plugin)
    }

    /// The same configuration, with `name` where it has none of its own (NPWG specification, 3.4.2).
    #[must_use]
    pub fn named(mut self, name: &NetworkName) -> Self {
        if self.name.is_none() {
            self.name = Some(name.clone());
            let members = match &mut self.list {
                Some(list) => &mut list.fields,
                None => &mut self.plugins[0].fields,
            };
            members.insert("name".to_owned(), fields::raw(&Value::from(name.as_str())));
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
            list.fields.insert(
                "cniVersion".to_owned(),
                fields::raw(&Value::from(version.as_str())),
            );
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

    /// The configuration as text, with the name it was given.
    #[must_use]
    pub fn to_json(&self) -> String {
        let Some(list) = &self.list else {
            return fields::print(&self.plugins[0].fields);
        };
        let mut members = list.fields.clone();
        let plugins: Vec<&Fields> = self.plugins.iter().map(|plugin| &plugin.fields).collect();
        members.insert(
            "plugins".to_owned(),
            serde_json::value::to_raw_value(&plugins).expect("a list of objects of texts prints"),
        );
        fields::print(&members)
    }
}

#[cfg(test)]
#[path = "conf_tests.rs"]
mod tests;
