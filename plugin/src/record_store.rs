//! Sandbox records on disk: written whole or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use spec::cni::ContainerId;

use crate::{error::Error, record::Record};

/// The records of a node, one file a sandbox, in a folder of their own below `cniDir`, where Multus keeps its files.
#[derive(Clone, Debug)]
pub struct RecordStore {
    folder: PathBuf,
}

impl RecordStore {
    /// The records below `cni_dir`.
    #[must_use]
    pub fn new(cni_dir: &Path) -> Self {
        Self {
            folder: cni_dir.join("sandboxes"),
        }
    }

    /// Where the record of a sandbox is.
    #[must_use]
    pub fn path(&self, container_id: &ContainerId) -> PathBuf {
        self.folder.join(format!("{container_id}.json"))
    }

    /// The record of a sandbox, if it has one.
    ///
    /// # Errors
    /// There is one and it cannot be read. That is never taken for "nothing was attached".
    pub fn load(&self, container_id: &ContainerId) -> Result<Option<Record>, Error> {
        let path = self.path(container_id);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("read", path, error)),
        };
        Record::parse(&text).map(Some).map_err(|problem| {
            failed("understood", path, format!("{problem}; remove the sandbox's interfaces and addresses by hand, then this file"))
        })
    }

    /// Writes a record: a temporary file, fsync, rename, fsync of the folder.
    ///
    /// # Errors
    /// What the system says; the record that was there before is still there.
    pub fn save(&self, record: &Record) -> Result<(), Error> {
        let path = self.path(&record.container_id);
        self.write(&path, &record.print())
            .map_err(|error| failed("written", path, error))
    }

    /// Removes a record, and what a process left that was killed while it wrote one. Neither need be there.
    ///
    /// # Errors
    /// What the system says.
    pub fn remove(&self, container_id: &ContainerId) -> Result<(), Error> {
        let path = self.path(container_id);
        for file in [temporary(&path), path] {
            match fs::remove_file(&file) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed("removed", file, error)),
            }
        }
        Ok(())
    }

    /// Whether there is a folder of records; on a node where nothing was ever attached there is none.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.folder.is_dir()
    }

    /// The folder of the records, made where it is missing.
    pub(crate) fn folder(&self) -> io::Result<&Path> {
        if !self.is_there() {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&self.folder)?;
            // Without this a power cut could take the folder, and the first record with it.
            if let Some(parent) = self.folder.parent() {
                File::open(parent)?.sync_all()?;
            }
        }
        Ok(&self.folder)
    }

    fn write(&self, path: &Path, text: &str) -> io::Result<()> {
        let folder = self.folder()?;
        let temporary = temporary(path);
        let written = write_whole(&temporary, text).and_then(|()| fs::rename(&temporary, path));
        if written.is_err() {
            // What is not whole helps nobody; if it cannot be removed either, DEL does so.
            let _ = fs::remove_file(&temporary);
        }
        written?;
        File::open(folder)?.sync_all()
    }
}

/// One name per sandbox: what a killed process left is overwritten by the next, or removed by DEL.
fn temporary(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn failed(attempted: &'static str, path: PathBuf, problem: impl ToString) -> Error {
    Error::Record {
        attempted,
        path,
        problem: problem.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saved_loaded_removed() {
        let folder = tempfile::tempdir().unwrap();
        let store = RecordStore::new(folder.path());
        let id: ContainerId = "c1".parse().unwrap();
        assert_eq!(store.load(&id).unwrap(), None);
        let record = Record::intend(id.clone(), None, None, &[]);
        store.save(&record).unwrap();
        store.save(&record).unwrap();
        assert_eq!(store.load(&id).unwrap(), Some(record));
        let files: Vec<_> = fs::read_dir(folder.path().join("sandboxes"))
            .unwrap()
            .collect();
        assert_eq!(files.len(), 1);
        fs::write(temporary(&store.path(&id)), "half").unwrap();
        store.remove(&id).unwrap();
        assert_eq!(
            fs::read_dir(folder.path().join("sandboxes"))
                .unwrap()
                .count(),
            0
        );
        store.remove(&id).unwrap();
        assert_eq!(store.load(&id).unwrap(), None);
    }

    #[test]
    fn a_torn_record_is_no_missing_record() {
        let folder = tempfile::tempdir().unwrap();
        let store = RecordStore::new(folder.path());
        let id: ContainerId = "c1".parse().unwrap();
        store
            .save(&Record::intend(id.clone(), None, None, &[]))
            .unwrap();
        fs::write(store.path(&id), "{\"checksum\":").unwrap();
        let error = store.load(&id).unwrap_err();
        assert_eq!(error.code(), spec::cni::code::RECORD);
    }
}
