//! Which CNI plugins carry the attachments out: the reference plugins where they are installed, else stand-ins.

use std::{
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{delegate::Delegate, program};

/// Where distributions and Kubernetes installers put the reference plugins.
const PLACES: [&str; 3] = ["/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"];

/// A plugin that answers at all answers VERSION at once.
const VERSION_LIMIT: Duration = Duration::from_secs(10);

/// The versions that the demo's configurations are written in.
const NEEDED: [&str; 2] = ["0.3.1", "1.0.0"];

/// The plugins of the node.
pub(super) struct Plugins {
    /// The reference plugins: which, and where.
    pub(super) reference: Vec<(Delegate, PathBuf)>,
    /// The stand-ins.
    pub(super) stand_ins: Vec<Delegate>,
    /// The folder of the stand-ins, then those of the reference plugins: `CNI_PATH`.
    pub(super) path: Vec<PathBuf>,
}

impl Plugins {
    /// Finds reference plugins in the usual places and in `more_places`, unless only stand-ins are wanted, and links
    /// stand-ins to `own` in `bin` for the others.
    pub(super) fn provide(
        own: &Path,
        bin: &Path,
        only_stand_ins: bool,
        more_places: &[PathBuf],
    ) -> Result<Self> {
        let places: Vec<PathBuf> = PLACES
            .iter()
            .map(PathBuf::from)
            .chain(more_places.iter().cloned())
            .filter(|_| !only_stand_ins)
            .collect();
        let mut plugins = Self {
            reference: Vec::new(),
            stand_ins: Vec::new(),
            path: vec![bin.to_owned()],
        };
        for delegate in Delegate::ALL {
            match reference(delegate, &places) {
                Some(place) => {
                    if !plugins.path.contains(&place) {
                        plugins.path.push(place.clone());
                    }
                    plugins.reference.push((delegate, place));
                }
                None => {
                    let link = bin.join(delegate.name());
                    symlink(own, &link)
                        .with_context(|| format!("cannot make the link {}", link.display()))?;
                    plugins.stand_ins.push(delegate);
                }
            }
        }
        Ok(plugins)
    }
}

/// The place of a reference plugin that works. A real `sriov` would want a card, so it is never taken.
fn reference(delegate: Delegate, places: &[PathBuf]) -> Option<PathBuf> {
    if delegate == Delegate::Sriov {
        return None;
    }
    let speaks = |place: &&PathBuf| {
        let mut command = Command::new(place.join(delegate.name()));
        command.env("CNI_COMMAND", "VERSION");
        program::run(&mut command, r#"{"cniVersion":"1.0.0"}"#, VERSION_LIMIT)
            .is_ok_and(|ended| ended.status.success() && speaks_enough(&ended.stdout))
    };
    places.iter().find(speaks).cloned()
}

fn speaks_enough(answer: &str) -> bool {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Answer {
        supported_versions: Vec<String>,
    }
    serde_json::from_str::<Answer>(answer).is_ok_and(|answer| {
        NEEDED.iter().all(|needed| {
            answer
                .supported_versions
                .iter()
                .any(|version| version == needed)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stand_ins_fill_the_gaps() {
        let bin = tempfile::tempdir().unwrap();
        let plugins = Plugins::provide(Path::new("/own"), bin.path(), true, &[]).unwrap();
        assert_eq!(plugins.stand_ins, Delegate::ALL);
        assert_eq!(plugins.path, [bin.path()]);
        assert_eq!(
            bin.path().join("host-local").read_link().unwrap(),
            Path::new("/own")
        );
    }

    #[test]
    fn old_plugins_are_not_taken() {
        assert!(speaks_enough(
            r#"{"cniVersion":"1.0.0","supportedVersions":["0.3.1","1.0.0"]}"#
        ));
        assert!(!speaks_enough(r#"{"supportedVersions":["0.3.1"]}"#));
        assert!(!speaks_enough("usage"));
    }
}
