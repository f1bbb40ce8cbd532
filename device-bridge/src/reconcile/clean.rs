//! Undoing what is left of a sandbox that nobody will ask to be deleted any more: the plugin's own DEL, by its record.

use std::path::{Path, PathBuf};

use serde_json::json;
use spec::{cni::Version, record::Record};

use crate::hotplug::{enter::find, execute::Executor};

/// Where plugins are as a rule.
const USUAL_FOLDER: &str = "/opt/cni/bin";

/// Executes the plugin.
#[derive(Clone, Debug)]
pub struct Cleaner {
    executor: Executor,
    plugin: Option<PathBuf>,
    /// `cniDir` as the plugin sees it.
    cni_dir: PathBuf,
}

/// Why nothing was undone.
#[derive(Debug, thiserror::Error)]
pub enum CleanError {
    /// The plugin is not where it is searched.
    #[error(
        "the plugin polypod is not in CNI_PATH of the sandbox ({path}) and not in {USUAL_FOLDER}; set --plugin-path, and --host-pid where the device-bridge runs in a container"
    )]
    NoPlugin {
        /// What was searched.
        path: String,
    },
    /// It failed.
    #[error("DEL of polypod failed: {problem}")]
    Failed {
        /// What it said.
        problem: String,
    },
}

impl Cleaner {
    /// Executes `plugin`, or the first `polypod` in the folders of each record, with this `cniDir`.
    #[must_use]
    pub const fn new(executor: Executor, plugin: Option<PathBuf>, cni_dir: PathBuf) -> Self {
        Self {
            executor,
            plugin,
            cni_dir,
        }
    }

    /// Undoes what is recorded.
    ///
    /// # Errors
    /// There is no plugin, or it fails. What it could not undo is still recorded.
    pub async fn clean(&self, record: &Record) -> Result<(), CleanError> {
        let mut folders = record.path.clone();
        folders.push(USUAL_FOLDER.to_owned());
        let found = || find(self.executor.host_pid, &folders);
        let plugin = self.plugin.clone().or_else(found);
        let plugin = plugin.ok_or_else(|| CleanError::NoPlugin {
            path: record.path.join(":"),
        })?;
        let done = self
            .executor
            .execute(&plugin, environment(record), stdin(record, &self.cni_dir))
            .await;
        match done {
            Ok(finished) if finished.success => Ok(()),
            Ok(finished) => Err(CleanError::Failed {
                problem: format!(
                    "{}: {}",
                    finished.status,
                    String::from_utf8_lossy(&finished.stdout).trim()
                ),
            }),
            Err(unfinished) => Err(CleanError::Failed {
                problem: unfinished.to_string(),
            }),
        }
    }
}

/// As a runtime would call it whose network namespace is gone.
fn environment(record: &Record) -> Vec<(String, String)> {
    let interface = record.interface.as_ref();
    [
        ("CNI_COMMAND", "DEL".to_owned()),
        ("CNI_CONTAINERID", record.container_id.to_string()),
        (
            "CNI_IFNAME",
            interface.map_or_else(|| "eth0".to_owned(), ToString::to_string),
        ),
        ("CNI_NETNS", String::new()),
        ("CNI_PATH", record.path.join(":")),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

fn stdin(record: &Record, cni_dir: &Path) -> Vec<u8> {
    let name = record.network.as_ref();
    json!({
        "cniVersion": Version::V1_1_0.to_string(),
        "name": name.map_or_else(|| "polypod".to_owned(), ToString::to_string),
        "type": "polypod",
        "cniDir": cni_dir,
    })
    .to_string()
    .into_bytes()
}
