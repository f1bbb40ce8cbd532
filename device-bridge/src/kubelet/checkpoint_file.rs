//! The kubelet's checkpoint as a file that is read when it has changed, and not for every pod.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::{sync::Mutex, task::spawn_blocking};

use super::checkpoint::{Checkpoint, CheckpointError};

/// The file, and what was in it when it was read last.
#[derive(Debug)]
pub struct CheckpointFile {
    path: PathBuf,
    read: Mutex<Option<(Identity, Arc<Checkpoint>)>>,
}

/// The kubelet replaces the file whenever it writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl CheckpointFile {
    /// The file at `path`, which need not be there.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            read: Mutex::default(),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is in it now; `None` where there is none. Of several who ask at once, one reads it.
    ///
    /// # Errors
    /// It cannot be read, or is no checkpoint.
    pub async fn read(&self) -> Result<Option<Arc<Checkpoint>>, CheckpointError> {
        let mut read = self.read.lock().await;
        // Before it is read: a file that is replaced meanwhile is read again the next time.
        let Some(now) = self.identity()? else {
            *read = None;
            return Ok(None);
        };
        if let Some((then, known)) = &*read
            && *then == now
        {
            return Ok(Some(Arc::clone(known)));
        }
        // The old one is megabytes that nobody needs while the new one is read.
        *read = None;
        let path = self.path.clone();
        let parsed = spawn_blocking(move || Checkpoint::read(&path)).await;
        let parsed = parsed.map_err(|error| CheckpointError::Read {
            path: self.path.clone(),
            source: io::Error::other(error),
        })??;
        let parsed = parsed.map(Arc::new);
        *read = parsed.clone().map(|parsed| (now, parsed));
        Ok(parsed)
    }

    fn identity(&self) -> Result<Option<Identity>, CheckpointError> {
        match fs::metadata(&self.path) {
            Ok(found) => Ok(Some(Identity {
                device: found.dev(),
                inode: found.ino(),
                size: found.len(),
                modified: (found.mtime(), found.mtime_nsec()),
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(CheckpointError::Read {
                path: self.path.clone(),
                source,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(uid: &str) -> String {
        format!(
            r#"{{"Data":{{"PodDeviceEntries":[{{"PodUID":"{uid}","ContainerName":"a","ResourceName":"r","DeviceIDs":{{"0":["1"]}}}}]}}}}"#
        )
    }

    /// As the kubelet does it.
    fn replace(path: &Path, text: &str) {
        let new = path.with_extension("new");
        fs::write(&new, text).unwrap();
        fs::rename(new, path).unwrap();
    }

    #[tokio::test]
    async fn read_when_it_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kubelet_internal_checkpoint");
        let file = CheckpointFile::new(path.clone());
        assert!(file.read().await.unwrap().is_none());
        replace(&path, &text("u1"));
        let first = file.read().await.unwrap().unwrap();
        let again = file.read().await.unwrap().unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        // Of the same size.
        replace(&path, &text("u2"));
        let second = file.read().await.unwrap().unwrap();
        assert_eq!(second.owners(Some("r"), "1").collect::<Vec<_>>(), ["u2"]);
        fs::write(&path, "{").unwrap();
        assert!(file.read().await.is_err());
        fs::remove_file(&path).unwrap();
        assert!(file.read().await.unwrap().is_none());
    }
}
