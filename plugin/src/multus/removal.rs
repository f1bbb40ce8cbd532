//! Removes Multus's files of a sandbox, whoever has written them.

use std::path::Path;

use spec::cni::{ContainerId, NetworkConf};

use super::{result_cache, results, temporary};
use crate::{
    record::{Attachment, Record},
    small_file,
};

/// Removes the scratch file of a sandbox and the result cache of the attachments in `record`. None of it need be there.
///
/// # Errors
/// In words; everything was attempted.
pub fn remove(cni_dir: &Path, record: &Record) -> Result<(), String> {
    let mut removed = Ok(());
    for attachment in &record.attachments {
        removed = removed.and(remove_result(cni_dir, &record.container_id, attachment));
    }
    // Last, as Multus would go by it if it came in between.
    removed.and(remove_scratch(cni_dir, &record.container_id))
}

/// Removes the scratch file of a sandbox, and what a process left that was killed while it wrote one.
///
/// # Errors
/// In words.
pub fn remove_scratch(cni_dir: &Path, container_id: &ContainerId) -> Result<(), String> {
    let files = [
        temporary(cni_dir, container_id),
        cni_dir.join(container_id.as_str()),
    ];
    files.iter().try_for_each(|file| remove_file(file))
}

/// Removes the result cache of one attachment.
///
/// # Errors
/// In words.
pub fn remove_result(
    cni_dir: &Path,
    container_id: &ContainerId,
    attachment: &Attachment,
) -> Result<(), String> {
    // Without a name nobody could write one.
    let conf = NetworkConf::parse(&attachment.conf).ok();
    let Some(network) = conf.as_ref().and_then(NetworkConf::name) else {
        return Ok(());
    };
    let name = result_cache::file_name(network, container_id, &attachment.interface);
    remove_file(&results(cni_dir).join(name))
}

fn remove_file(path: &Path) -> Result<(), String> {
    small_file::remove(path).map_err(|error| {
        format!(
            "Multus's file {} cannot be removed: {error}",
            path.display()
        )
    })
}
