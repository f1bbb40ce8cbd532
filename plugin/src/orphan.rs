//! Delegates that have outlived the plugin that executed them: they hold the lock of their sandbox, which they inherited.
//!
//! A plugin kills a delegate that hangs, with its process group. When the runtime has killed the plugin, nobody does. So the
//! next verb about the sandbox does it. What has made itself a session of its own is a daemon, which a delegate means to
//! leave behind, and is let alone.

use std::{
    fs::{self, File},
    os::unix::fs::MetadataExt as _,
};

use rustix::process::{Pid, Signal, getpid, kill_process_group};

/// The process groups of delegates that have `file` open; `None` where processes cannot be looked at.
///
/// A delegate leads a process group (see [`crate::process::run`]) in the session of whoever executed the plugin.
#[must_use]
pub fn holders(file: &File) -> Option<Vec<Pid>> {
    let own = file.metadata().ok()?;
    let own_group =
        fs::read_to_string("/proc/self/stat").map_or(0, |stat| group(&stat).unwrap_or(0));
    let mut groups = Vec::new();
    for process in fs::read_dir("/proc").ok()?.flatten() {
        let name = process.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        if pid == getpid().as_raw_nonzero().get() {
            continue;
        }
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
        let stat = fs::read_to_string(process.path().join("stat")).unwrap_or_default();
        if let Some(group) = group_of_a_delegate(&stat, own_group)
            && !groups.contains(&group)
        {
            groups.push(group);
        }
    }
    Some(groups)
}

/// The process group of a `/proc/PID/stat`, if it is not the one that its session began with (proc_pid_stat(5): `pid (comm)
/// state ppid pgrp session …`; comm is any bytes, parentheses too).
///
/// Both numbers are 0 when their leader is not of this PID namespace: in a container the session often was begun outside
/// (rustix's `getsid` holds that for impossible). A group without a number cannot be killed and is nobody's here.
///
/// `own_group` is that of this process, and so of the runtime which executed it: a process of it that has the file open is
/// on its way to become a delegate, or something else's child. Killing that group would kill the runtime.
fn group_of_a_delegate(stat: &str, own_group: i32) -> Option<Pid> {
    let group = group(stat)?;
    let session = session(stat)?;
    Pid::from_raw(group).filter(|_| group != session && group != own_group)
}

fn group(stat: &str) -> Option<i32> {
    number(stat, 2)
}

fn session(stat: &str) -> Option<i32> {
    number(stat, 3)
}

/// The number at a place of a `/proc/PID/stat`, counted from behind the process's name.
fn number(stat: &str, place: usize) -> Option<i32> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(place)?.parse().ok()
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
    fn groups() {
        for (stat, group) in [
            ("812 (sleep) S 1 811 640 0 -1 4194304", Some(811)),
            ("812 (a delegate) 1) S 1 812 640 0 -1", Some(812)),
            ("812 (session begun outside) S 0 812 0 0", Some(812)),
            ("812 (group begun outside) S 0 0 0 0", None),
            ("812 (daemon) S 1 812 812 0 -1 4194304", None),
            ("812 (sleep) S 1 811", None),
            ("812 (sleep) S 1 x 640", None),
            ("812 (a child of the runtime) S 1 700 640 0", None),
            ("", None),
        ] {
            let found = group_of_a_delegate(stat, 700).map(|pid| pid.as_raw_nonzero().get());
            assert_eq!(found, group, "{stat:?}");
        }
    }

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
        // What setsid leaves behind is no daemon before it has a session of its own.
        for _ in 0..1000 {
            if holders(&file) == Some(vec![]) {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
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
