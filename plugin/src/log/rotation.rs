//! Putting a full log file aside, and removing those that were put aside long ago.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown},
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{
    LogOptions,
    backup::{self, Backup, Form},
};

/// Puts the log file aside and makes a new one with its mode and owner. The caller holds it: `held` is the file of that name.
///
/// Gives back the file's real path: a link to it stays where it is.
pub(super) fn rotate(path: &Path, held: &File, now: SystemTime) -> io::Result<PathBuf> {
    let real = fs::canonicalize(path)?;
    fs::rename(&real, backup::free_path(&real, now))?;
    // If this fails the next line makes it, with our own mode and owner, or says why it cannot.
    let _ = make_alike(&real, held);
    Ok(real)
}

fn make_alike(real: &Path, old: &File) -> io::Result<()> {
    let old = old.metadata()?;
    let new = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(real)?;
    let made = new.metadata()?;
    if (made.uid(), made.gid()) != (old.uid(), old.gid()) {
        fchown(&new, Some(old.uid()), Some(old.gid()))?;
    }
    new.set_permissions(old.permissions())
}

/// Removes the backups that are too many or too old.
pub(super) fn prune(log: &Path, options: &LogOptions, now: SystemTime) -> io::Result<()> {
    for path in superfluous(backup::list(log)?, options, now) {
        match fs::remove_file(path) {
            // Somebody else was faster.
            Err(problem) if problem.kind() == io::ErrorKind::NotFound => {}
            done => done?,
        }
    }
    Ok(())
}

/// The files of the backups that are too many or too old, and what is left of backups that were never compressed to the end.
fn superfluous(backups: Vec<Backup>, options: &LogOptions, now: SystemTime) -> Vec<PathBuf> {
    let mut of_time: BTreeMap<SystemTime, Vec<Backup>> = BTreeMap::new();
    for backup in backups {
        of_time.entry(backup.time).or_default().push(backup);
    }
    let mut kept = 0;
    let mut superfluous = Vec::new();
    for (time, files) in of_time.into_iter().rev() {
        let is_whole = files.iter().any(|file| file.form != Form::Unfinished);
        // What comes from the future is young.
        let age = now.duration_since(time).unwrap_or_default();
        let is_kept = is_whole
            && options.max_age.is_none_or(|max| age <= max)
            && options.max_backups.is_none_or(|max| kept < max);
        if is_kept {
            kept += 1;
        } else {
            superfluous.extend(files.into_iter().map(|file| file.path));
        }
    }
    superfluous
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn too_many_too_old_never_whole() {
        use Form::{Compressed, Plain, Unfinished};
        let day = Duration::from_secs(86_400);
        let now = SystemTime::UNIX_EPOCH + 100 * day;
        let there = [
            (0, vec![Plain]),
            (1, vec![Plain, Compressed, Unfinished]),
            (2, vec![Unfinished]),
            (3, vec![Plain, Unfinished]),
            (5, vec![Compressed]),
            (6, vec![Compressed]),
        ];
        let backups: Vec<Backup> = there
            .iter()
            .flat_map(|(days, forms)| {
                forms.iter().map(move |form| {
                    let (time, form) = (now - *days * day, *form);
                    let path = PathBuf::from(format!("{days}{form:?}"));
                    Backup { time, form, path }
                })
            })
            .collect();
        for (max_age, max_backups, gone) in [
            (None, None, "2Unfinished"),
            (Some(5), None, "2Unfinished 6Compressed"),
            (None, Some(4), "2Unfinished 6Compressed"),
            (
                None,
                Some(2),
                "2Unfinished 3Plain 3Unfinished 5Compressed 6Compressed",
            ),
            (
                Some(0),
                Some(9),
                "1Plain 1Compressed 1Unfinished 2Unfinished 3Plain 3Unfinished 5Compressed 6Compressed",
            ),
        ] {
            let options = LogOptions {
                max_age: max_age.map(|days: u32| days * day),
                max_backups,
                ..LogOptions::default()
            };
            let paths = superfluous(backups.clone(), &options, now);
            let found: Vec<_> = paths.iter().map(|path| path.to_string_lossy()).collect();
            assert_eq!(found.join(" "), gone);
        }
    }
}
