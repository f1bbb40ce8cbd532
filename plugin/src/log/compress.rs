//! Compressing backups, in a process of its own: a pod does not wait for a hundred megabytes.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::{
        fs::{MetadataExt as _, OpenOptionsExt as _},
        process::CommandExt as _,
    },
    path::Path,
    process::{Command, Stdio},
};

use flate2::{Compression, write::GzEncoder};
use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use super::backup::{self, Backup, Form};

/// The argument with which the plugin executes itself: `polypod --compress-log FILE`.
pub const COMPRESS: &str = "--compress-log";

/// Ourselves, even if the executable has been replaced meanwhile.
const SELF: &str = "/proc/self/exe";

/// The least urgent of all.
const NICE: i32 = 19;

/// Starts a process that compresses the backups of `log`, and does not wait for it.
pub(super) fn start(log: &Path) -> io::Result<()> {
    Command::new(SELF)
        .arg0("polypod")
        .arg(COMPRESS)
        .arg(log)
        // The runtime reads our outputs to their ends.
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map(drop)
}

/// Compresses every backup of the log file `log` that is not yet, at the lowest priority: what [`COMPRESS`] asks for.
///
/// Wherever it is killed, a backup is whole, as lines or compressed, and the next one takes up the rest.
///
/// # Errors
/// What the system says. Nobody is there to hear it but whoever calls this by hand.
pub fn compress(log: &Path) -> io::Result<()> {
    // Urgent work is done as well as this.
    let _ = rustix::process::nice(NICE);
    for backup in backup::list(log)? {
        if backup.form == Form::Plain {
            compress_one(log, &backup)?;
        }
    }
    Ok(())
}

fn compress_one(log: &Path, backup: &Backup) -> io::Result<()> {
    let mut source = match File::open(&backup.path) {
        // Another one was faster, or it is pruned.
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    match flock(&source, FlockOperation::NonBlockingLockExclusive) {
        // Another one is at it.
        Err(Errno::WOULDBLOCK) => return Ok(()),
        locked => locked?,
    }
    let metadata = source.metadata()?;
    if metadata.nlink() == 0 || !metadata.is_file() {
        return Ok(());
    }
    let unfinished = backup::path(log, backup.time, Form::Unfinished);
    // What a killed one has left. Mostly there is none; if it cannot be removed, making ours says so.
    let _ = fs::remove_file(&unfinished);
    let written = write(&mut source, &unfinished, metadata.mode());
    let was_pruned = !backup.path.exists();
    if written.is_err() || was_pruned {
        let _ = fs::remove_file(&unfinished);
        return written;
    }
    fs::rename(
        &unfinished,
        backup::path(log, backup.time, Form::Compressed),
    )?;
    fs::remove_file(&backup.path)
}

/// Writes the whole of `source`, and has the disk take it before the original is removed.
fn write(source: &mut File, path: &Path, mode: u32) -> io::Result<()> {
    let new = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode & 0o777)
        .open(path)?;
    let mut encoder = GzEncoder::new(new, Compression::default());
    io::copy(source, &mut encoder)?;
    encoder.finish()?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::{
        io::Read as _,
        os::unix::fs::PermissionsExt as _,
        time::{Duration, SystemTime},
    };

    use super::*;

    fn unpack(path: &Path) -> String {
        let mut text = String::new();
        flate2::read::GzDecoder::new(File::open(path).unwrap())
            .read_to_string(&mut text)
            .unwrap();
        text
    }

    #[test]
    fn every_backup_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("a.log");
        let path = |seconds, form| {
            backup::path(
                &log,
                SystemTime::UNIX_EPOCH + Duration::from_secs(seconds),
                form,
            )
        };
        let text = "line\n".repeat(100_000);
        fs::write(&log, "now").unwrap();
        fs::write(path(1, Form::Plain), &text).unwrap();
        fs::set_permissions(path(1, Form::Plain), fs::Permissions::from_mode(0o640)).unwrap();
        // Whoever was at this one was killed in the middle, and after the rename.
        fs::write(path(2, Form::Plain), "two").unwrap();
        fs::write(path(2, Form::Unfinished), "half").unwrap();
        fs::write(path(2, Form::Compressed), "whole").unwrap();
        // Somebody is at this one.
        fs::write(path(3, Form::Plain), "three").unwrap();
        let busy = File::open(path(3, Form::Plain)).unwrap();
        flock(&busy, FlockOperation::LockExclusive).unwrap();

        compress(&log).unwrap();

        assert_eq!(unpack(&path(1, Form::Compressed)), text);
        assert_eq!(unpack(&path(2, Form::Compressed)), "two");
        let metadata = fs::metadata(path(1, Form::Compressed)).unwrap();
        assert_eq!(metadata.mode() & 0o777, 0o640);
        assert!(metadata.len() < 10_000);
        let left: Vec<_> = backup::list(&log)
            .unwrap()
            .into_iter()
            .map(|backup| backup.path)
            .collect();
        assert_eq!(
            left,
            [
                path(1, Form::Compressed),
                path(2, Form::Compressed),
                path(3, Form::Plain)
            ]
        );
        assert_eq!(fs::read_to_string(&log).unwrap(), "now");
    }
}
