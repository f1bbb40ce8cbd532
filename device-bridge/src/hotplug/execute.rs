//! Executes the plugin: text in, text out, within a time, and with a bound on what it prints.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, copy, sink},
    process::{Child, Command},
    time::timeout,
};

/// More than any result has; what comes after it is not kept, so that a babbling program cannot fill memory.
const KEPT_OUTPUT: u64 = 1 << 20;
const KEPT_COMPLAINT: u64 = 16 << 10;

/// How much of a complaint a client is shown.
const SHOWN: usize = 500;

/// How long the output of a program that has ended is waited for: somebody it left behind may hold the other end.
const LINGER: Duration = Duration::from_secs(1);

/// Where delegates look for programs such as iptables, where the agent's own `PATH` is that of a container.
const HOST_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How the plugin is executed.
#[derive(Clone, Debug)]
pub struct Executor {
    /// The process whose namespaces it is executed in; none for this one's.
    pub host_pid: Option<u32>,
    /// How long it may take.
    pub timeout: Duration,
}

/// What it did.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Whether it succeeded.
    pub success: bool,
    /// How it ended, in words.
    pub status: String,
    /// What it printed.
    pub stdout: Vec<u8>,
    /// What it complained of.
    pub stderr: Vec<u8>,
}

/// Why there is no [`Finished`].
#[derive(Debug, thiserror::Error)]
pub enum Unfinished {
    /// It could not be executed.
    #[error("{} cannot be executed: {source}", program.display())]
    Exec {
        /// The plugin.
        program: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It was killed.
    #[error(
        "polypod did not end within {} seconds and was killed; what it was doing is written down, and DEL takes it away",
        .0.as_secs()
    )]
    Hung(Duration),
}

impl Finished {
    /// The end of what it complained of, to be appended to a sentence.
    #[must_use]
    pub fn complaint(&self) -> String {
        let from = self.stderr.len().saturating_sub(SHOWN);
        let text = String::from_utf8_lossy(&self.stderr[from..]);
        let words: Vec<&str> = text.split_whitespace().collect();
        if words.is_empty() {
            String::new()
        } else {
            format!(": {}", words.join(" "))
        }
    }
}

impl Executor {
    /// Executes `program` with this environment and no other variable but `PATH`.
    ///
    /// # Errors
    /// It could not be executed, or was killed at the end of its time.
    pub async fn execute(
        &self,
        program: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
        stdin: Vec<u8>,
    ) -> Result<Finished, Unfinished> {
        let failed = |source| Unfinished::Exec {
            program: program.to_owned(),
            source,
        };
        let mut child = self
            .command(program)
            .envs(environment)
            .spawn()
            .map_err(failed)?;
        match timeout(self.timeout, talk(&mut child, stdin)).await {
            Ok(talked) => talked.map_err(failed),
            Err(_) => {
                kill(&child);
                // Killed as it is, it ends at once.
                let _ended = timeout(LINGER, child.wait()).await;
                Err(Unfinished::Hung(self.timeout))
            }
        }
    }

