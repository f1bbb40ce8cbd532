//! Reports on disk until they are published, so that a device-bridge that ends in between publishes them when it is started again.
//!
//! They are kept beside the agent's socket, in memory that a reboot clears: the sandboxes are gone then as well. That is also why
//! nothing is forced to a disk.

use std::{
    fs::{self, DirBuilder},
    io::{self, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use spec::bridge::{PodRef, Report};

/// A folder with one file for each pod.
#[derive(Clone, Debug)]
pub struct Spool {
    folder: PathBuf,
}

impl Spool {
    /// A spool in `folder`, which need not be there.
    #[must_use]
    pub const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The spool of the agent that listens on `socket`.
    #[must_use]
    pub fn beside(socket: &Path) -> Self {
        Self::new(socket.with_file_name("reports"))
    }

    /// Keeps a report in the place of an older one of its pod.
    ///
    /// # Errors
    /// The system refuses.
    pub fn keep(&self, report: &Report) -> io::Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        serde_json::to_writer(&mut file, report)?;
        file.flush()?;
        file.persist(self.path(&report.pod))?;
        Ok(())
    }

    /// Removes the report of a pod.
    ///
    /// # Errors
    /// The system refuses.
    pub fn remove(&self, pod: &PodRef) -> io::Result<()> {
        match fs::remove_file(self.path(pod)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// What an agent before this one has left. A file that is no report is removed: it was left half-written.
    #[must_use]
    pub fn left(&self) -> Vec<Report> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut reports = Vec::new();
        for path in entries.map(|entry| entry.path()) {
            match read(&path) {
                Ok(report) => reports.push(report),
                Err(error) => {
                    tracing::warn!(%error, file = %path.display(), "A report that cannot be read is removed");
                    if let Err(error) = fs::remove_file(&path) {
                        tracing::warn!(%error, file = %path.display(), "The file stays");
                    }
                }
            }
        }
        reports
    }

    /// No part of a name has an underscore.
    fn path(&self, pod: &PodRef) -> PathBuf {
        self.folder
            .join(format!("{}_{}.json", pod.namespace, pod.name))
    }
}

/// A file that was not given its name yet may be whole, and is not the one that would be removed.
fn read(path: &Path) -> io::Result<Report> {
    if path.extension().is_none_or(|extension| extension != "json") {
        return Err(io::Error::other(
            "it was left behind before it had its name",
        ));
    }
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::report;

    #[test]
    fn kept_replaced_left_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::beside(&folder.path().join("run/bridge.sock"));
        assert!(spool.left().is_empty());
        spool.keep(&report("first")).unwrap();
        spool.keep(&report("second")).unwrap();
        let reports = folder.path().join("run/reports");
        fs::copy(reports.join("default_p.json"), reports.join(".tmpX")).unwrap();
        fs::write(reports.join("default_q.json"), "{\"pod\":").unwrap();
        assert_eq!(spool.left(), [report("second")]);
        assert_eq!(fs::read_dir(reports).unwrap().count(), 1);
        spool.remove(&report("").pod).unwrap();
        spool.remove(&report("").pod).unwrap();
        assert!(spool.left().is_empty());
    }
}
