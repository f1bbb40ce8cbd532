//! One agent at a socket: who comes second waits until the first has ended, and then is there at once.
//!
//! Two at a time would not only take each other's socket. Both would keep the runtime's folders true, each with the release it
//! brings, publish the same pods' network-status, and judge the same records.

use std::{
    ffi::OsString,
    fs::{DirBuilder, File, TryLockError},
    io,
    os::unix::{
        fs::{DirBuilderExt as _, OpenOptionsExt as _},
        net::UnixStream,
    },
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use crate::socket::SocketError;

/// How often it is looked whether the other one has ended: pods that start meanwhile wait for it.
const LOOK: Duration = Duration::from_millis(50);

/// How often it is told that it is waited.
const TELL: Duration = Duration::from_secs(60);

/// The right to be the agent of a socket, as long as this is kept. The kernel takes it from a process that ends, however it
/// ends.
#[derive(Debug)]
pub struct Sole {
    _lock: File,
}

impl Sole {
    /// Waits until nobody else is the agent of `socket`.
    ///
    /// # Errors
    /// The system refuses.
    pub async fn wait(socket: &Path) -> Result<Self, SocketError> {
        let io = |source| SocketError::Io {
            path: socket.to_owned(),
            source,
        };
        let lock = open(socket).map_err(io)?;
        let mut told: Option<Instant> = None;
        loop {
            if is_free(&lock, socket).map_err(io)? {
                return Ok(Self { _lock: lock });
            }
            if told.is_none_or(|told| told.elapsed() >= TELL) {
                tracing::warn!(
                    socket = %socket.display(),
                    "Another process serves the socket; it is waited for until it has ended"
                );
                told = Some(Instant::now());
            }
            sleep(LOOK).await;
        }
    }

    /// The same without the async runtime, and for as long as `limit`: `None` is that it had not ended by then.
    ///
    /// # Errors
    /// The system refuses.
    pub fn wait_for(socket: &Path, limit: Duration) -> io::Result<Option<Self>> {
        let lock = open(socket)?;
        let end = std::time::Instant::now() + limit;
        let mut is_told = false;
        loop {
            if is_free(&lock, socket)? {
                return Ok(Some(Self { _lock: lock }));
            }
            if std::time::Instant::now() >= end {
                return Ok(None);
            }
            if !is_told {
                tracing::warn!(
                    socket = %socket.display(),
                    "The node agent still runs, or an install; it is waited for until it has ended"
                );
                is_told = true;
            }
            std::thread::sleep(LOOK);
        }
    }
}

/// Takes the lock, unless somebody serves. An agent of a release before this file answers without it.
fn is_free(lock: &File, socket: &Path) -> io::Result<bool> {
    Ok(is_locked(lock)? && UnixStream::connect(socket).is_err())
}

/// The lock's file stays for ever: who removed it would leave others with a lock of nothing.
fn open(socket: &Path) -> io::Result<File> {
    if let Some(folder) = socket
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(beside(socket))
}

fn beside(socket: &Path) -> PathBuf {
    let mut name = OsString::from(socket);
    name.push(".lock");
    PathBuf::from(name)
}

/// Takes the lock; a second time it is had already.
fn is_locked(lock: &File) -> io::Result<bool> {
    match lock.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::net::UnixListener};

    use tokio::time::timeout;

    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    fn is_waiting<T>(waited: Result<T, tokio::time::error::Elapsed>) -> bool {
        waited.is_err()
    }

    #[tokio::test]
    async fn the_second_is_there_when_the_first_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("run/bridge.sock");
        let first = Sole::wait(&socket).await.unwrap();
        assert!(is_waiting(timeout(LOOK * 3, Sole::wait(&socket)).await));
        let path = socket.clone();
        let second = tokio::spawn(async move { Sole::wait(&path).await });
        sleep(LOOK * 3).await;
        assert!(!second.is_finished());
        drop(first);
        let second = timeout(LONG, second).await.unwrap().unwrap().unwrap();
        assert!(is_waiting(timeout(LOOK * 3, Sole::wait(&socket)).await));
        drop(second);
        assert!(beside(&socket).exists());
        Sole::wait(&socket).await.unwrap();
    }

    #[tokio::test]
    async fn one_of_before_the_lock_is_waited_for_and_its_ruins_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("bridge.sock");
        let old = UnixListener::bind(&socket).unwrap();
        assert!(is_waiting(timeout(LOOK * 3, Sole::wait(&socket)).await));
        drop(old);
        assert!(socket.exists());
        drop(timeout(LONG, Sole::wait(&socket)).await.unwrap().unwrap());
        fs::remove_file(&socket).unwrap();
        drop(timeout(LONG, Sole::wait(&socket)).await.unwrap().unwrap());
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_made_is_told() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        let socket = folder.path().join("file/bridge.sock");
        let error = Sole::wait(&socket).await.unwrap_err().to_string();
        assert!(error.contains("file/bridge.sock"), "{error}");
    }
}
