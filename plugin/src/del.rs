//! DEL: from the record alone, in reverse, everything attempted.

use std::{path::Path, time::Instant};

use spec::cni::{Invocation, RUNTIME_RESULTS};

use crate::{
    deadline::Deadline,
    delegate::{Executor, Sandbox},
    detach::{detach_imported, detach_recorded},
    error::Error,
    log::{Field, Log},
    multus::{self, Imported, outlived},
    net_conf::State,
    record::{Attachment, Record},
    recover::{self, Found},
    sandbox_file::{Opened, Sandboxes},
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
    if undo(state, invocation, stdin, log)? {
        forget(state, invocation, log);
    }
    Ok(())
}

/// Whether the sandbox is about this interface, which is undone then.
fn undo(
    state: &State,
    invocation: &Invocation,
    stdin: &[u8],
    log: &Log<'_>,
) -> Result<bool, Error> {
    let deadline = Deadline::from(Instant::now(), state.timeout);
    let sandboxes = Sandboxes::new(&state.cni_dir);
    // The namespace is the runtime's word alone: the path that was right at ADD may be another pod's by now.
    let mut executor = Executor::new(
        state,
        Some(Sandbox::of(invocation)),
        &invocation.path,
        deadline.end,
    );
    // A last quarter is left to take away what is there then.
    let patience = state.patience(deadline.attaching);
    let id = &invocation.container_id;
    let mut file = match sandboxes.open(id, patience)? {
        Opened::File(file) if file.is_locked() => file,
        Opened::File(_) => {
            return Err(Error::Busy {
                container: id.to_string(),
            });
        }
        // Somebody else took everything away.
        Opened::Gone => return Ok(true),
        Opened::Nothing => {
            return without_record(state, &sandboxes, &executor, invocation, stdin, log)
                .map(|()| true);
        }
    };
    match file.read() {
        // A container may have attachments of its own under another `CNI_IFNAME`: the runtime deletes those by that name.
        Ok(record) if !record.is_about(&invocation.interface) => Ok(false),
        Ok(record) => {
            executor.path.extend(record.path.iter().cloned());
            if !state.compat && !state.cni_dir.join(id.as_str()).exists() {
                return detach_recorded(&executor, file, record, log).map(|()| true);
            }
            let removed = multus::remove(&state.cni_dir, &record).map_err(Error::Compat);
            let detached = detach_recorded(&executor, file, record, log);
            match (removed, detached) {
                (Ok(()), done) | (done, Ok(())) => done.map(|()| true),
                (Err(one), Err(other)) => Err(Error::Several(vec![other, one])),
            }
        }
        Err(problem) => {
            let found = recover::recover(state, invocation, stdin)?;
            let taken_away = match &found {
                Found::Written { .. } => {
                    detach_found(state, &executor, invocation, found, log)?;
                    return file.remove().map(|()| true);
                }
                Found::Supposed { attachments, .. } => supposed(attachments),
                Found::Nothing => "nothing of it is known",
            };
            detach_found(state, &executor, invocation, found, log)?;
            Err(Error::Record {
                attempted: "understood",
                path: file.path().to_owned(),
                problem: format!(
                    "{problem}; {taken_away}; else remove the interfaces and addresses that the sandbox still has by hand, then this file"
                ),
            })
        }
    }
}

/// What the runtime keeps of the interface by a name that the network had before is about nothing any more.
fn forget(state: &State, invocation: &Invocation, log: &Log<'_>) {
    let Some(network) = &state.name else { return };
    let sandbox = multus::Sandbox::of(state, invocation);
    // The sandbox is undone, and the runtime may know it.
    if let Err(problem) = outlived::forget(Path::new(RUNTIME_RESULTS), &sandbox, network) {
        log.warning(
            "a result of the runtime's cache stays that is about nothing any more",
            &[("error", Field::Text(&problem))],
        );
    }
}

/// The sandbox has no record. Where somebody else wrote down what was attached, that is taken away. Where only the runtime
/// says that it was attached, the cluster network is, and that nothing is known of other networks is told by failing once:
/// an empty record remembers that it was told, so that the pod can be deleted.
fn without_record(
    state: &State,
    sandboxes: &Sandboxes,
    executor: &Executor,
    invocation: &Invocation,
    stdin: &[u8],
    log: &Log<'_>,
) -> Result<(), Error> {
    let found = recover::recover(state, invocation, stdin)?;
    let taken_away = match &found {
        Found::Supposed {
            attachments,
            is_all: false,
        } if !recover::is_undone(state, invocation) => Some(supposed(attachments)),
        Found::Supposed { .. } | Found::Nothing | Found::Written { .. } => None,
    };
    detach_found(state, executor, invocation, found, log)?;
    let Some(taken_away) = taken_away else {
        return Ok(());
    };
    let id = &invocation.container_id;
    let told = Record::new(id.clone());
    match sandboxes.begin(&told, state.patience(executor.until)) {
        // Another DEL that knew no more has told it.
        Ok(_) | Err(Error::AlreadyAttached { .. }) => {}
        Err(error) => return Err(error),
    }
    Err(Error::Lost {
        container: id.to_string(),
        problem: format!("{taken_away}, and nobody knows what other networks there were"),
        advice: "look for what is left; the next DEL of this sandbox succeeds".to_owned(),
    })
}

/// What the configuration allows to take away of a sandbox that nobody knows more of.
const fn supposed(attachments: &[Attachment]) -> &'static str {
    if attachments.is_empty() {
        "nothing was taken away, as the configuration does not say what the cluster network is"
    } else {
        "the cluster network was taken away as the configuration says"
    }
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
        Found::Supposed { attachments, .. } => {
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
    let id = &invocation.container_id;
    Error::all(detach_imported(state, executor, id, imported, log))
}
