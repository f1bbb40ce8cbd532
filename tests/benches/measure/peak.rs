//! The peak memory of a program, read when it is about to end.
//!
//! What `wait4` tells of a child includes the pages of the process that started it, which here is far larger than the
//! program. So it is read of a process that a shell has become.

use std::path::Path;

use nix::{
    sys::{
        ptrace::{self, Event, Options},
        wait::WaitStatus,
    },
    unistd::Pid,
};

use super::{execute::Environment, followed::follow};

/// The largest resident set of `program`, in KiB.
pub(crate) fn measure(program: &Path, environment: &Environment, stdin: &str) -> u64 {
    let mut peak = 0;
    follow(
        program,
        environment,
        stdin,
        Options::PTRACE_O_TRACEEXIT,
        ptrace::cont,
        |pid, status| {
            if let WaitStatus::PtraceEvent(_, _, event) = status
                && *event == Event::PTRACE_EVENT_EXIT as i32
            {
                peak = peak.max(high_water_mark(pid));
            }
        },
    );
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
