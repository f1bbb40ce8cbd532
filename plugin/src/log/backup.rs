//! The names of backups, which are those of the library that Multus rotates with: `multus-2026-07-01T08-15-30.042.log`, with
//! `.gz` when compressed. So either finds the other's.

use std::{
    ffi::{OsStr, OsString},
    fs, io,
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::line::rfc3339;

/// What a backup is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    /// Lines.
    Plain,
    /// gzip, whole.
    Compressed,
    /// gzip that is being written, or whose writer was killed.
    Unfinished,
}

impl Form {
    const ALL: [Self; 3] = [Self::Plain, Self::Compressed, Self::Unfinished];

    const fn suffix(self) -> &'static [u8] {
        match self {
            Self::Plain => b"",
            Self::Compressed => b".gz",
            Self::Unfinished => b".gz.new",
        }
    }
}

/// One file of one backup.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Backup {
    /// When the log file was rotated away, in milliseconds.
    pub(super) time: SystemTime,
    /// What it is in.
    pub(super) form: Form,
    /// Where it is.
    pub(super) path: PathBuf,
}

/// How long a time is in a name.
const TIME: usize = "2026-07-01T08-15-30.042".len();

/// The parts of the log file's name: before the last dot, and from there on.
fn parts(log: &Path) -> (&[u8], &[u8]) {
    let name = log.file_name().unwrap_or_default().as_bytes();
    let dot = name.iter().rposition(|byte| *byte == b'.');
    name.split_at(dot.unwrap_or(name.len()))
}

/// The file of the backup of `log` that is made at `time`.
pub(super) fn path(log: &Path, time: SystemTime, form: Form) -> PathBuf {
    let (stem, extension) = parts(log);
    let time = rfc3339(time).to_string().replace(':', "-");
    let time = time.trim_end_matches('Z').as_bytes();
    let name = [stem, b"-", time, extension, form.suffix()].concat();
    log.with_file_name(OsString::from_vec(name))
}

/// What `name` is to `log`, if it is a backup.
fn read(log: &Path, name: &OsStr) -> Option<(SystemTime, Form)> {
    let (stem, extension) = parts(log);
    let rest = name.as_bytes().strip_prefix(stem)?.strip_prefix(b"-")?;
    let (time, rest) = rest.split_at_checked(TIME)?;
    let suffix = rest.strip_prefix(extension)?;
    let form = Form::ALL.into_iter().find(|form| form.suffix() == suffix)?;
    let mut time = str::from_utf8(time).ok()?.to_owned();
    for colon in [13, 16] {
        if time.get(colon..=colon)? != "-" {
            return None;
        }
        time.replace_range(colon..=colon, ":");
    }
    let time = humantime::parse_rfc3339_weak(&time).ok()?;
    // Of several ways to write a time one is ours.
    (path(log, time, form).file_name() == Some(name)).then_some((time, form))
}

/// Every file of every backup of `log`, the oldest first.
pub(super) fn list(log: &Path) -> io::Result<Vec<Backup>> {
    let mut backups = Vec::new();
    for entry in fs::read_dir(folder(log))? {
        let name = entry?.file_name();
        if let Some((time, form)) = read(log, &name) {
            backups.push(Backup {
                time,
                form,
                path: log.with_file_name(name),
            });
        }
    }
    backups.sort();
    Ok(backups)
}

/// The folder of a file.
fn folder(log: &Path) -> &Path {
    match log.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    }
}

/// The name of a backup that does not exist yet: the time is put off for as long as somebody else has it.
pub(super) fn free_path(log: &Path, time: SystemTime) -> PathBuf {
    // Before the first date names would all be the same.
    let mut time = time.max(SystemTime::UNIX_EPOCH);
    loop {
        let is_taken = Form::ALL
            .into_iter()
            .any(|form| path(log, time, form).symlink_metadata().is_ok());
        if !is_taken {
            return path(log, time, Form::Plain);
        }
        time += Duration::from_millis(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
    }

    #[test]
    fn names() {
        let time = at(1_782_893_730_042);
        for (log, form, backup) in [
            (
                "/l/multus.log",
                Form::Plain,
                "/l/multus-2026-07-01T08-15-30.042.log",
            ),
            (
                "/l/multus.log",
                Form::Compressed,
                "/l/multus-2026-07-01T08-15-30.042.log.gz",
            ),
            (
                "/l/a.b.c",
                Form::Unfinished,
                "/l/a.b-2026-07-01T08-15-30.042.c.gz.new",
            ),
            (
                "multus",
                Form::Compressed,
                "multus-2026-07-01T08-15-30.042.gz",
            ),
            ("/l/.log", Form::Plain, "/l/-2026-07-01T08-15-30.042.log"),
        ] {
            let (log, backup) = (Path::new(log), Path::new(backup));
            assert_eq!(path(log, time, form), backup);
            assert_eq!(read(log, backup.file_name().unwrap()), Some((time, form)));
        }
    }

    #[test]
    fn what_is_no_backup() {
        for name in [
            "multus.log",
            "multus-.log",
            "multus-2026-07-01T08-15-30.042",
            "multus-2026-07-01T08-15-30.log",
            "multus-2026-07-01T08:15:30.042.log",
            "multus-2026-07-01 08-15-30.042.log",
            "multus-2026-13-01T08-15-30.042.log",
            "multus-2026-07-01T08-15-30.042.log.gz.gz",
            "multus-2026-07-01T08-15-30.042.log.bz2",
            "multus-2026-07-01T08-15-3é.04.log",
            "other-2026-07-01T08-15-30.042.log",
            "multus-x-2026-07-01T08-15-30.042.log",
        ] {
            assert_eq!(
                read(Path::new("/l/multus.log"), OsStr::new(name)),
                None,
                "{name}"
            );
        }
    }

    #[test]
    fn two_in_one_millisecond() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("a.log");
        fs::write(path(&log, at(5), Form::Compressed), "").unwrap();
        fs::write(path(&log, at(6), Form::Plain), "").unwrap();
        assert_eq!(free_path(&log, at(5)), path(&log, at(7), Form::Plain));
        let found: Vec<_> = list(&log)
            .unwrap()
            .into_iter()
            .map(|b| (b.time, b.form))
            .collect();
        assert_eq!(found, [(at(5), Form::Compressed), (at(6), Form::Plain)]);
    }

    proptest::proptest! {
        #[test]
        fn any_name_and_any_time(name in "[^/\0]{0,40}", millis in 0_u64..253_402_300_799_000) {
            let log = Path::new("/l/multus.log");
            let _ = read(log, OsStr::new(&name));
            let backup = path(log, at(millis), Form::Plain);
            proptest::prop_assert_eq!(read(log, backup.file_name().unwrap()), Some((at(millis), Form::Plain)));
        }
    }
}
