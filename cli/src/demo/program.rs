//! Runs a program to its end: input in, output out, and not longer than it may.

use std::{
    io::{ErrorKind, Read, Write},
    os::unix::process::CommandExt,
    process::{Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use anyhow::{Context, Result};

use super::deadline::wait_through;

/// After a program has ended, a grandchild may hold its output open; this is how long the demo reads on.
const DRAIN: Duration = Duration::from_secs(2);

/// What a program left.
pub(super) struct Ended {
    /// How it ended.
    pub(super) status: ExitStatus,
    /// What it printed.
    pub(super) stdout: String,
    /// What it complained about.
    pub(super) stderr: String,
}

/// Runs `command` with `input` on its standard input and kills it after `limit`.
///
/// It has a process group of its own: Ctrl-C on a terminal is for the demo, which lets a plugin finish what it began.
pub(super) fn run(command: &mut Command, input: &str, limit: Duration) -> Result<Ended> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .with_context(|| format!("cannot execute {name}"))?;
    let stdout = collect(child.stdout.take().expect("stdout was piped above"));
    let stderr = collect(child.stderr.take().expect("stderr was piped above"));
    let written = child
        .stdin
        .take()
        .expect("stdin was piped above")
        .write_all(input.as_bytes());
    let waited = wait_through(&format!("the end of {name}"), limit, || {
        Ok(child.try_wait()?)
    });
    let status = match waited {
        Ok(status) => status,
        Err(error) => {
            let _already_gone = child.kill();
            let _reaped = child.wait();
            return Err(error);
        }
    };
    // A program that needs no input may end without reading it.
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
    {
        return Err(error).with_context(|| format!("cannot write to {name}"));
    }
    Ok(Ended {
        status,
        stdout: stdout.recv_timeout(DRAIN).unwrap_or_default(),
        stderr: stderr.recv_timeout(DRAIN).unwrap_or_default(),
    })
}

fn collect(mut from: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _what_came = from.read_to_end(&mut bytes);
        let _nobody_waits = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_output_and_limit() {
        let ended = run(
            Command::new("cat").arg("-"),
            "text",
            Duration::from_secs(10),
        )
        .unwrap();
        assert_eq!(
            (ended.status.success(), ended.stdout.as_str()),
            (true, "text")
        );
        let silent = run(&mut Command::new("true"), "unread", Duration::from_secs(10)).unwrap();
        assert!(silent.status.success());
        let error = run(Command::new("sleep").arg("60"), "", Duration::ZERO);
        assert!(
            error
                .err()
                .unwrap()
                .to_string()
                .contains("the end of sleep")
        );
    }
}
