//! The peak memory of a program, read when it is about to end.
//!
//! What `wait4` tells of a child includes the pages of the process that started it, which here is far larger than the
//! program. So a shell waits for a line, is traced from there, and becomes the program; its memory then is its own.

use std::{
    ffi::OsString,
    io::{Read as _, Write as _},
    path::Path,
    process::{Command, Stdio},
};

use nix::{
    sys::{
        ptrace::{self, Event, Options},
        wait::{WaitStatus, waitpid},
    },
    unistd::Pid,
};

/// The largest resident set of `program`, in KiB.
pub(crate) fn measure(
    program: &Path,
    environment: &[(&'static str, OsString)],
    stdin: &str,
) -> u64 {
    let mut child = Command::new("/bin/sh")
        .args(["-c", "read line; exec \"$0\""])
        .arg(program)
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell can be executed");
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process id is a small number"));
    ptrace::seize(pid, Options::PTRACE_O_TRACEEXIT).expect("a process traces its child");
    let mut pipe = child.stdin.take().expect("standard input is piped");
    // `read` of a shell takes byte by byte, so that the rest is the program's.
    pipe.write_all(format!("go\n{stdin}").as_bytes())
        .expect("the shell reads");
    drop(pipe);
    let mut peak = 0;
    loop {
        match waitpid(pid, None).expect("it is our child") {
            WaitStatus::PtraceEvent(_, _, event) if event == Event::PTRACE_EVENT_EXIT as i32 => {
                peak = high_water_mark(pid);
                ptrace::cont(pid, None).expect("it is stopped");
            }
            WaitStatus::Stopped(_, signal) => ptrace::cont(pid, signal).expect("it is stopped"),
            WaitStatus::Exited(..) | WaitStatus::Signaled(..) => break,
            _ => ptrace::cont(pid, None).expect("it is stopped"),
        }
    }
    let mut printed = String::new();
    let _ = child
        .stdout
        .take()
        .expect("standard output is piped")
        .read_to_string(&mut printed);
    // It was waited for above, as a traced process; this only tells its handle so.
    let _ = child.wait();
    peak
}

fn high_water_mark(pid: Pid) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap_or_default();
    line.trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap_or_default()
}
