//! `clusterNetwork` where no NetworkAttachmentDefinition has that name: a CNI name or a path of the node.

use std::path::Path;

use spec::cni::NetworkConf;

use crate::{conf_dir, error::Error};

/// Finds the configuration that `named` means: a CNI name in `conf_dir`, a folder (its first file), or a file.
///
/// # Errors
/// Where it was searched and what was found instead.
pub fn find(named: &str, conf_dir: &Path) -> Result<NetworkConf, Error> {
    let found = if !named.contains('/') {
        match named.parse() {
            Ok(name) => conf_dir::find(conf_dir, &name),
            Err(problem) => Err(problem.to_string()),
        }
    } else if Path::new(named).is_dir() {
        conf_dir::first(Path::new(named))
    } else {
        conf_dir::read(Path::new(named))
    };
    found.map_err(|problem| Error::NoConf {
        wanted: format!("clusterNetwork {named:?} is neither a NetworkAttachmentDefinition nor a CNI configuration of this node"),
        problem,
    })
}
