//! The servers that are asked: processes of this bench, and a peer that runs already.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use nix::unistd::{SysconfVar, sysconf};

use crate::review;

/// A server.
pub(crate) struct Server {
    pub(crate) name: String,
    /// How many networks it knows; none where it does not ask for any.
    pub(crate) networks: Option<usize>,
    pub(crate) url: String,
    /// The file with the CA that it proves itself with.
    pub(crate) ca: PathBuf,
    /// With its standard output, which stays open as long as it may be written to.
    child: Option<(Child, BufReader<ChildStdout>)>,
}

impl Server {
    pub(crate) fn floor(program: &Path, folder: &Path) -> Self {
        let ca = folder.join("floor.crt");
        let mut command = Command::new(program);
        command.arg(&ca);
        Self::start("the floor".to_owned(), None, command, ca)
    }

    pub(crate) fn webhook(program: &Path, folder: &Path, networks: usize) -> Self {
        let objects = folder.join(networks.to_string());
        review::write_networks(&objects, networks);
        let ca = folder.join(format!("{networks}.crt"));
        let mut command = Command::new(program);
        command
            .args(["--listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0"])
            .arg("--objects")
            .arg(objects)
            .arg("--cert-out")
            .arg(&ca);
        let name = format!("polypod-webhook, {networks} networks");
        Self::start(name, Some(networks), command, ca)
    }

    pub(crate) fn peer(url: &str, ca: PathBuf) -> Self {
        Self {
            name: format!("peer {url}"),
            networks: None,
            url: url.to_owned(),
            ca,
            child: None,
        }
    }

    fn start(name: String, networks: Option<usize>, mut command: Command, ca: PathBuf) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            // As an operator runs it: with a log, that somebody takes.
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{name} cannot be executed: {error}"));
        let mut stdout = BufReader::new(child.stdout.take().expect("standard output is piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a pipe can be read");
        let address = line
            .trim_end()
            .strip_prefix("serving ")
            .unwrap_or_else(|| panic!("{name} ended before it served"));
        Self {
            name,
            networks,
            url: format!("{address}/mutate?timeout=10s"),
            ca,
            child: Some((child, stdout)),
        }
    }

    /// The processor time that its process has taken.
    pub(crate) fn cpu(&self) -> Duration {
        let Some(stat) = self.read("stat") else {
            return Duration::ZERO;
        };
        // Behind the name, which may have blanks in it, utime and stime are the 12th and 13th.
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let ticks: u64 = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse::<u64>().ok())
            .sum();
        let a_second = sysconf(SysconfVar::CLK_TCK).ok().flatten().unwrap_or(100);
        Duration::from_secs_f64(ticks as f64 / a_second as f64)
    }

    /// The largest resident set of its process, in MiB.
    pub(crate) fn peak_rss(&self) -> Option<f64> {
        let status = self.read("status")?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kib: f64 = line.trim().trim_end_matches(" kB").parse().ok()?;
        Some(kib / 1024.0)
    }

    fn read(&self, file: &str) -> Option<String> {
        let pid = self.child.as_ref()?.0.id();
        fs::read_to_string(format!("/proc/{pid}/{file}")).ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some((child, _)) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
