//! Takes recorded attachments away: the last one first, everything attempted.

use spec::cni::{Command, ContainerId, NetworkConf};

use crate::{
    chain,
    delegate::Executor,
    device_info,
    error::Error,
    log::Log,
    multus::{self, Imported},
    net_conf::State,
    record::{self, Attachment, Record},
    sandbox_file::SandboxFile,
};

/// What could not be taken away.
#[derive(Debug, Default)]
pub struct Left {
    /// The attachments, in the order of ADD.
    pub attachments: Vec<Attachment>,
    /// Why, the last attachment's reason first.
    pub errors: Vec<Error>,
}

/// Takes `attachments` away.
#[must_use]
pub fn detach(executor: &Executor, mut attachments: Vec<Attachment>, log: &Log<'_>) -> Left {
    let mut left = Left::default();
    while let Some(attachment) = attachments.pop() {
        record::log(&attachment, Command::Del, log);
        if let Err(error) = detach_one(executor, &attachment) {
            left.errors.push(error);
            left.attachments.push(attachment);
        }
    }
    left.attachments.reverse();
    left
}

/// Takes the attachments of `record` away and its file with them, or leaves in the file what is left.
///
/// # Errors
/// Everything that failed.
pub fn detach_recorded(
    executor: &Executor,
    file: SandboxFile,
    mut record: Record,
    log: &Log<'_>,
) -> Result<(), Error> {
    let mut left = detach(executor, std::mem::take(&mut record.attachments), log);
    if left.errors.is_empty() {
        return file.remove();
    }
    // Even where nothing could be undone: the file may name attachments that were never begun.
    record.attachments = left.attachments;
    left.errors.extend(file.replace(&record).err());
    Err(Error::Several(left.errors))
}

/// Takes away what others wrote down of a sandbox, and then their files.
#[must_use]
pub fn detach_imported(
    state: &State,
    executor: &Executor,
    container_id: &ContainerId,
    imported: Imported,
    log: &Log<'_>,
) -> Vec<Error> {
    let foreign = Record {
        attachments: imported.attachments,
        ..Record::new(container_id.clone())
    };
    let mut errors = detach(executor, foreign.attachments.clone(), log).errors;
    if !imported.lost.is_empty() {
        errors.push(Error::Lost {
            container: container_id.to_string(),
            problem: format!(
                "not all that was attached could be taken away: {}",
                imported.lost.join("; ")
            ),
            advice: format!(
                "remove what is left by hand, then {}",
                state.cni_dir.join(container_id.as_str()).display()
            ),
        });
    }
    if errors.is_empty() {
        let removed = multus::remove(&state.cni_dir, &foreign);
        errors.extend(removed.map_err(Error::Compat).err());
    }
    errors
}

fn detach_one(executor: &Executor, attachment: &Attachment) -> Result<(), Error> {
    let conf = NetworkConf::parse(&attachment.conf).map_err(|problem| Error::DelegateConf {
        network: attachment.name.clone(),
        problem,
    })?;
    chain::del(executor, &conf, attachment)?;
    match &attachment.device_info {
        None => Ok(()),
        Some(file) => device_info::remove(file).map_err(|problem| Error::DeviceInfo {
            network: attachment.name.clone(),
            problem: format!("{} cannot be removed: {problem}", file.display()),
        }),
    }
}
