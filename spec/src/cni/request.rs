//! What a plugin reads on standard input. CNI specification, section 3, "Deriving request configuration from plugin
//! configuration".
//!
//! In one point the reference implementation differs, and what it does is done here, as plugins were written against it
//! and Multus: `capabilities` stay in the request.

use serde_json::{Map, Value, value::RawValue};

use super::{ConfError, Fields, NetworkConf, NetworkName, ValidAttachments, fields};

/// The keys that only a runtime may write.
const RESERVED: &str = "cni.dev/";

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

impl NetworkConf {
    /// What the plugin at `index` reads at ADD, DEL and CHECK: its configuration, the list's name and version, and
    /// `injection`.
    ///
    /// # Errors
    /// `args` cannot take `cni-args`.
    ///
    /// # Panics
    /// When there is no plugin at `index`.
    pub fn request(&self, index: usize, injection: &Injection<'_>) -> Result<String, ConfError> {
        let plugin = &self.plugins[index];
        let mut request = self.base(index);
        if let Some(device) = injection.device {
            insert(&mut request, "deviceID", &Value::from(device));
            insert(&mut request, "pciBusID", &Value::from(device));
        }
        if let Some(cni_args) = injection.cni_args {
            let args = plugin.merged_args(cni_args)?;
            insert(&mut request, "args", &Value::Object(args));
        }
        let runtime_config: Map<String, Value> = injection
            .runtime_config
            .into_iter()
            .flatten()
            .filter(|(capability, _)| plugin.capabilities.contains(*capability))
            .map(|(capability, value)| (capability.clone(), value.clone()))
            .collect();
        if !runtime_config.is_empty() {
            insert(
                &mut request,
                "runtimeConfig",
                &Value::Object(runtime_config),
            );
        }
        if let Some(prev_result) = injection.prev_result {
            request.insert("prevResult".to_owned(), prev_result.to_owned());
        }
        Ok(fields::print(&request))
    }

    /// What the plugin at `index` reads at GC: its configuration, the list's name and version, and the attachments that
    /// are `valid`, under the specification's key and the one that it had in an earlier draft, as libcni sends both.
    ///
    /// # Panics
    /// When there is no plugin at `index`.
    #[must_use]
    pub fn gc_request(&self, index: usize, valid: &ValidAttachments) -> String {
        let mut request = self.base(index);
        let valid = valid.to_json();
        for key in ValidAttachments::KEYS {
            insert(&mut request, key, &valid);
        }
        fields::print(&request)
    }

    /// What the plugin at `index` reads at STATUS: its configuration and the list's name and version, as there is no
    /// attachment to speak of.
    ///
    /// # Panics
    /// When there is no plugin at `index`.
    #[must_use]
    pub fn status_request(&self, index: usize) -> String {
        fields::print(&self.base(index))
    }

    /// An author's own `cni.dev/valid-attachments` would have a plugin collect what is in use.
    fn base(&self, index: usize) -> Fields {
        let mut request = self.plugins[index].fields.clone();
        request.retain(|key, _| !key.starts_with(RESERVED));
        if self.list.is_some() {
            let name = self.name.as_ref().map_or("", NetworkName::as_str);
            insert(&mut request, "name", &Value::from(name));
            insert(
                &mut request,
                "cniVersion",
                &Value::from(self.version().as_str()),
            );
        }
        request
    }
}

fn insert(request: &mut Fields, key: &str, value: &Value) {
    request.insert(key.to_owned(), fields::raw(value));
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
