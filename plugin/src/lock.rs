//! One operation at a time on a sandbox, and DEL after the last delegate of a killed ADD.
//!
//! Delegates inherit the lock. When a runtime kills this plugin in the middle of ADD and then asks for DEL, the delegate
//! that was being executed goes on, and DEL waits for its end instead of undoing what is still to be done.

use std::{
    fs, io,
    os::{fd::OwnedFd, unix::fs::MetadataExt as _},
    path::PathBuf,
    time::{Duration, Instant},
};

use rustix::fs::{FlockOperation, Mode, OFlags, flock, fstat, open};
use spec::cni::ContainerId;

use crate::{error::Error, record_store::RecordStore};

/// How often a lock is tried that somebody holds.
const LOOK: Duration = Duration::from_millis(20);

/// The lock of a sandbox, held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    _file: OwnedFd,
}

impl Lock {
    /// Takes the lock of a sandbox.
    ///
    /// Whoever holds it for longer than `patience`, which is how long a delegate may take, is no delegate but a daemon that
    /// one has left behind, and is not waited for.
    ///
    /// # Errors
    /// What the system says.
    pub fn take(
        store: &RecordStore,
        container_id: &ContainerId,
        patience: Duration,
    ) -> Result<Self, Error> {
        let path = store
            .path(container_id)
            .with_file_name(format!("{container_id}.lock"));
        let until = Instant::now() + patience;
        let failed = |problem: io::Error| Error::Record {
            attempted: "locked",
            path: path.clone(),
            problem: problem.to_string(),
        };
        store.folder().map_err(failed)?;
        loop {
            // Not closed at exec, so that delegates hold it too.
            let file = open(
                &path,
                OFlags::RDWR | OFlags::CREATE,
                Mode::RUSR | Mode::WUSR,
            )
            .map_err(|error| failed(error.into()))?;
            let is_taken = loop {
                match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                    Ok(()) => break true,
                    Err(rustix::io::Errno::WOULDBLOCK) if Instant::now() < until => {
                        std::thread::sleep(LOOK);
                    }
                    Err(rustix::io::Errno::WOULDBLOCK) => break false,
                    Err(error) => return Err(failed(error.into())),
                }
            };
            // Who held it before has removed the file: then this lock is one of nothing, and a new file the right one.
            let is_current = fstat(&file).is_ok_and(|own| {
                fs::metadata(&path)
                    .is_ok_and(|there| there.ino() == own.st_ino && there.dev() == own.st_dev)
            });
            if is_current || !is_taken {
                return Ok(Self { path, _file: file });
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // While it is still held. A file that stays is taken up by the next one.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_nothing_left() {
        let folder = tempfile::tempdir().unwrap();
        let store = RecordStore::new(folder.path());
        let id: ContainerId = "c1".parse().unwrap();
        let order = std::sync::Mutex::new(Vec::new());
        let long = Duration::from_secs(60);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let _lock = Lock::take(&store, &id, long).unwrap();
                    order.lock().unwrap().push("in");
                    std::thread::yield_now();
                    order.lock().unwrap().push("out");
                });
            }
        });
        assert_eq!(order.into_inner().unwrap(), ["in", "out"].repeat(4));
        assert_eq!(
            fs::read_dir(folder.path().join("sandboxes"))
                .unwrap()
                .count(),
            0
        );
    }

    #[test]
    fn a_lock_that_is_never_given_back_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let store = RecordStore::new(folder.path());
        let id: ContainerId = "c1".parse().unwrap();
        let _held = Lock::take(&store, &id, Duration::ZERO).unwrap();
        Lock::take(&store, &id, Duration::from_millis(50)).unwrap();
    }
}
