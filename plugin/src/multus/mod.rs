//! Multus's own files below `cniDir`, so that a node can be switched over with pods on it, and back.
//!
//! Multus writes two kinds, and trusts the first of them at DEL: a scratch file `<cniDir>/<containerID>` with every
//! delegate of a sandbox, and libcni's result cache `<cniDir>/results/<network>-<containerID>-<interface>`, one file an
//! attachment. [`scratch::read`] and [`result_cache::find`] take over pods that Multus has attached; [`write()`] lets Multus
//! take over ours.

mod go_json;
mod imported;
pub mod outlived;
mod removal;
pub mod result_cache;
pub mod scratch;
mod scratch_text;
mod writing;

pub use imported::{Imported, Sandbox};
pub use removal::{remove, remove_result, remove_scratch};
pub use writing::{result_files, write, write_result};

use std::path::{Path, PathBuf};

use spec::cni::ContainerId;

/// The folder of libcni's result cache below `cni_dir`.
#[must_use]
pub fn results(cni_dir: &Path) -> PathBuf {
    cni_dir.join("results")
}

/// A file that is being written: no container id and no network name begins with a dot, so that nobody reads it.
fn temporary(cni_dir: &Path, container_id: &ContainerId) -> PathBuf {
    cni_dir.join(format!(".{container_id}.new"))
}

#[cfg(test)]
mod golden;
#[cfg(test)]
#[path = "round_trip_tests.rs"]
mod tests;
