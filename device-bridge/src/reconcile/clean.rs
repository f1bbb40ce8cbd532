//! Undoing what is left of a sandbox that nobody will ask to be deleted any more: the plugin's own DEL, by its record.

use std::path::PathBuf;

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
    installed: Option<PathBuf>,
    /// `cniDir` as the plugin sees it.
    cni_dir: PathBuf,
}

/// Why nothing was undone.
#[derive(Debug, thiserror::Error)]
pub enum CleanError {
    /// The plugin is not where it is searched.
    #[error(
        "the plugin polypod is in none of {path}; set --plugin-path, and --host-pid where the device-bridge runs in a container"
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
    /// Executes `plugin`, or the first `polypod` in the folder `installed` that this process puts it into and in those of each
    /// record, with this `cniDir`. Paths are as the executor's host sees them.
    #[must_use]
    pub const fn new(
        executor: Executor,
        plugin: Option<PathBuf>,
        installed: Option<PathBuf>,
        cni_dir: PathBuf,
    ) -> Self {
        Self {
            executor,
            plugin,
            installed,
            cni_dir,
        }
    }

    /// Undoes what is recorded.
    ///
    /// # Errors
    /// There is no plugin, or it fails. What it could not undo is still recorded.
    pub async fn clean(&self, record: &Record) -> Result<(), CleanError> {
        let mut folders = self.folders(record);
        let found = || find(self.executor.host_pid, &folders);
        let plugin = self.plugin.clone().or_else(found);
        let plugin = plugin.ok_or_else(|| CleanError::NoPlugin {
            path: folders.join(":"),
        })?;
        // Where nobody else says where delegates are, they are beside it.
        let beside = plugin.parent().map(|folder| folder.display().to_string());
        folders.extend(beside.filter(|beside| !folders.contains(beside)));
        let done = self
            .executor
            .execute(&plugin, environment(record, &folders), self.stdin(record))
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

    /// Where programs are searched. Of what others attached nobody has written that down.
    fn folders(&self, record: &Record) -> Vec<String> {
        let installed = self
            .installed
            .iter()
            .map(|folder| folder.display().to_string());
        let all = installed
            .chain(record.path.iter().cloned())
            .chain([USUAL_FOLDER.to_owned()]);
        let mut folders = Vec::new();
        for folder in all {
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
        folders
    }

    fn stdin(&self, record: &Record) -> Vec<u8> {
        let name = record.network.as_ref();
        let mut conf = json!({
            "cniVersion": Version::V1_1_0.to_string(),
            "name": name.map_or_else(|| "polypod".to_owned(), ToString::to_string),
            "type": "polypod",
            "cniDir": self.cni_dir,
        });
        if let Some(folder) = &self.installed {
            conf["binDir"] = json!(folder);
        }
        conf.to_string().into_bytes()
    }
}

/// As a runtime would call it whose network namespace is gone.
fn environment(record: &Record, folders: &[String]) -> Vec<(String, String)> {
    let interface = record.interface.as_ref();
    [
        ("CNI_COMMAND", "DEL".to_owned()),
        ("CNI_CONTAINERID", record.container_id.to_string()),
        (
            "CNI_IFNAME",
            interface.map_or_else(|| "eth0".to_owned(), ToString::to_string),
        ),
        ("CNI_NETNS", String::new()),
        ("CNI_PATH", folders.join(":")),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}
