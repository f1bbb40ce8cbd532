//! DEL: from the record alone, in reverse, everything attempted.

use std::time::Instant;

use spec::cni::{Command, Invocation};

use crate::{
    deadline::Deadline,
    delegate::{Executor, Sandbox},
    detach::{detach, detach_recorded},
    error::Error,
    log::{Field, Log},
    multus::{self, Imported},
    net_conf::State,
    record::{Attachment, Record},
    recover::{self, Found},
    sandbox_file::Sandboxes,
};

/// Takes the sandbox's attachments away. A sandbox of which nothing is known anywhere has none: that is success, as the
/// specification wants it.
///
/// `stdin` is the configuration, for sandboxes whose record is lost.
///
/// # Errors
/// A delegate failed, or the record cannot be read. The record is kept with what is left.
pub fn del(
    state: &State,
    invocation: &Invocation,
    stdin: &[u8],
    log: &Log<'_>,
) -> Result<(), Error> {
    let deadline = Deadline::from(Instant::now(), state.timeout);
    let sandboxes = Sandboxes::new(&state.cni_dir);
    // The namespace is the runtime's word alone: the path that was right at ADD may be another pod's by now.
    let mut executor = Executor::new(
        state,
        Some(Sandbox::of(invocation)),
        &invocation.path,
        deadline.end,
    );
    let Some(mut file) = sandboxes.open(&invocation.container_id, state.delegate_timeout)? else {
        let found = recover::recover(state, invocation, stdin)?;
        return detach_found(state, &executor, invocation, found, log);
    };
    match file.read() {
        Ok(record) if is_anothers(&record, invocation) => Ok(()),
        Ok(record) => {
            executor.path.extend(record.path.iter().cloned());
            multus::remove(&state.cni_dir, &record).map_err(Error::Compat)?;
            log_attachments(log, &record.attachments);
            detach_recorded(&executor, file, record)
        }
        Err(problem) => {
            let lost = |what: &str| Error::Record {
                attempted: "understood",
                path: file.path().to_owned(),
                problem: format!("{problem}; {what}, then this file"),
            };
            let found = recover::recover(state, invocation, stdin)?;
            let is_known = matches!(found, Found::Written { .. });
            detach_found(state, &executor, invocation, found, log)?;
            if is_known {
                return file.remove();
            }
            Err(lost(
                "the cluster network was taken away as the configuration says; remove the sandbox's other interfaces and addresses by hand",
            ))
        }
    }
}

/// A container may have attachments of its own under another `CNI_IFNAME`: the runtime deletes those by that name.
fn is_anothers(record: &Record, invocation: &Invocation) -> bool {
    record
        .interface
        .as_ref()
        .is_some_and(|interface| *interface != invocation.interface)
}

fn detach_found(
    state: &State,
    executor: &Executor,
    invocation: &Invocation,
    found: Found,
    log: &Log<'_>,
) -> Result<(), Error> {
    let (imported, source) = match found {
        Found::Nothing => return Ok(()),
        Found::Written { imported, source } => (imported, source),
        Found::Supposed { attachments } => {
            let imported = Imported {
                attachments,
                ..Imported::default()
            };
            (imported, "the configuration")
        }
    };
    log.warning(
        "the sandbox has no record that can be read",
        &[("detachedBy", Field::Text(source))],
    );
    for note in &imported.notes {
        log.warning(note, &[]);
    }
    log_attachments(log, &imported.attachments);
    let foreign = Record {
        attachments: imported.attachments,
        ..Record::intend(invocation.container_id.clone(), None, None, &[])
    };
    let mut left = detach(executor, foreign.attachments.clone());
    if !imported.lost.is_empty() {
        left.errors.push(Error::Lost {
            container: invocation.container_id.to_string(),
            problem: imported.lost.join("; "),
            path: state.cni_dir.join(invocation.container_id.as_str()),
        });
    }
    if left.errors.is_empty() {
        return multus::remove(&state.cni_dir, &foreign).map_err(Error::Compat);
    }
    Err(Error::Several(left.errors))
}

fn log_attachments(log: &Log<'_>, attachments: &[Attachment]) {
    for attachment in attachments.iter().rev() {
        attachment.log(Command::Del, log);
    }
}
