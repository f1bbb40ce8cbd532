//! A look into the pod's network namespace before anything is attached.
//!
//! A plugin that finds its interface's name taken fails, and undoing that failure would delete the interface that was there
//! before. So this is found out before there is anything to undo.

use std::{
    collections::BTreeSet,
    fs, io,
    os::{fd::AsFd as _, unix::fs::MetadataExt as _},
    path::Path,
};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::{error::Error, plan::Planned};

/// Checks that no planned interface is in the network namespace already.
///
/// # Errors
/// One is, or the namespace cannot be entered.
pub fn check_interfaces_are_free(netns: &str, planned: &[Planned]) -> Result<(), Error> {
    let there = interfaces(netns).map_err(|problem| Error::Netns {
        path: netns.to_owned(),
        problem,
    })?;
    match planned
        .iter()
        .find(|attachment| there.contains(attachment.interface.as_str()))
    {
        None => Ok(()),
        Some(attachment) => Err(Error::InterfaceThere {
            network: attachment.name.clone(),
            interface: attachment.interface.clone(),
        }),
    }
}

/// The inode of the network namespace at `path`; none where there is none.
#[must_use]
pub fn inode(path: &str) -> Option<u64> {
    fs::metadata(path).ok().map(|found| found.ino())
}

/// Whether a recorded network namespace is gone: there is another one, or none, in the folder where it was. A folder that is
/// missing itself says nothing, as it may just not be visible here.
#[must_use]
pub fn is_gone(path: Option<&str>, recorded: Option<u64>) -> bool {
    let (Some(path), Some(recorded)) = (path, recorded) else {
        return false;
    };
    let is_visible = Path::new(path).parent().is_some_and(Path::is_dir);
    is_visible && inode(path) != Some(recorded)
}

/// The names of the interfaces in a network namespace.
fn interfaces(netns: &str) -> io::Result<BTreeSet<String>> {
    let text = within(netns, || fs::read_to_string("/proc/thread-self/net/dev"))??;
    // Two lines of headings, then a line an interface: its name, a colon, its counters.
    let names = text.lines().skip(2).filter_map(|line| line.split_once(':'));
    Ok(names.map(|(name, _)| name.trim().to_owned()).collect())
}

/// Does `work` in the network namespace at the path `netns`, on a thread of its own: this one stays where it is.
///
/// # Errors
/// The namespace cannot be entered.
pub(crate) fn within<T: Send>(netns: &str, work: impl FnOnce() -> T + Send) -> io::Result<T> {
    let file = fs::File::open(netns)?;
    let entered = || -> io::Result<T> {
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))?;
        Ok(work())
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().spawn_scoped(scope, entered)?;
        let joined = thread.join();
        joined.map_err(|_| io::Error::other("the work in it panicked"))?
    })
}
