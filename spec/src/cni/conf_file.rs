//! A configuration as a file holds it, before the plugins of its folder are known.

use super::{
    ConfError, Fields, NetworkConf, NetworkName, PluginConf, Version, conf::List, declared_version,
    fields, list_options::ListOptions,
};

/// A configuration that may still lack plugins: those of a list stand in its file, and in the files of a folder beside it
/// that has the network's name. CNI specification, section 1, "Plugin configuration objects".
///
/// Whoever reads files asks [`folder`](Self::folder) and hands what it holds to [`with`](Self::with).
#[derive(Clone, Debug)]
pub struct ConfFile {
    name: Option<NetworkName>,
    declared_version: Option<Version>,
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    Single(Box<PluginConf>),
    List {
        members: Fields,
        options: ListOptions,
        plugins: Vec<PluginConf>,
        plugins_written: bool,
    },
}

impl ConfFile {
    /// Parses the configuration of one plugin (it has a `type`, whatever else it has) or a list.
    ///
    /// # Errors
    /// Anything that keeps it from being executed, except that a list may have no plugins yet.
    pub fn parse(text: &str) -> Result<Self, ConfError> {
        let mut members = fields::parse(text)?;
        let name = fields::text_at(&members, "name", "/name")?
            .filter(|name| !name.is_empty())
            .map(|name| {
                NetworkName::try_from(name).map_err(|problem| ConfError::Name {
                    place: "/name".to_owned(),
                    problem,
                })
            })
            .transpose()?;
        if is_single(&members) {
            return Ok(Self {
                name,
                declared_version: declared_version::of_plugin(&members)?,
                form: Form::Single(Box::new(PluginConf::read(members, "")?)),
            });
        }
        let declared_version = declared_version::of_list(&members)?;
        let options = ListOptions::read(&members)?;
        let written = members.remove("plugins");
        let plugins = written.as_ref().map_or(Ok(Vec::new()), |raw| {
            fields::list(raw, "/plugins", "a list of objects")?
                .into_iter()
                .enumerate()
                .map(|(index, element)| {
                    let place = format!("/plugins/{index}");
                    PluginConf::read(fields::object(element, &place)?, &place)
                })
                .collect()
        })?;
        Ok(Self {
            name,
            declared_version,
            form: Form::List {
                members,
                options,
                plugins,
                plugins_written: written.is_some(),
            },
        })
    }

    /// The network's name, if it has one.
    #[must_use]
    pub const fn name(&self) -> Option<&NetworkName> {
        self.name.as_ref()
    }

    /// Whether it is a list and not the configuration of one plugin.
    #[must_use]
    pub const fn is_list(&self) -> bool {
        matches!(self.form, Form::List { .. })
    }

    /// The name of the folder beside the file that may hold further plugins. There is none for one plugin, for a list
    /// without a name, and where `loadOnlyInlinedPlugins` is true.
    #[must_use]
    pub const fn folder(&self) -> Option<&NetworkName> {
        match &self.form {
            Form::List { options, .. } if !options.load_only_inlined_plugins => self.name.as_ref(),
            Form::List { .. } | Form::Single(_) => None,
        }
    }

    /// The whole configuration: the list's own plugins, and after them those of its [`folder`](Self::folder), if it has one.
    ///
    /// # Errors
    /// There is no plugin at all.
    pub fn with(self, plugins_of_folder: Vec<PluginConf>) -> Result<NetworkConf, ConfError> {
        let has_folder = self.folder().is_some();
        let (mut plugins, list, plugins_written) = match self.form {
            Form::Single(plugin) => (vec![*plugin], None, true),
            Form::List {
                members,
                options,
                plugins,
                plugins_written,
            } => {
                let list = List {
                    fields: members,
                    options,
                };
                (plugins, Some(list), plugins_written)
            }
        };
        if has_folder {
            plugins.extend(plugins_of_folder);
        }
        match (plugins.is_empty(), plugins_written) {
            (true, true) => Err(ConfError::EmptyPlugins),
            (true, false) => Err(ConfError::NoPlugin),
            (false, _) => Ok(NetworkConf {
                name: self.name,
                declared_version: self.declared_version,
                plugins,
                list,
            }),
        }
    }
}

/// `type` decides, even beside `plugins`; an empty one decides nothing where there are plugins, as for Multus.
fn is_single(members: &Fields) -> bool {
    members.get("type").is_some_and(|raw| {
        !matches!(raw.get(), "null" | "\"\"") || !members.contains_key("plugins")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types(conf: &NetworkConf) -> Vec<&str> {
        let plugins = conf.plugins().iter();
        plugins
            .map(|plugin| plugin.plugin_type().as_str())
            .collect()
    }

    fn fragment() -> Vec<PluginConf> {
        vec![PluginConf::parse(r#"{"type":"tuning","x":1e2}"#).unwrap()]
    }

    #[test]
    fn plugins_of_the_folder_come_last() {
        for (text, wanted) in [
            (
                r#"{"name":"n","plugins":[{"type":"ptp"}]}"#,
                vec!["ptp", "tuning"],
            ),
            (r#"{"name":"n","plugins":[]}"#, vec!["tuning"]),
            (r#"{"name":"n"}"#, vec!["tuning"]),
            (r#"{"plugins":[{"type":"ptp"}]}"#, vec!["ptp"]),
            (
                r#"{"name":"n","loadOnlyInlinedPlugins":"true","plugins":[{"type":"ptp"}]}"#,
                vec!["ptp"],
            ),
            (r#"{"name":"n","type":"ptp"}"#, vec!["ptp"]),
            (
                r#"{"name":"n","type":"ptp","plugins":[{"type":"a"}]}"#,
                vec!["ptp"],
            ),
            (
                r#"{"name":"n","type":"","plugins":[{"type":"a"}]}"#,
                vec!["a", "tuning"],
            ),
        ] {
            let file = ConfFile::parse(text).unwrap();
            assert_eq!(types(&file.with(fragment()).unwrap()), wanted, "{text}");
        }
    }

    #[test]
    fn the_whole_is_printed_with_the_authors_text() {
        let text = r#"{"cniVersions":["1.0.0"],"name":"n","unknown":1.50}"#;
        let conf = ConfFile::parse(text).unwrap().with(fragment()).unwrap();
        let printed = conf.to_json();
        assert_eq!(
            printed,
            r#"{"cniVersions":["1.0.0"],"name":"n","plugins":[{"type":"tuning","x":1e2}],"unknown":1.50}"#
        );
        assert_eq!(NetworkConf::parse(&printed).unwrap().to_json(), printed);
    }

    #[test]
    fn a_list_needs_a_plugin_from_somewhere() {
        let without = |text: &str| ConfFile::parse(text).unwrap().with(Vec::new()).unwrap_err();
        assert_eq!(without(r#"{"name":"n"}"#), ConfError::NoPlugin);
        assert_eq!(without(r#"{"plugins":[]}"#), ConfError::EmptyPlugins);
        let only_inlined = ConfFile::parse(r#"{"name":"n","loadOnlyInlinedPlugins":true}"#);
        assert_eq!(
            only_inlined.unwrap().with(fragment()).unwrap_err(),
            ConfError::NoPlugin
        );
    }
}
