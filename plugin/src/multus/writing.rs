//! Writes what Multus needs to take over a sandbox.
//!
//! The files are whole or not there, but no fsync waits for the disk: the sandbox record has the same facts and is synced,
//! and it alone is read as long as this plugin is on the node. Multus comes into it when an administrator switches the node
//! over, long after; and a power cut that could lose a file takes the sandboxes along.

use std::{
    fs::DirBuilder,
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};
use spec::cni::{AddResult, Version};

use super::{
    result_cache::{self, KIND},
    results, scratch_text, temporary,
};
use crate::{
    record::{Attachment, Record},
    small_file,
};

/// Writes Multus's scratch file for a sandbox, and the result cache of every attachment that has been made.
///
/// It is called when the record has been saved, before the first delegate is executed; afterwards [`write_result`] is enough
/// for each that has been made. Whoever calls it holds the sandbox's lock.
///
/// # Errors
/// In words.
pub fn write(cni_dir: &Path, record: &Record) -> Result<(), String> {
    let text = scratch_text::print(record)?;
    let path = cni_dir.join(record.container_id.as_str());
    replace(cni_dir, record, cni_dir, &path, &text)?;
    record
        .attachments
        .iter()
        .try_for_each(|attachment| write_result(cni_dir, record, attachment))
}

/// Writes the result cache of one attachment of `record`. Without a result, or without a CNI name, it has none.
///
/// # Errors
/// In words.
pub fn write_result(
    cni_dir: &Path,
    record: &Record,
    attachment: &Attachment,
) -> Result<(), String> {
    let Some(result) = &attachment.result else {
        return Ok(());
    };
    let conf = scratch_text::parse(attachment)?;
    let Some(network) = conf.name() else {
        return Ok(());
    };
    // libcni compares no versions here: the result has that of the configuration.
    let (result, _) = AddResult::parse(result, Version::V1_1_0)
        .map_err(|error| format!("network {:?}: {error}", attachment.name))?;
    let mut entry = Map::new();
    let mut insert = |key: &str, value: Value| entry.insert(key.to_owned(), value);
    insert("kind", KIND.into());
    insert("containerId", record.container_id.as_str().into());
    insert("config", scratch_text::given(&conf, attachment)?.into());
    insert("ifName", attachment.interface.as_str().into());
    insert("networkName", network.as_str().into());
    if let Some(netns) = &record.netns {
        insert("netns", netns.as_str().into());
    }
    insert("cniArgs", pairs(&attachment.args));
    insert(
        "capabilityArgs",
        Value::Object(attachment.runtime_config.clone()),
    );
    insert("result", result.to_json(conf.version()));
    let folder = results(cni_dir);
    let name = result_cache::file_name(network, &record.container_id, &attachment.interface);
    replace(
        cni_dir,
        record,
        &folder,
        &folder.join(name),
        &Value::Object(entry).to_string(),
    )
}

/// The files of the result cache that the attachments of `record` may have.
#[must_use]
pub fn result_files(cni_dir: &Path, record: &Record) -> Vec<PathBuf> {
    let folder = results(cni_dir);
    let of_attachment = |attachment: &Attachment| {
        let conf = scratch_text::parse(attachment).ok()?;
        let name =
            result_cache::file_name(conf.name()?, &record.container_id, &attachment.interface);
        Some(folder.join(name))
    };
    record
        .attachments
        .iter()
        .filter_map(of_attachment)
        .collect()
}

fn pairs(args: &str) -> Value {
    args.split(';')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| json!([key, value]))
        .collect()
}

fn replace(
    cni_dir: &Path,
    record: &Record,
    folder: &Path,
    path: &Path,
    text: &str,
) -> Result<(), String> {
    // Not in the folder of results: Multus reads every file there at GC.
    let temporary = temporary(cni_dir, &record.container_id);
    let write = || small_file::replace(&temporary, path, text.as_bytes(), 0o600);
    let written = match write() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .and_then(|()| write()),
        written => written,
    };
    written.map_err(|error| {
        format!(
            "Multus's file {} cannot be written: {error}",
            path.display()
        )
    })
}
