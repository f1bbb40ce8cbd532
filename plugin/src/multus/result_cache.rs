//! libcni's result cache: one file for each attachment that was made, with all that its plugins were given.

use std::{fs, io, path::Path, time::SystemTime};

use serde_json::{Map, Value};
use spec::cni::{ContainerId, InterfaceName, NetworkName};

use super::{
    go_json::{member, text, wrong},
    imported::{Conf, Imported, Sandbox},
};
use crate::{device_info, record::Attachment, small_file};

/// The kind that libcni writes into its files since version 0.8 of it; before that a file held the result alone.
pub(super) const KIND: &str = "cniCacheV1";

/// More than any configuration and result need together.
const LIMIT: u64 = 16 * 1024 * 1024;

/// The name of an attachment's file.
pub(super) fn file_name(
    network: &NetworkName,
    container_id: &ContainerId,
    interface: &InterfaceName,
) -> String {
    format!("{network}-{container_id}-{interface}")
}

/// One file, opened as far as it can be without knowing what it is for.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// Which attachment it is about; a file of an old libcni does not say.
    pub(super) container_id: Option<String>,
    interface: Option<String>,
    network: Option<String>,
    conf: Option<String>,
    /// `CNI_ARGS` of ADD.
    pub(super) args: Option<String>,
    /// Capability arguments of ADD.
    pub(super) runtime_config: Map<String, Value>,
    /// The network namespace of ADD.
    pub(super) netns: Option<String>,
    /// What the plugins gave back, in the version they did.
    pub(super) result: Option<Value>,
}

impl Entry {
    /// The entry of one attachment, if it has one.
    ///
    /// # Errors
    /// It has one that cannot be read, or is about another attachment; in words.
    pub(super) fn load(
        results: &Path,
        network: &NetworkName,
        container_id: &ContainerId,
        interface: &InterfaceName,
    ) -> Result<Option<Self>, String> {
        let path = results.join(file_name(network, container_id, interface));
        let entry = Self::read(&path)?;
        let is_about = |found: &Option<String>, wanted: &str| {
            found.as_deref().is_none_or(|found| found == wanted)
        };
        match entry {
            Some(entry)
                if !is_about(&entry.container_id, container_id.as_str())
                    || !is_about(&entry.interface, interface.as_str())
                    || !is_about(&entry.network, network.as_str()) =>
            {
                Err(format!("{} is about another attachment", path.display()))
            }
            entry => Ok(entry),
        }
    }

    pub(super) fn read(path: &Path) -> Result<Option<Self>, String> {
        let bytes = small_file::read(path, LIMIT)
            .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        bytes
            .map(|bytes| Self::parse(&bytes))
            .transpose()
            .map_err(|problem| format!("{} cannot be understood: {problem}", path.display()))
    }

    /// # Errors
    /// In words.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let Value::Object(object) = &value else {
            return Err("it is no JSON object".to_owned());
        };
        match text(object, "kind")? {
            Some(KIND) => {}
            Some(other) => return Err(format!("it is of kind {other:?} and not {KIND:?}")),
            None => {
                return Ok(Self {
                    result: Some(value),
                    ..Self::default()
                });
            }
        }
        let owned = |key| text(object, key).map(|text| text.map(str::to_owned));
        Ok(Self {
            container_id: owned("containerId")?,
            interface: owned("ifName")?,
            network: owned("networkName")?,
            conf: owned("config")?,
            netns: owned("netns")?.filter(|netns| !netns.is_empty()),
            args: member(object, "cniArgs").map(args).transpose()?,
            runtime_config: match member(object, "capabilityArgs") {
                None => Map::new(),
                Some(Value::Object(object)) => object.clone(),
                Some(other) => return Err(wrong("capabilityArgs", other, "an object")),
            },
            result: member(object, "result").cloned(),
        })
    }

    /// Whether it is about the interface of `sandbox`, under another name than `network`.
    pub(super) fn has_outlived(&self, sandbox: &Sandbox<'_>, network: &NetworkName) -> bool {
        let is = |found: &Option<String>, wanted: &str| found.as_deref() == Some(wanted);
        is(&self.container_id, sandbox.container_id.as_str())
            && is(&self.interface, sandbox.interface.as_str())
            && self.network.is_some()
            && !is(&self.network, network.as_str())
    }

    /// The attachment it is about; `None` where that is this plugin itself.
    fn into_attachment(
        self,
        sandbox: &Sandbox<'_>,
        notes: &mut Vec<String>,
    ) -> Result<Option<Attachment>, String> {
        let (Some(interface), Some(conf)) = (&self.interface, &self.conf) else {
            return Err("it holds no configuration or no interface".to_owned());
        };
        let interface = InterfaceName::try_from(interface.as_str()).map_err(|e| e.to_string())?;
        let conf = Conf::decode(conf, sandbox)?;
        if conf.is_ourselves() {
            return Ok(None);
        }
        let result = match self.result.map(|result| conf.result(&result)).transpose() {
            Ok(result) => result,
            Err(problem) => {
                notes.push(format!(
                    "the plugins of interface {interface} are not told the result of ADD: {problem}"
                ));
                None
            }
        };
        let args = self.args.unwrap_or_else(|| sandbox.args.to_string());
        let mut attachment = conf.into_attachment(interface, args);
        if attachment.name.is_empty() {
            attachment.name = self.network.unwrap_or_default();
        }
        attachment.default = attachment.interface == *sandbox.interface;
        attachment.result = result;
        attachment.device_info = device_info_file(&self.runtime_config, sandbox);
        attachment.runtime_config = self.runtime_config;
        Ok(Some(attachment))
    }
}

