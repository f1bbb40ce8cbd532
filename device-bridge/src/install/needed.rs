//! Which sandboxes a node cannot be handed back with, where the runtime deletes by the configuration that is in force then.
//!
//! The cluster network's own DEL frees a sandbox that has nothing else; what other networks gave it would be left for ever.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use spec::{
    cni::{NetworkConf, NetworkName},
    record::{self, Attachment},
};

use super::{conf_folder::FoundConf, programs::PLUGIN};
use crate::reconcile::of_multus::{Attached, OfMultus};

/// What runtimes call the interface of the cluster network.
const CLUSTER_INTERFACE: &str = "eth0";

/// The records of a node.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Needed {
    /// Files that say nothing the cluster network does not know.
    pub dispensable: Vec<PathBuf>,
    /// Sandboxes that have more, for people.
    pub holding: Vec<String>,
    /// Sandboxes that are being attached at this moment, for people.
    pub beginning: Vec<String>,
    /// The names of the runtime's network that those were attached by.
    pub networks: Vec<Option<NetworkName>>,
}

/// Reads the records in `folder`. `primary` is the cluster network as the runtime is going to delete it, where that is known.
///
/// # Errors
/// The folder is there and cannot be read.
pub fn read(folder: &Path, primary: Option<&NetworkConf>) -> io::Result<Needed> {
    let mut needed = Needed::default();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(needed),
        Err(error) => return Err(error),
    };
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        if name.ends_with(".json.new") {
            // An ADD that begins has attached nothing yet; one that was killed never will.
            match File::open(&path).map(|file| file.try_lock().is_ok()) {
                Ok(true) => needed.dispensable.push(path),
                Ok(false) => needed
                    .beginning
                    .push(format!("{name}, which is being attached")),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        } else if name.ends_with(".json") {
            match fs::read(&path) {
                Ok(bytes) => needed.one(&path, &String::from_utf8_lossy(&bytes), primary),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(needed)
}

impl Needed {
    fn one(&mut self, path: &Path, text: &str, primary: Option<&NetworkConf>) {
        let record = match record::parse(text) {
            Ok(record) => record,
            Err(problem) => {
                let file = path.display();
                return self
                    .holding
                    .push(format!("the sandbox of {file} ({problem})"));
            }
        };
        let is_more = |attachment: &&Attachment| !is_cluster_network(attachment, primary);
        let more: Vec<&str> = record
            .attachments
            .iter()
            .filter(is_more)
            .map(|attachment| attachment.name.as_str())
            .collect();
        if more.is_empty() {
            return self.dispensable.push(path.to_owned());
        }
        let pod = record.pod.as_ref().map_or_else(
            || format!("sandbox {}", record.container_id),
            |pod| format!("pod {pod}"),
        );
        self.holding.push(format!("{pod} ({})", more.join(", ")));
        if !self.networks.contains(&record.network) {
            self.networks.push(record.network);
        }
    }
}

/// The sandboxes that Multus attached, which have no record, and that have more than the cluster network, for people. What has
/// lost its network namespace is not among them: there is nothing that its pod's deletion would still undo.
#[must_use]
pub(super) fn of_multus(sandboxes: &[OfMultus], primary: Option<&NetworkConf>) -> Vec<String> {
    let alive = sandboxes.iter().filter(|sandbox| !sandbox.is_gone);
    let holding = alive.filter_map(|sandbox| {
        let is_more = |attached: &&Attached| {
            attached.interface != CLUSTER_INTERFACE
                || !is_conf_of(attached.conf.as_deref().unwrap_or_default(), primary)
        };
        let more: Vec<&str> = sandbox
            .attached
            .iter()
            .filter(is_more)
            .map(|attached| attached.network.as_str())
            .collect();
        let pod = sandbox.pod.as_ref().map_or_else(
            || format!("sandbox {}", sandbox.container_id),
            |pod| format!("pod {pod}"),
        );
        (!more.is_empty()).then(|| format!("{pod} ({}, by Multus)", more.join(", ")))
    });
    holding.collect()
}

/// A pod may have been given another network in its place, by annotation.
fn is_cluster_network(attachment: &Attachment, primary: Option<&NetworkConf>) -> bool {
    attachment.default && is_conf_of(&attachment.conf, primary)
}

/// Whether a configuration is the cluster network's, where that is known.
fn is_conf_of(conf: &str, primary: Option<&NetworkConf>) -> bool {
    let Some(primary) = primary else { return true };
    NetworkConf::parse(conf)
        .is_ok_and(|conf| conf.name() == primary.name() && programs(&conf) == programs(primary))
}

fn programs(conf: &NetworkConf) -> Vec<&str> {
    let plugins = conf.plugins().iter();
    plugins
        .map(|plugin| plugin.plugin_type().as_str())
        .collect()
}

/// The cluster network of the configuration that the runtime takes: itself, or what a multiplexer has inlined.
#[must_use]
pub fn primary(first: Option<&FoundConf>) -> Option<NetworkConf> {
    let conf = first?.conf.as_ref().ok()?;
    let plugin = conf.plugins().first()?;
    match plugin.field("delegates") {
        Some(delegates) => {
            let delegates: Vec<&serde_json::value::RawValue> =
                serde_json::from_str(delegates.get()).ok()?;
            NetworkConf::parse(delegates.first()?.get()).ok()
        }
        None if plugin.plugin_type().as_str() == PLUGIN || first?.is_multiplexer() => None,
        None => Some(conf.clone()),
    }
}

#[cfg(test)]
#[path = "needed_tests.rs"]
mod tests;
