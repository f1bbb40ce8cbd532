//! Asks the IPAM plugin of the configuration for addresses, and gives them back.
//!
//! CNI specification, section 4, "Delegated plugins": same environment, same standard input.

use std::{path::Path, process::Command, time::Duration};

use spec::cni::{self, AddResult};

use super::{Call, error::DelegateError};
use crate::demo::program;

/// An IPAM plugin works on a few files.
const LIMIT: Duration = Duration::from_secs(20);

/// The addresses of the attachment; none where the configuration wants none.
pub(super) fn add(call: &Call) -> Result<AddResult, DelegateError> {
    match execute(call, "ADD")? {
        None => Ok(AddResult::default()),
        Some(text) => Ok(AddResult::parse(&text, call.conf.version)?.0),
    }
}

/// Gives the addresses back.
pub(super) fn del(call: &Call) -> Result<(), DelegateError> {
    execute(call, "DEL").map(drop)
}

fn execute(call: &Call, verb: &str) -> Result<Option<String>, DelegateError> {
    let Some(ipam) = &call.conf.ipam else {
        return Ok(None);
    };
    let name = ipam.plugin.as_str();
    let folders = call.invocation.path.iter();
    let Some(file) = folders
        .map(|folder| Path::new(folder).join(name))
        .find(|file| file.is_file())
    else {
        return Err(DelegateError::NoIpamPlugin {
            name: name.to_owned(),
            path: call.invocation.path.join(":"),
        });
    };
    // The verb is given explicitly: undoing a failed ADD is a DEL.
    let mut command = Command::new(file);
    let ended = program::run(command.env("CNI_COMMAND", verb), &call.input, LIMIT)?;
    if ended.status.success() {
        return Ok(Some(ended.stdout));
    }
    let error = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| cni::Error {
        cni_version: String::new(),
        code: cni::code::DELEGATE,
        msg: format!("{name} failed ({}): {}", ended.status, ended.stderr.trim()),
        details: String::new(),
    });
    Err(DelegateError::Ipam(error))
}
