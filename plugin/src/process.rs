//! Executes a program with a deadline: text in, text out, and nothing of its process group left running.

use std::{
    ffi::OsStr,
    io::{self, Seek as _, Write},
    os::fd::{AsFd, OwnedFd},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{MemfdFlags, memfd_create},
    process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open},
};

/// What a program did.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed on standard output.
    pub stdout: Vec<u8>,
    /// What it printed on standard error.
    pub stderr: Vec<u8>,
}

/// Why there is no [`Finished`].
#[derive(Debug)]
pub enum Unfinished {
    /// It could not be executed, or talking to it failed.
    Io(io::Error),
    /// It was killed at the deadline, and its process group with it.
    Hung,
}

/// More output than any result has; what comes after it is not kept, so that a babbling program cannot fill memory.
const KEPT: usize = 8 << 20;

/// How often a program is looked at where the kernel cannot tell of its end (before Linux 5.3).
const LOOK: Duration = Duration::from_millis(10);

/// How long the end of a killed program is waited for.
const DYING: Duration = Duration::from_secs(2);

/// How long, and how long apart, an executable is tried again that is just being replaced ("text file busy"). Large ones
/// are copied for seconds; libcni waits as long.
const BUSY: Duration = Duration::from_secs(5);
const BUSY_WAIT: Duration = Duration::from_millis(50);

/// Executes `program` with `stdin` and waits for its end, at most `deadline`. It inherits this process's environment, but for
/// variables that have another value in `environment`, or none.
///
/// The program must be a path: then it is started without copying this process, however large that is.
///
/// # Errors
/// It could not be executed or hung. A hung program is killed with its process group.
pub fn run<K: AsRef<OsStr>, V: AsRef<OsStr>>(
    program: &Path,
    arguments: &[&OsStr],
    environment: impl IntoIterator<Item = (K, Option<V>)>,
    stdin: &[u8],
    deadline: Duration,
) -> Result<Finished, Unfinished> {
    use std::os::unix::process::CommandExt as _;

    let until = Instant::now() + deadline;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    for (name, value) in environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let mut child = spawn(&mut command, until).map_err(Unfinished::Io)?;
    let finished = talk(&mut child, stdin, until);
    if finished.is_err() {
        kill(&mut child);
    }
    finished
}

/// Starts `program` with `stdin` and does not wait for its end.
///
/// # Errors
/// It could not be executed.
pub fn leave(program: &Path, arguments: &[&OsStr], stdin: &[u8]) -> io::Result<()> {
    use std::os::unix::process::CommandExt as _;

    // In memory and not through a pipe, which a program that does not read would leave full.
    let mut text = std::fs::File::from(memfd_create(c"stdin", MemfdFlags::CLOEXEC)?);
    text.write_all(stdin)?;
    text.rewind()?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(text)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0);
    spawn(&mut command, Instant::now() + BUSY).map(drop)
}

fn spawn(command: &mut Command, until: Instant) -> io::Result<Child> {
    let until = until.min(Instant::now() + BUSY);
    loop {
        match command.spawn() {
            Err(error)
                if error.kind() == io::ErrorKind::ExecutableFileBusy && Instant::now() < until =>
            {
                std::thread::sleep(BUSY_WAIT);
            }
            done => return done,
        }
    }
}

fn kill(child: &mut Child) {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It may have ended by itself in the meantime; then there is nothing to kill.
        let _ = kill_process_group(pid, Signal::KILL);
    }
    // One that hangs in the kernel does not die, and must not hold its caller.
    let until = Instant::now() + DYING;
    while matches!(child.try_wait(), Ok(None)) && Instant::now() < until {
        std::thread::sleep(LOOK);
    }
}

/// Writes and reads at once, so that neither side waits for the other with a full pipe. The end of the process is the end
/// of the talk: a daemon that it left behind may hold its pipes open for ever.
fn talk(child: &mut Child, mut stdin: &[u8], until: Instant) -> Result<Finished, Unfinished> {
    let mut to_child = child.stdin.take();
    let mut stdout = Stream::new(child.stdout.take().map(OwnedFd::from));
    let mut stderr = Stream::new(child.stderr.take().map(OwnedFd::from));
    if let Some(pipe) = &to_child {
        rustix::io::ioctl_fionbio(pipe, true)
            .map_err(io::Error::from)
            .map_err(Unfinished::Io)?;
    }
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let exit = pid.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
    loop {
        stdin = write_some(&mut to_child, stdin).map_err(Unfinished::Io)?;
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Unfinished::Hung);
        }
        let wait = if exit.is_some() { left } else { left.min(LOOK) };
        let mut fds: Vec<PollFd<'_>> = Vec::with_capacity(4);
        fds.extend(
            to_child
                .iter()
                .map(|pipe| PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::OUT)),
        );
        fds.extend(
            stdout
                .pipe
                .iter()
                .map(|pipe| PollFd::new(pipe, PollFlags::IN)),
        );
        fds.extend(
            stderr
                .pipe
                .iter()
                .map(|pipe| PollFd::new(pipe, PollFlags::IN)),
        );
        fds.extend(exit.iter().map(|fd| PollFd::new(fd, PollFlags::IN)));
        match poll(&mut fds, Timespec::try_from(wait).ok().as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(Unfinished::Io(error.into())),
        }
        let has_ended = exit.is_none() || fds.last().is_some_and(|fd| !fd.revents().is_empty());
        let status = if has_ended {
            child.try_wait().map_err(Unfinished::Io)?
        } else {
            None
        };
        // After its end there is all that it has printed.
        stdout.read_some().map_err(Unfinished::Io)?;
        stderr.read_some().map_err(Unfinished::Io)?;
        if let Some(status) = status {
            return Ok(Finished {
                status,
                stdout: stdout.kept,
                stderr: stderr.kept,
            });
        }
    }
}

