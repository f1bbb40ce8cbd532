//! Delegates that have outlived the plugin that executed them: they hold the lock of their sandbox, which they inherited.
//!
//! A plugin kills a delegate that hangs, with its process group. When the runtime has killed the plugin, nobody does. So the
//! next verb about the sandbox does it. What has made itself a session of its own is a daemon, which a delegate means to
//! leave behind, and is let alone.

use std::{
    fs::{self, File},
    os::unix::fs::MetadataExt as _,
};

use rustix::process::{Pid, Signal, getpgid, getpid, getsid, kill_process_group};

/// The process groups of delegates that have `file` open; `None` where processes cannot be looked at.
///
/// A delegate leads a process group (see [`crate::process::run`]) in the session of whoever executed the plugin.
#[must_use]
pub fn holders(file: &File) -> Option<Vec<Pid>> {
    let own = file.metadata().ok()?;
    let mut groups = Vec::new();
    for process in fs::read_dir("/proc").ok()?.flatten() {
        let pid = process
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
            .and_then(Pid::from_raw)
            .filter(|pid| *pid != getpid());
        let Some(pid) = pid else { continue };
        let open = fs::read_dir(process.path().join("fd"))
            .into_iter()
            .flatten();
        let holds = open.flatten().any(|fd| {
            fs::metadata(fd.path())
                .is_ok_and(|open| open.ino() == own.ino() && open.dev() == own.dev())
        });
        if !holds {
            continue;
        }
        // It may have ended in between.
        if let (Ok(group), Ok(session)) = (getpgid(Some(pid)), getsid(Some(pid)))
            && group != session
            && !groups.contains(&group)
        {
            groups.push(group);
        }
    }
    Some(groups)
}

/// Kills process groups.
pub fn kill(groups: &[Pid]) {
    for group in groups {
        // One that has ended in between needs no killing.
        let _ = kill_process_group(*group, Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        os::unix::process::CommandExt as _,
        process::{Command, Stdio},
    };

    use super::*;

    #[test]
    fn a_delegate_is_told_from_a_daemon() {
        let file = tempfile::tempfile().unwrap();
        assert_eq!(holders(&file), Some(vec![]));
        let start = |program: &str, arguments: &[&str]| {
            Command::new(program)
                .args(arguments)
                .stdin(Stdio::from(file.try_clone().unwrap()))
                .process_group(0)
                .spawn()
                .unwrap()
        };
        let mut daemon = start("setsid", &["--fork", "sleep", "20"]);
        daemon.wait().unwrap();
        let mut delegate = start("sleep", &["20"]);
        let found = holders(&file).unwrap();
        assert_eq!(
            found
                .iter()
                .map(|pid| pid.as_raw_nonzero().get())
                .collect::<Vec<_>>(),
            [i32::try_from(delegate.id()).unwrap()]
        );
        kill(&found);
        assert!(!delegate.wait().unwrap().success());
        assert_eq!(holders(&file), Some(vec![]));
    }
}
