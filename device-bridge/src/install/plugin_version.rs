//! Which version the installed plugin is: it says so itself.

use std::{
    io::{self, Read as _},
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use super::programs::PLUGIN;

/// How long it may take; it prints a line.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often it is looked whether it has ended.
const GLANCE: Duration = Duration::from_millis(5);

/// What is read of what it prints, in bytes.
const READ: u64 = 256;

/// The longest version that is one, in bytes, as the schema of NodeInventory has it.
const LONGEST: usize = 64;

/// Asks the plugin at `path`. Nothing where it is not there, does not end in time, or says something else.
#[must_use]
pub fn ask(path: &Path) -> Option<String> {
    match printed(path) {
        Ok(text) => parse(&text),
        Err(error) => {
            tracing::debug!(%error, path = %path.display(), "The plugin does not say its version");
            None
        }
    }
}

/// The version in `polypod 0.1.0`.
fn parse(text: &str) -> Option<String> {
    let version = text.strip_prefix(PLUGIN)?.strip_prefix(' ')?.trim_end();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".+-".contains(&byte);
    let is_version =
        !version.is_empty() && version.len() <= LONGEST && version.bytes().all(is_plain);
    is_version.then(|| version.to_owned())
}

fn printed(path: &Path) -> io::Result<String> {
    let until = Instant::now() + PATIENCE;
    let mut child = start(path, until)?;
    let ended = loop {
        match child.try_wait() {
            Ok(None) if Instant::now() < until => sleep(GLANCE),
            Ok(None) => break Err(io::ErrorKind::TimedOut.into()),
            Ok(Some(status)) if status.success() => break Ok(()),
            Ok(Some(status)) => break Err(io::Error::other(status.to_string())),
            Err(error) => break Err(error),
        }
    };
    if ended.is_err() {
        // It may have ended by itself.
        let _ = child.kill();
        let _ = child.wait();
    }
    ended?;
    let mut text = String::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(READ).read_to_string(&mut text)?;
    }
    Ok(text)
}

/// Another thread that has just begun a process holds what was open, the file that was written a moment ago among it.
fn start(path: &Path, until: Instant) -> io::Result<Child> {
    loop {
        let started = Command::new(path)
            .arg("--version")
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        match started {
            Err(error)
                if error.kind() == io::ErrorKind::ExecutableFileBusy && Instant::now() < until =>
            {
                sleep(GLANCE);
            }
            started => return started,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[test]
    fn what_is_a_version() {
        for (text, wanted) in [
            ("polypod 0.1.0\n", Some("0.1.0")),
            ("polypod 1.2.3-rc.1+b7", Some("1.2.3-rc.1+b7")),
            ("polypod \n", None),
            ("polypod 0.1.0 and more\n", None),
            ("polypod-device-bridge 0.1.0\n", None),
            ("{\"code\":4}", None),
            ("", None),
        ] {
            assert_eq!(parse(text).as_deref(), wanted, "{text:?}");
        }
        assert_eq!(parse(&format!("polypod {}", "1".repeat(65))), None);
    }

    #[test]
    fn whatever_the_program_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("polypod");
        assert_eq!(ask(&path), None);
        for (script, wanted) in [
            (
                "[ \"$1\" = --version ] && echo polypod 7.0.0",
                Some("7.0.0"),
            ),
            ("echo polypod 7.0.0; exit 1", None),
            ("yes polypod", None),
            ("exec sleep 60", None),
        ] {
            let new = folder.path().join("new");
            fs::write(&new, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).unwrap();
            fs::rename(&new, &path).unwrap();
            assert_eq!(ask(&path).as_deref(), wanted, "{script}");
        }
    }
}
