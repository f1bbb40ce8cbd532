//! Network namespaces: the caller's, those of a path, and the one made for the pod.
//!
//! A thread belongs to one network namespace, so whatever happens in another one happens on a thread that goes there
//! and ends there.

use std::{
    fs::{self, File},
    os::fd::{AsRawFd, RawFd},
    panic,
    path::{Path, PathBuf},
    thread,
};

use anyhow::{Context, Result};
use nix::{
    mount::{MntFlags, MsFlags, mount, umount2},
    sched::{CloneFlags, setns, unshare},
};

/// The namespace of the calling thread.
const OWN: &str = "/proc/thread-self/ns/net";

/// An open network namespace.
#[derive(Debug)]
pub(super) struct Netns(File);

impl Netns {
    /// The namespace the calling thread is in.
    pub(super) fn current() -> Result<Self> {
        Self::open(Path::new(OWN))
    }

    /// The namespace that is mounted on `path`.
    pub(super) fn open(path: &Path) -> Result<Self> {
        File::open(path)
            .map(Self)
            .with_context(|| format!("cannot open the network namespace {}", path.display()))
    }

    /// The descriptor, for netlink.
    pub(super) fn descriptor(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// Does `work` inside the namespace.
    pub(super) fn inside<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        on_thread(|| {
            setns(&self.0, CloneFlags::CLONE_NEWNET)
                .context("cannot enter the network namespace")?;
            work()
        })
    }
}

/// A fresh network namespace, kept alive by a mount on a file; unmounted and removed when dropped.
pub(super) struct MountedNetns {
    path: PathBuf,
}

impl MountedNetns {
    /// Makes a namespace and mounts it on `path`.
    pub(super) fn create(path: &Path) -> Result<Self> {
        File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
        let namespace = Self {
            path: path.to_owned(),
        };
        on_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET).context("cannot make a network namespace")?;
            mount(
                Some(OWN),
                path,
                None::<&str>,
                MsFlags::MS_BIND,
                None::<&str>,
            )
            .with_context(|| format!("cannot mount the network namespace on {}", path.display()))
        })?;
        Ok(namespace)
    }

    /// Where it is mounted.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens it.
    pub(super) fn open(&self) -> Result<Netns> {
        Netns::open(&self.path)
    }
}

impl Drop for MountedNetns {
    fn drop(&mut self) {
        // Where the mount failed there is only the file; either is removed as far as it exists.
        let _not_mounted = umount2(&self.path, MntFlags::MNT_DETACH);
        let _not_there = fs::remove_file(&self.path);
    }
}

fn on_thread<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    thread::scope(|scope| {
        scope
            .spawn(work)
            .join()
            .unwrap_or_else(|panicked| panic::resume_unwind(panicked))
    })
}
