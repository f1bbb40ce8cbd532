//! The test's part outside of the node: it makes the namespaces, executes itself in them, and sees to their end.
//!
//! The first process in the new PID namespace is a shell that waits for the test. When it ends, for whatever reason, the kernel
//! ends everything else in there, and mounts and interfaces are gone with the namespaces.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use nix::sched::{CloneFlags, unshare};

use super::{mounts, parts, table};
use crate::fixture::{binaries, cgroup::Cgroup};

/// The folder of the node, by which the executed test knows that it is inside.
pub(super) const FOLDER: &str = "POLYPOD_WHOLE_NODE_FOLDER";

/// The cgroup that pods are in, for the kubelet.
pub(super) const CGROUP: &str = "POLYPOD_WHOLE_NODE_CGROUP";

/// How long the whole of it may take.
const LIMIT: Duration = Duration::from_secs(25 * 60);

/// The first process: mounts the processes of its namespace, reads as a shell reads, and collects orphans while it waits.
const FIRST: &str =
    r#"mount -t proc proc /proc || exit 1; exec 3<&0; "$0" <&3 & exec 3<&-; wait $!"#;

/// Tells all stories, and fails if one of them does.
pub(super) fn run() {
    // Built before there are namespaces in which nothing can be built.
    let built = binaries::path("polypod");
    assert!(built.is_file(), "{} is built", built.display());
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let cgroup = Cgroup::create("polypod-whole-node");
    mounts::make_points();
    parts::copy_plugins(&folder.path().join("opt-cni/bin"));

    let mut first = start(folder.path(), cgroup.name());
    // Its other end is closed when this process ends, however it does.
    let lifeline = first.stdin.take();
    let until = Instant::now() + LIMIT;
    let ended = loop {
        match first.try_wait().expect("it is our child") {
            Some(status) => break Some(status),
            None if Instant::now() > until => break None,
            None => std::thread::sleep(Duration::from_millis(100)),
        }
    };
    if ended.is_none() {
        let _ = first.kill();
        let _ = first.wait();
    }
    drop(lifeline);
    table::take(folder.path());
    keep_logs(folder.path());
    drop(cgroup);

    let ended = ended.unwrap_or_else(|| panic!("it did not end within {LIMIT:?}"));
    assert!(
        ended.success(),
        "a story failed, or the node did not come up: see above, and the logs in {}",
        logs().display()
    );
}

/// Executes this program in namespaces of its own.
fn start(folder: &Path, cgroup: &str) -> Child {
    let folder = folder.to_owned();
    let cgroup = cgroup.to_owned();
    // A thread that has asked for a PID namespace for its children can make no threads.
    let started = std::thread::spawn(move || {
        unshare(
            CloneFlags::CLONE_NEWNS
                | CloneFlags::CLONE_NEWNET
                | CloneFlags::CLONE_NEWPID
                | CloneFlags::CLONE_NEWIPC
                | CloneFlags::CLONE_NEWUTS,
        )
        .expect("Need::WholeNode was checked");
        mounts::of_the_node(&folder);
        let own = std::env::current_exe().expect("a process knows its executable");
        Command::new("sh")
            .arg("-c")
            .arg(FIRST)
            .arg(own)
            .env(FOLDER, &folder)
            .env(CGROUP, cgroup)
            .env("TMPDIR", folder.join("tmp"))
            .stdin(Stdio::piped())
            .spawn()
            .expect("there is a shell")
    });
    started.join().expect("the namespaces can be made")
}

/// Where the logs are kept.
fn logs() -> &'static Path {
    Path::new(concat!(env!("CARGO_TARGET_TMPDIR"), "/whole-node"))
}

/// Keeps the logs of this run in the place of the last one's.
fn keep_logs(folder: &Path) {
    let _ = fs::remove_dir_all(logs());
    let copied = fs::create_dir_all(logs()).and_then(|()| {
        for entry in fs::read_dir(folder.join("logs"))? {
            let entry = entry?;
            fs::copy(entry.path(), logs().join(entry.file_name()))?;
        }
        Ok(())
    });
    if let Err(error) = copied {
        eprintln!("the logs of the whole node are lost: {error}");
    }
}