/// The file that the delegates were told, if it is where such files are.
pub(super) fn device_info_file(
    runtime_config: &Map<String, Value>,
    sandbox: &Sandbox<'_>,
) -> Option<std::path::PathBuf> {
    let file = runtime_config.get("CNIDeviceInfoFile")?.as_str()?;
    let file = Path::new(file);
    device_info::is_one(sandbox.device_info, file).then(|| file.to_owned())
}

fn args(pairs: &Value) -> Result<String, String> {
    let pairs: Vec<(String, String)> = serde_json::from_value(pairs.clone())
        .map_err(|_| wrong("cniArgs", pairs, "a list of pairs of texts"))?;
    let pairs: Vec<String> = pairs
        .into_iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    Ok(pairs.join(";"))
}

/// Whether the cache in the folder `results` has a file for the interface of `sandbox` in `network`.
#[must_use]
pub fn is_there(results: &Path, network: &NetworkName, sandbox: &Sandbox<'_>) -> bool {
    let name = file_name(network, sandbox.container_id, sandbox.interface);
    results.join(name).exists()
}

/// The sandboxes that the cache in the folder `results` holds something about, as far as its files say.
#[must_use]
pub fn containers(results: &Path) -> Vec<ContainerId> {
    let files = fs::read_dir(results).into_iter().flatten().flatten();
    files
        .filter_map(|file| Entry::read(&file.path()).ok()??.container_id?.parse().ok())
        .collect()
}

/// Everything that the cache in the folder `results` holds about a sandbox: what is left to go by where no record and no
/// scratch file can be read.
///
/// The order of ADD is nowhere written. A file is written when its attachment is made, so the oldest is taken for the
/// first; that is a guess, as Multus writes files again whose default routes it changes. Networks' names for people are not
/// in the cache either: an attachment has the CNI name instead.
///
/// Which sandbox a file is about is decided by what it says. A file that cannot be read and has the container id in its
/// name may be about this one: it is told of as lost. The folder is a parameter because the runtime has a cache of its own,
/// usually `/var/lib/cni/results`; what it holds about this plugin itself is passed over, with a note.
///
/// # Errors
/// The folder is there and cannot be read, in words.
pub fn find(results: &Path, sandbox: &Sandbox<'_>) -> Result<Imported, String> {
    let failed =
        |error: io::Error| format!("the folder {} cannot be read: {error}", results.display());
    let files = match fs::read_dir(results) {
        Ok(files) => files,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Imported::default()),
        Err(error) => return Err(failed(error)),
    };
    let in_its_name = format!("-{}-", sandbox.container_id);
    let mut imported = Imported::default();
    let mut found = Vec::new();
    for file in files {
        let file = file.map_err(failed)?;
        let name = file.file_name();
        // libcni puts it there, and a node has thousands of other files.
        if !name.to_string_lossy().contains(&in_its_name) {
            continue;
        }
        let path = file.path();
        let entry = match Entry::read(&path) {
            Ok(Some(entry)) => entry,
            // Removed in between.
            Ok(None) => continue,
            Err(problem) => {
                imported.lost.push(problem);
                continue;
            }
        };
        if entry
            .container_id
            .as_deref()
            .is_some_and(|id| id != sandbox.container_id.as_str())
        {
            continue;
        }
        imported.netns.extend(entry.netns.clone());
        match entry.into_attachment(sandbox, &mut imported.notes) {
            Ok(Some(attachment)) => {
                let written = file.metadata().and_then(|metadata| metadata.modified());
                found.push((written.unwrap_or(SystemTime::UNIX_EPOCH), name, attachment));
            }
            Ok(None) => imported.notes.push(format!(
                "{} is about this plugin itself and is passed over",
                path.display()
            )),
            Err(problem) => imported.lost.push(format!("{}: {problem}", path.display())),
        }
    }
    found.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    imported.attachments = found
        .into_iter()
        .map(|(_, _, attachment)| attachment)
        .collect();
    imported.lost.sort();
    imported.notes.sort();
    Ok(imported)
}

#[cfg(test)]
#[path = "result_cache_tests.rs"]
mod tests;