    fn command(&self, program: &Path) -> Command {
        let (mut command, path) = match self.host_pid {
            None => {
                let own = std::env::var_os("PATH");
                (
                    Command::new(program),
                    own.unwrap_or_else(|| HOST_PATH.into()),
                )
            }
            Some(pid) => {
                let mut command = Command::new("/proc/self/exe");
                let pid = pid.to_string();
                command
                    .args(["enter", "--pid", pid.as_str(), "--"])
                    .arg(program);
                (command, OsString::from(HOST_PATH))
            }
        };
        command
            .env_clear()
            .env("PATH", path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        command
    }
}

async fn talk(child: &mut Child, stdin: Vec<u8>) -> io::Result<Finished> {
    let (pipe, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let write = async {
        if let Some(mut pipe) = pipe {
            // One that fails early need not read its configuration.
            let _written = pipe.write_all(&stdin).await;
        }
    };
    let (mut printed, mut complaint) = (Vec::new(), Vec::new());
    let read = async {
        tokio::join!(
            keep(stdout, KEPT_OUTPUT, &mut printed),
            keep(stderr, KEPT_COMPLAINT, &mut complaint)
        )
    };
    let status = {
        let work = async { tokio::join!(write, read) };
        tokio::pin!(work);
        tokio::select! {
            _ = &mut work => child.wait().await?,
            status = child.wait() => {
                let _rest = timeout(LINGER, work).await;
                status?
            }
        }
    };
    Ok(Finished {
        success: status.success(),
        status: status.to_string(),
        stdout: printed,
        stderr: complaint,
    })
}

/// Keeps the beginning, and reads the rest so that who writes it need not wait.
async fn keep(pipe: Option<impl AsyncRead + Unpin>, limit: u64, into: &mut Vec<u8>) {
    if let Some(mut pipe) = pipe {
        let _kept = (&mut pipe).take(limit).read_to_end(into).await;
        let _rest = copy(&mut pipe, &mut sink()).await;
    }
}

/// The plugin and who else is of its group. Delegates are of groups of their own: the record's lock is theirs until they
/// end, and the plugin's next verb waits for them or ends them.
fn kill(child: &Child) {
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
    if let Some(pid) = pid.and_then(Pid::from_raw)
        && let Err(error) = kill_process_group(pid, Signal::KILL)
    {
        tracing::warn!(%error, "A hung plugin cannot be killed");
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    async fn sh(script: &str, stdin: &[u8], timeout: Duration) -> Result<Finished, Unfinished> {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("polypod");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let executor = Executor {
            host_pid: None,
            timeout,
        };
        // Another test's child may hold the script open for writing for an instant.
        loop {
            let environment = [("CNI_COMMAND".to_owned(), "ADD".to_owned())];
            match executor
                .execute(&program, environment, stdin.to_vec())
                .await
            {
                Err(Unfinished::Exec { source, .. })
                    if source.kind() == io::ErrorKind::ExecutableFileBusy => {}
                done => return done,
            }
        }
    }

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn what_goes_in_and_comes_out() {
        let done = sh("cat; echo bad >&2; env >&2; exit 3", b"{}", LONG)
            .await
            .unwrap();
        assert!(!done.success);
        assert_eq!(done.stdout, b"{}");
        let complaint = String::from_utf8(done.stderr).unwrap();
        assert!(complaint.contains("CNI_COMMAND=ADD"), "{complaint}");
        assert!(!complaint.contains("CARGO"), "{complaint}");
    }

    #[tokio::test]
    async fn a_flood_is_cut_and_a_daemon_not_waited_for() {
        let done = sh("head -c 3000000 /dev/zero; sleep 20 &", b"", LONG)
            .await
            .unwrap();
        assert!(done.success);
        assert_eq!(done.stdout.len() as u64, KEPT_OUTPUT);
    }

    #[tokio::test]
    async fn who_hangs_is_killed_with_its_group() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let script = format!("sleep 300 & echo $! > {}; wait", file.display());
        let mut patience = Duration::from_millis(250);
        // On a busy machine it is killed before it has come so far.
        let pid = loop {
            patience *= 2;
            let hung = sh(&script, b"", patience).await;
            assert!(matches!(hung, Err(Unfinished::Hung(_))), "{hung:?}");
            match fs::read_to_string(&file) {
                Ok(pid) if pid.ends_with('\n') => break pid,
                found => assert!(patience < LONG, "{found:?}"),
            }
        };
        let stat = format!("/proc/{}/stat", pid.trim());
        for _ in 0..6000 {
            // An orphan whose new parent does not wait for it stays as a zombie.
            if fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z ")) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("process {pid} lives on");
    }

    #[tokio::test]
    async fn what_is_not_there() {
        let executor = Executor {
            host_pid: None,
            timeout: LONG,
        };
        let done = executor
            .execute(Path::new("/does/not/exist"), [], Vec::new())
            .await;
        assert!(matches!(done, Err(Unfinished::Exec { .. })));
    }
}
