//! Why a node is not installed, or not uninstalled.

use std::{io, path::PathBuf};

use super::{keys::KeysError, settings::SettingsError};

/// Why a node is not installed, or not uninstalled.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The command line.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// It is not known where the plugin is.
    #[error("cannot find this program's own executable: {0}; give --plugin-binary")]
    OwnExecutable(#[source] io::Error),
    /// The file with keys.
    #[error("cannot read {}: {source} (--conf-keys)", path.display())]
    KeysFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// What is in it.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// A folder of configurations.
    #[error("cannot read the folder {}: {source} (--cni-conf-dir, --primary-conf-dir, --host-root)", folder.display())]
    ConfFolder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A configuration, or what stands beside it.
    #[error("cannot change {}: {source}", path.display())]
    Conf {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// `install --once` could not do all of it.
    #[error("not installed: {}", problems.join("; "))]
    NotInstalled {
        /// What is wrong.
        problems: Vec<String>,
    },
    /// The runtime would be left without a configuration.
    #[error(
        "{} stays, as no other usable configuration would be left in its folder and no pod could start{}; put the cluster network's configuration there, or give --force", path.display(),
        faults.iter().map(|fault| format!(" ({fault})")).collect::<String>()
    )]
    NothingLeft {
        /// Our configuration.
        path: PathBuf,
        /// What is wrong with those that are there.
        faults: Vec<String>,
    },
    /// The runtime would be left with a broken configuration before all others.
    #[error(
        "{} stays, as without it {} would be the first configuration of its folder, which does not work ({fault}), and some runtimes take no other then; repair or remove that and call uninstall again, or give --force", path.display(), first.display()
    )]
    BrokenFirst {
        /// Our configuration.
        path: PathBuf,
        /// The one that would be first.
        first: PathBuf,
        /// What is wrong with it.
        fault: String,
    },
    /// Sandboxes still need the plugin.
    #[error(
        "the node is handed back, but the plugin stays in {}: {count} sandboxes in {} were attached by it; delete their pods and call uninstall again, or give --force", bin_dir.display(), records.display()
    )]
    Sandboxes {
        /// Where the plugin is.
        bin_dir: PathBuf,
        /// Where the records are.
        records: PathBuf,
        /// How many.
        count: usize,
    },
    /// A configuration that executes us by another name.
    #[error(
        "{file} executes the plugin as {program}, so both stay; write another configuration, or give --force"
    )]
    StillExecuted {
        /// The configuration.
        file: String,
        /// The alias.
        program: String,
    },
    /// The loop.
    #[error("the installer ended: {0}")]
    Ended(String),
}
