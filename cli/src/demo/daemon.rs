//! A program that runs beside the demo: started, waited for until it is ready, and ended.
//!
//! Its log goes to a file of the temporary folder. It is ended by its pid, also when the demo fails.

use std::{
    env,
    fs::File,
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::deadline::{wait_for, wait_through};

/// From start to the line that says "ready"; a debug build on a busy machine needs some.
const READY: Duration = Duration::from_secs(30);

/// From SIGTERM to SIGKILL.
const GRACE: Duration = Duration::from_secs(5);

/// A running daemon.
pub(super) struct Daemon {
    name: &'static str,
    child: Child,
    lines: Receiver<String>,
    log: PathBuf,
}

impl Daemon {
    /// Starts `command`, with its log in `log`, in a process group of its own: Ctrl-C on a terminal is for the demo.
    pub(super) fn start(name: &'static str, command: &mut Command, log: &Path) -> Result<Self> {
        let log_file =
            File::create(log).with_context(|| format!("cannot create {}", log.display()))?;
        // What the user's shell sets for daemons of this name must not change what the demo shows.
        for (variable, _) in env::vars_os() {
            if variable.to_string_lossy().starts_with("POLYPOD_") {
                command.env_remove(variable);
            }
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log_file)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let stdout = child.stdout.take().expect("stdout was piped above");
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // Nobody listens any more, but the daemon must not block on a full pipe.
                let _unread = sender.send(line);
            }
        });
        Ok(Self {
            name,
            child,
            lines,
            log: log.to_owned(),
        })
    }

    /// Waits for the line `<word> <value>` on its standard output and gives the value.
    pub(super) fn announcement(&mut self, word: &str) -> Result<String> {
        let (name, log) = (self.name, self.log.display().to_string());
        wait_for(&format!("the line '{word} …' of {name}"), READY, || {
            // Lines first: what a daemon says before it ends counts.
            while let Ok(line) = self.lines.try_recv() {
                if let Some(value) = line.strip_prefix(word).map(str::trim) {
                    return Ok(Some(value.to_owned()));
                }
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("{name} ended before it was ready ({status}); its log is {log}");
            }
            Ok(None)
        })
    }

    /// Asks it to end, and makes it end when it does not.
    pub(super) fn stop(&mut self) -> Result<ExitStatus> {
        if let Some(status) = self.child.try_wait()? {
            return Ok(status);
        }
        let pid = i32::try_from(self.child.id()).context("a pid is positive and fits an i32")?;
        kill(Pid::from_raw(pid), Signal::SIGTERM)
            .with_context(|| format!("cannot send SIGTERM to {}", self.name))?;
        let what = format!("{} to end after SIGTERM", self.name);
        let graceful = wait_through(&what, GRACE, || Ok(self.child.try_wait()?));
        graceful.or_else(|_| {
            self.child.kill()?;
            Ok(self.child.wait()?)
        })
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // On the failure's way out there is nobody left to tell.
        let _ended = self.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, folder: &Path) -> Daemon {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Daemon::start("sh", &mut command, &folder.join("log")).unwrap()
    }

    #[test]
    fn announces_and_stops() {
        let folder = tempfile::tempdir().unwrap();
        let mut daemon = shell(
            "echo starting; echo serving unix:///x; exec sleep 60",
            folder.path(),
        );
        assert_eq!(daemon.announcement("serving").unwrap(), "unix:///x");
        assert!(!daemon.stop().unwrap().success());
    }

    #[test]
    fn a_daemon_that_ends_early_is_told_with_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let error = shell("exit 3", folder.path())
            .announcement("serving")
            .unwrap_err();
        assert!(error.to_string().contains("exit status: 3"), "{error}");
        assert!(error.to_string().contains("log"), "{error}");
    }
}
