//! Executes a program as a runtime executes a plugin: configuration in by one pipe, result out by another.

use std::{
    io::{Read as _, Write as _},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Variables of the environment.
pub(crate) type Environment = [(&'static str, String)];

/// The variables of a call about one sandbox. Its namespace is the one this runs in: it is real, and nothing is changed in it.
pub(crate) fn environment(verb: &'static str) -> Vec<(&'static str, String)> {
    [
        ("CNI_COMMAND", verb),
        ("CNI_CONTAINERID", "bench"),
        ("CNI_NETNS", "/proc/self/ns/net"),
        ("CNI_IFNAME", "bench0"),
        (
            "CNI_ARGS",
            "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=bench;K8S_POD_UID=u",
        ),
        ("CNI_PATH", "/opt/cni/bin"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into()
}

/// Executes a program to its end, and gives back how long that took.
pub(crate) fn execute(program: &Path, environment: &Environment, stdin: &str) -> Duration {
    let begin = Instant::now();
    let mut child = Command::new(program)
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{} cannot be executed: {error}", program.display()));
    let mut pipe = child.stdin.take().expect("standard input is piped");
    // The floors end without reading.
    let _ = pipe.write_all(stdin.as_bytes());
    drop(pipe);
    let mut printed = Vec::new();
    child
        .stdout
        .take()
        .expect("standard output is piped")
        .read_to_end(&mut printed)
        .expect("a pipe can be read");
    let status = child.wait().expect("it is our child");
    let time = begin.elapsed();
    assert!(
        status.success(),
        "{}: {}",
        program.display(),
        String::from_utf8_lossy(&printed)
    );
    time
}
