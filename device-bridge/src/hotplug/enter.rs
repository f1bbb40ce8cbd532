//! Becoming a program in the namespaces of another process, and finding that program there.
//!
//! This is a process of its own and not a thread of the agent: only a process with one thread may change its mount
//! namespace.

use std::{
    fs::{self, File},
    io,
    os::{fd::AsFd as _, unix::process::CommandExt as _},
    path::{Path, PathBuf},
    process::Command,
};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::args::EnterArgs;

/// Why the program is not executed.
#[derive(Debug, thiserror::Error)]
pub enum EnterError {
    /// A namespace cannot be joined.
    #[error(
        "cannot join the {namespace} namespace of process {pid}: {source}; the agent needs hostPID and the capabilities SYS_ADMIN, SYS_CHROOT and SYS_PTRACE"
    )]
    Join {
        /// Its kind.
        namespace: &'static str,
        /// The process.
        pid: u32,
        /// What the system says.
        source: io::Error,
    },
    /// It cannot be executed there.
    #[error("cannot execute {program} in the namespaces of process {pid}: {source}")]
    Exec {
        /// The program.
        program: String,
        /// The process.
        pid: u32,
        /// What the system says.
        source: io::Error,
    },
}

impl EnterArgs {
    /// Joins and becomes the program. Comes back only with an error.
    #[must_use]
    pub fn become_program(&self) -> EnterError {
        let Self { pid, program } = self;
        let pid = *pid;
        let join = |namespace, source| EnterError::Join {
            namespace,
            pid,
            source,
        };
        let wanted = [
            ("network", "net", LinkNameSpaceType::Network),
            ("mount", "mnt", LinkNameSpaceType::Mount),
        ];
        // All are opened first: in another mount namespace there may be another /proc.
        let mut opened = Vec::new();
        for (name, file, kind) in wanted {
            match File::open(format!("/proc/{pid}/ns/{file}")) {
                Ok(file) => opened.push((name, file, kind)),
                Err(error) => return join(name, error),
            }
        }
        for (name, file, kind) in opened {
            if let Err(error) = move_into_link_name_space(file.as_fd(), Some(kind)) {
                return join(name, error.into());
            }
        }
        EnterError::Exec {
            program: program.display().to_string(),
            pid,
            source: Command::new(program).exec(),
        }
    }
}

/// Says at the start what would fail, or do nothing, at every request.
pub fn look_at(host: u32) {
    let mounts = |process: &str| fs::read_link(format!("/proc/{process}/ns/mnt"));
    match (mounts(&host.to_string()), mounts("self")) {
        (Ok(theirs), Ok(own)) if theirs == own => {
            tracing::warn!(
                host,
                "The process of --host-pid has the mounts that this one has: without hostPID it is no process of the host"
            );
        }
        (Err(error), _) | (_, Err(error)) => {
            tracing::error!(host, %error, "The namespaces of the process of --host-pid cannot be seen");
        }
        (Ok(_), Ok(_)) => {}
    }
}

/// The first `polypod` in `folders`, as the process `host` sees them, or as this one does.
#[must_use]
pub fn find(host: Option<u32>, folders: &[String]) -> Option<PathBuf> {
    let root = host.map_or_else(
        || PathBuf::from("/"),
        |pid| PathBuf::from(format!("/proc/{pid}/root")),
    );
    folders
        .iter()
        .map(|folder| Path::new(folder).join("polypod"))
        .filter(|program| program.is_absolute())
        .find(|program| {
            let inside = program.strip_prefix("/").unwrap_or(program);
            // A link is taken for what it leads to there: followed from here it would lead to somewhere else.
            fs::symlink_metadata(root.join(inside)).is_ok_and(|found| !found.is_dir())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        fs::create_dir_all(folder.path().join("a/polypod")).unwrap();
        fs::create_dir(folder.path().join("b")).unwrap();
        std::os::unix::fs::symlink("/elsewhere", folder.path().join("b/polypod")).unwrap();
        let folders = ["relative".to_owned(), path("none"), path("a"), path("b")];
        let own = std::process::id();
        for host in [None, Some(own)] {
            assert_eq!(
                find(host, &folders),
                Some(folder.path().join("b/polypod")),
                "{host:?}"
            );
        }
        assert_eq!(find(None, &folders[..3]), None);
    }
}
