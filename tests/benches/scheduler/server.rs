//! The servers that are asked: processes of this bench.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

/// A server.
pub(crate) struct Server {
    pub(crate) authority: String,
    /// The file with the CA that it proves itself with.
    pub(crate) ca: PathBuf,
    child: Child,
    /// Stays open as long as it may be written to.
    _stdout: BufReader<ChildStdout>,
}

impl Server {
    pub(crate) fn floor(program: &Path, folder: &Path) -> Self {
        let ca = folder.join("floor.crt");
        let mut command = Command::new(program);
        command.arg(&ca);
        Self::start(command, ca)
    }

    pub(crate) fn webhook(program: &Path, folder: &Path, objects: &Path) -> Self {
        let ca = folder.join("webhook.crt");
        let mut command = Command::new(program);
        command
            .args(["--listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0"])
            .arg("--scheduler-extender")
            // The files say nothing new in the minutes that all takes.
            .args(["--scheduler-stale-after", "1h"])
            .arg("--objects")
            .arg(objects)
            .arg("--cert-out")
            .arg(&ca);
        Self::start(command, ca)
    }

    fn start(mut command: Command, ca: PathBuf) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            // As an operator runs it: with a log, that somebody takes.
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} cannot be executed: {error}"));
        let mut stdout = BufReader::new(child.stdout.take().expect("standard output is piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a pipe can be read");
        let authority = line
            .trim_end()
            .strip_prefix("serving https://")
            .unwrap_or_else(|| panic!("{command:?} ended before it served"))
            .to_owned();
        Self {
            authority,
            ca,
            child,
            _stdout: stdout,
        }
    }

    /// The largest resident set of its process, in MiB.
    pub(crate) fn peak_rss(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))
            .expect("it runs, and the kernel tells");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .expect("every process has a peak");
        let kib: f64 = line
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .expect("a number");
        kib / 1024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
