//! A look into the pod's network namespace before anything is attached.
//!
//! A plugin that finds its interface's name taken fails, and undoing that failure would delete the interface that was there
//! before. So this is found out before there is anything to undo.

use std::{
    fs, io,
    os::{fd::AsFd as _, unix::fs::MetadataExt as _},
    path::Path,
};

use rustix::{
    io::Errno,
    net::{AddressFamily, SocketType, netdevice::name_to_index, socket},
    thread::{LinkNameSpaceType, move_into_link_name_space},
};

use crate::{error::Error, plan::Planned};

/// Checks that no planned interface is in the network namespace already.
///
/// # Errors
/// One is, or the namespace cannot be entered or left.
pub fn check_interfaces_are_free(netns: &str, planned: &[Planned]) -> Result<(), Error> {
    let failed = |problem| Error::Netns {
        path: netns.to_owned(),
        problem,
    };
    let there = inside(netns, || {
        let socket = socket(AddressFamily::UNIX, SocketType::DGRAM, None)?;
        for (index, attachment) in planned.iter().enumerate() {
            match name_to_index(&socket, attachment.interface.as_str()) {
                Ok(_) => return Ok(Some(index)),
                Err(Errno::NODEV) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    });
    match there.map_err(failed)?.and_then(|index| planned.get(index)) {
        None => Ok(()),
        Some(attachment) => Err(Error::InterfaceThere {
            network: attachment.name.clone(),
            interface: attachment.interface.clone(),
        }),
    }
}

/// Does `look` in the network namespace at the path `netns`, and comes back.
///
/// This is for the time before anything else is done: no other thread runs yet, and where coming back fails nothing has been
/// executed that would be executed in the wrong namespace. A thread of its own, as [`within`] takes it, costs as much as all
/// the rest of the look.
fn inside<T>(netns: &str, look: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let own = fs::File::open("/proc/thread-self/ns/net")?;
    let target = fs::File::open(netns)?;
    let enter = |namespace: &fs::File| {
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
    };
    enter(&target)?;
    let looked = look();
    enter(&own)?;
    looked
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

/// Whether nothing is at `path` any more, where a network namespace was whose inode nobody wrote down. Runtimes give each
/// sandbox a path of its own. A folder that is missing itself says nothing.
#[must_use]
pub fn is_missing(path: &str) -> bool {
    let path = Path::new(path);
    let is_visible = path.parent().is_some_and(Path::is_dir);
    let found = fs::symlink_metadata(path);
    is_visible && found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
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
