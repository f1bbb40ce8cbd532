//! Hands the sandboxes of a node over to Multus: each gets Multus's files where it lacks them, and loses its record then.
//!
//! From there on Multus deletes the pod as one of its own, and so does this plugin where the runtime still executes it: it
//! goes by Multus's files where there is no record. So there is one account of a sandbox at any moment, and none that nobody
//! would remove.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    time::Instant,
};

use spec::{
    cni::ContainerId,
    hand_over::{HandedOver, Kept},
};

use crate::{
    deadline::Deadline,
    error::Error,
    multus::{self, scratch},
    net_conf::State,
    record::Record,
    sandbox_file::{Opened, SandboxFile, Sandboxes},
};

/// Hands over what is recorded below the `cniDir` of the configuration `stdin`.
///
/// # Errors
/// The configuration is wrong, or the records cannot be listed.
pub fn run(stdin: &[u8]) -> Result<HandedOver, Error> {
    let state = State::parse(stdin)?;
    let deadline = Deadline::from(Instant::now(), state.timeout);
    let sandboxes = Sandboxes::new(&state.cni_dir);
    let mut handed_over = HandedOver::default();
    for container_id in sandboxes.list()? {
        let done = match sandboxes.open(&container_id, state.patience(deadline.attaching)) {
            Ok(Opened::File(file)) => one(&state, &container_id, file),
            // Somebody has deleted it, or an ADD has done nothing yet.
            Ok(Opened::Nothing | Opened::Gone) => continue,
            Err(error) => Err(error.to_string()),
        };
        match done {
            Ok(()) => handed_over.count += 1,
            Err(problem) => handed_over.kept.push(Kept {
                container_id,
                problem,
            }),
        }
    }
    Ok(handed_over)
}

fn one(state: &State, container_id: &ContainerId, mut file: SandboxFile) -> Result<(), String> {
    if !file.is_locked() {
        return Err("the plugin, or one that it has executed, is at work on it".to_owned());
    }
    match file.read() {
        // It says that there is nothing left, as Multus's silence does.
        Ok(record) if record.attachments.is_empty() => {}
        Ok(record) => {
            multus::write(&state.cni_dir, &record)?;
            sync(&state.cni_dir, &record)
                .map_err(|error| format!("Multus's files cannot be forced to the disk: {error}"))?;
        }
        Err(problem) => known_to_multus(state, container_id).map_err(|unknown| {
            format!("its record cannot be understood ({problem}), and {unknown}")
        })?,
    }
    file.remove().map_err(|error| error.to_string())
}

/// Whether Multus's own files say all that the record would.
fn known_to_multus(state: &State, container_id: &ContainerId) -> Result<(), String> {
    let interface = "eth0".parse().expect("eth0 is an interface name");
    let args = spec::cni::Args::default();
    let sandbox = multus::Sandbox::new(state, container_id, &interface, &args);
    match scratch::read(&state.cni_dir, &sandbox)? {
        Some(imported) if imported.lost.is_empty() => Ok(()),
        Some(imported) => Err(imported.lost.join("; ")),
        None => Err("there is no file of Multus about it".to_owned()),
    }
}

/// The record is going to be removed, and nobody else has these facts then.
fn sync(cni_dir: &Path, record: &Record) -> io::Result<()> {
    let results = multus::results(cni_dir);
    let entries = multus::result_files(cni_dir, record);
    let scratch = cni_dir.join(record.container_id.as_str());
    let folders = [results, cni_dir.to_owned()];
    let all: Vec<PathBuf> = entries
        .into_iter()
        .chain([scratch])
        .chain(folders)
        .collect();
    all.iter().try_for_each(|path| match File::open(path) {
        Ok(file) => file.sync_all(),
        // An attachment that was never made has no result, and no network of the sandbox may have one.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    })
}

#[cfg(test)]
#[path = "hand_over_tests.rs"]
mod tests;