/// Writes what the pipe takes, and closes it after the last byte: a plugin reads to the end. One that does not read its
/// configuration is free to.
fn write_some<'a>(
    pipe: &mut Option<std::process::ChildStdin>,
    mut text: &'a [u8],
) -> io::Result<&'a [u8]> {
    while let Some(open) = pipe {
        if text.is_empty() {
            *pipe = None;
            break;
        }
        match open.write(text) {
            Ok(count) => text = &text[count..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => *pipe = None,
            Err(error) => return Err(error),
        }
    }
    Ok(text)
}

/// One of the program's outputs.
struct Stream {
    pipe: Option<OwnedFd>,
    kept: Vec<u8>,
}

impl Stream {
    fn new(pipe: Option<OwnedFd>) -> Self {
        // A pipe that cannot be made non-blocking would be read to its end, which is still right, if slower to notice.
        if let Some(pipe) = &pipe {
            let _ = rustix::io::ioctl_fionbio(pipe, true);
        }
        Self {
            pipe,
            kept: Vec::new(),
        }
    }

    fn read_some(&mut self) -> io::Result<()> {
        let mut buffer = [0; 4096];
        while let Some(pipe) = &self.pipe {
            match rustix::io::read(pipe, &mut buffer) {
                Ok(0) => self.pipe = None,
                Ok(count) => {
                    let room = KEPT.saturating_sub(self.kept.len());
                    self.kept.extend_from_slice(&buffer[..count.min(room)]);
                }
                Err(rustix::io::Errno::AGAIN) => break,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, stdin: &[u8], deadline: Duration) -> Result<Finished, Unfinished> {
        run(
            Path::new("/bin/sh"),
            &["-c".as_ref(), script.as_ref()],
            [("WORD", Some("hello")), ("HOME", None)],
            stdin,
            deadline,
        )
    }

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn text_in_text_out() {
        let done = sh(
            "cat; echo $WORD${HOME-}; echo oops >&2; exit 3",
            b"in ",
            LONG,
        )
        .unwrap();
        assert_eq!(
            (done.stdout.as_slice(), done.stderr.as_slice()),
            (b"in hello\n".as_slice(), b"oops\n".as_slice())
        );
        assert_eq!(done.status.code(), Some(3));
    }

    #[test]
    fn full_pipes_do_not_block() {
        let large = vec![b'x'; 1 << 20];
        assert_eq!(sh("cat", &large, LONG).unwrap().stdout, large);
        assert!(sh("exit 0", &large, LONG).unwrap().status.success());
    }

    #[test]
    fn a_hung_program_is_killed_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let pid_file = folder.path().join("pid");
        let script = format!("sleep 300 & echo $! > {}; wait", pid_file.display());
        assert!(matches!(
            sh(&script, b"", Duration::from_millis(500)),
            Err(Unfinished::Hung)
        ));
        let pid: i32 = std::fs::read_to_string(pid_file)
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        let until = Instant::now() + LONG;
        while alive(pid) {
            assert!(Instant::now() < until, "{pid} still runs");
            std::thread::yield_now();
        }
    }

    /// A zombie waits for its new parent and does nothing more.
    fn alive(pid: i32) -> bool {
        std::fs::read_to_string(format!("/proc/{pid}/stat"))
            .is_ok_and(|stat| !stat.contains(") Z "))
    }

    #[test]
    fn a_daemon_left_behind_does_not_hold_the_result_back() {
        let done = sh("sleep 3 & echo done", b"", LONG).unwrap();
        assert_eq!(done.stdout, b"done\n");
    }

    #[test]
    fn a_missing_program_is_an_error() {
        let none: [(&str, Option<&str>); 0] = [];
        assert!(matches!(
            run(Path::new("/does/not/exist"), &[], none, b"", LONG),
            Err(Unfinished::Io(_))
        ));
    }
}
