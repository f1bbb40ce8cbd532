//! The file that Multus's daemon has its configuration from.

use std::{fs, io, path::Path};

use super::{
    multus_conf::{DaemonConf, MultusError},
    settings::Places,
};

/// Where Multus's manifests put it, in the folder that runtimes read.
const USUAL: &str = "multus.d/daemon-config.json";

/// What is in the file that is `named`, as this process sees it, else in the usual one, if that is there.
///
/// # Errors
/// It cannot be read, or is no JSON object.
pub fn read(places: &Places, named: Option<&Path>) -> Result<Option<DaemonConf>, MultusError> {
    let usual = places.here(&places.conf_dir).join(USUAL);
    let path = named.unwrap_or(&usual);
    match fs::read_to_string(path) {
        Ok(text) => DaemonConf::parse(path, &text).map(Some),
        Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(MultusError::File {
            file: path.display().to_string(),
            problem: format!("it cannot be read: {error}"),
        }),
    }
}
