//! Waiting for changes in folders, by inotify.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::net::unix::pipe;

/// Folders that are watched.
#[derive(Debug)]
pub struct FolderWatch {
    inotify: OwnedFd,
    /// The same descriptor again, as what tokio reads: it gives bytes when there are some, as a pipe does.
    events: pipe::Receiver,
}

impl FolderWatch {
    /// Watches nothing yet. Must be called where tokio runs.
    ///
    /// # Errors
    /// The kernel gives no inotify, or the runtime does not take it.
    pub fn new() -> io::Result<Self> {
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        Ok(Self {
            events: pipe::Receiver::from_owned_fd_unchecked(inotify.try_clone()?)?,
            inotify,
        })
    }

    /// Watches a folder, too. Whoever watches a folder by its path calls it again now and then: it may have been removed and
    /// made again. What is watched already is not watched twice.
    ///
    /// # Errors
    /// It is not there, or what the system says.
    pub fn watch(&self, folder: &Path) -> io::Result<()> {
        // A file that is written in place is looked at when its writer closes it.
        let flags = WatchFlags::CREATE
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::DELETE
            | WatchFlags::ATTRIB
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        inotify::add_watch(self.inotify.as_fd(), folder, flags)?;
        Ok(())
    }

    /// Waits until something has changed. What it was does not matter: the folder is looked at.
    ///
    /// # Errors
    /// What the system says.
    pub async fn changed(&self) -> io::Result<()> {
        // An event with the longest name fits.
        let mut unread = [0; 4096];
        let mut any = false;
        loop {
            if !any {
                self.events.readable().await?;
            }
            match self.events.try_read(&mut unread) {
                Ok(_) => any = true,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && any => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn writes_renames_and_removals_are_seen() {
        const LONG: Duration = Duration::from_secs(20);
        let folder = tempfile::tempdir().unwrap();
        let watch = FolderWatch::new().unwrap();
        assert!(watch.watch(&folder.path().join("none")).is_err());
        watch.watch(folder.path()).unwrap();
        watch.watch(folder.path()).unwrap();
        let quiet = timeout(Duration::from_millis(50), watch.changed()).await;
        assert!(quiet.is_err(), "nothing has changed");
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&a, "x").unwrap();
        timeout(LONG, watch.changed()).await.unwrap().unwrap();
        fs::rename(&a, &b).unwrap();
        timeout(LONG, watch.changed()).await.unwrap().unwrap();
        fs::remove_file(&b).unwrap();
        timeout(LONG, watch.changed()).await.unwrap().unwrap();
        let quiet = timeout(Duration::from_millis(50), watch.changed()).await;
        assert!(quiet.is_err(), "everything was seen");
    }
}
