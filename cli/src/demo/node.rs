//! The node: namespaces of the demo's own, in which everything it does and starts stays.

use std::fs;

use anyhow::{Context, Result};
use nix::{
    errno::Errno,
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
    unistd::{getegid, geteuid},
};

use super::{netlink::session, obstacle};

/// Leaves the machine's network for an empty one, without root where the system allows it, and says how.
///
/// The kernel makes a user namespace only for a process of one thread, so this comes before any other thread.
pub(super) fn enter() -> Result<&'static str> {
    let namespaces = CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET;
    let (user, group) = (geteuid(), getegid());
    let mut how = "as root";
    let as_root = if user.is_root() {
        unshare(namespaces)
    } else {
        Err(Errno::EPERM)
    };
    // Root without CAP_SYS_ADMIN, as in most containers, is in the position of everybody else.
    if let Err(refused) = as_root {
        unshare(namespaces | CloneFlags::CLONE_NEWUSER)
            .map_err(|error| obstacle::explain(error, user.is_root(), refused))?;
        map_to_root(user.as_raw(), group.as_raw()).map_err(obstacle::of_mapping)?;
        how = "without root, in a user namespace";
    }
    mount(
        None::<&str>,
        "/",
        None::<&str>,
        MsFlags::MS_REC | MsFlags::MS_PRIVATE,
        None::<&str>,
    )
    .map_err(|error| obstacle::explain(error, false, error))
    .context("cannot keep mounts to the demo's own mount namespace")?;
    loopback_up().context("cannot bring up the node's loopback device")?;
    Ok(how)
}

/// Brings up `lo` of the calling thread's network namespace.
pub(super) fn loopback_up() -> Result<()> {
    session(async |netlink| netlink.up(netlink.index("lo").await?).await)
}

/// In its user namespace the process is root; outside it stays who it is.
fn map_to_root(user: u32, group: u32) -> std::io::Result<()> {
    // Without this the kernel takes no gid_map from a process that is not root: user_namespaces(7).
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("0 {user} 1"))?;
    fs::write("/proc/self/gid_map", format!("0 {group} 1"))
}
