//! Files that are there whole or not at all: a temporary file beside them, fsync, rename, fsync of the folder.

use std::{
    ffi::OsStr,
    fs::{self, File, Permissions},
    io::{self, BufRead as _, BufReader, Read},
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::Path,
    time::{Duration, SystemTime},
};

/// The ending of temporary files. No runtime reads files that end so, and no plugin has such a name.
const TEMPORARY: &str = ".polypod-new";

/// How old a temporary file must be to be one that a killed process has left: nobody writes a file for longer.
const LEFT_OVER: Duration = Duration::from_secs(60);

/// Whether something had to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// It was there already, to the byte and with these permissions.
    Same,
    /// It was written.
    Written,
}

/// Writes `text` to `path`, unless it is there.
///
/// # Errors
/// What the system says. Then `path` is as it was.
pub fn write(path: &Path, text: &[u8], mode: u32) -> io::Result<Placed> {
    place(path, mode, || Ok(text))
}

/// Copies the file `source` to `path`, unless it is there. What executes `path` goes on executing what it was.
///
/// # Errors
/// What the system says. Then `path` is as it was.
pub fn copy(source: &Path, path: &Path, mode: u32) -> io::Result<Placed> {
    place(path, mode, || open_file(source))
}

fn place<R: Read>(
    path: &Path,
    mode: u32,
    content: impl Fn() -> io::Result<R>,
) -> io::Result<Placed> {
    if is_same(path, mode, content()?)? {
        return Ok(Placed::Same);
    }
    let (folder, name) = parts(path)?;
    let mut temporary = tempfile::Builder::new()
        .prefix(&prefix(name))
        .suffix(TEMPORARY)
        .tempfile_in(folder)?;
    io::copy(&mut content()?, &mut temporary)?;
    let file = temporary.as_file();
    file.set_permissions(Permissions::from_mode(mode))?;
    file.sync_all()?;
    // Closed first: who executes a file that is open for writing is told that it is busy.
    let temporary = temporary.into_temp_path();
    temporary.persist(path).map_err(|error| error.error)?;
    sync(folder)?;
    Ok(Placed::Written)
}

/// Renames within one folder, or between two of one file system.
///
/// # Errors
/// What the system says.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync(parts(to)?.0)
}

/// Removes a file; one that is gone is removed.
///
/// # Errors
/// What the system says.
pub fn remove(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => sync(parts(path)?.0).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes temporary files of `path` that a killed process has left behind.
///
/// # Errors
/// The folder cannot be read.
pub fn clean(path: &Path, now: SystemTime) -> io::Result<usize> {
    let (folder, name) = parts(path)?;
    let prefix = prefix(name);
    let mut removed = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_temporary = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(&prefix) && name.ends_with(TEMPORARY));
        let age = entry
            .metadata()
            .and_then(|about| about.modified())
            .map(|modified| now.duration_since(modified).unwrap_or_default());
        // One that somebody else has removed or renamed meanwhile was not left behind.
        if is_temporary
            && age.is_ok_and(|age| age >= LEFT_OVER)
            && fs::remove_file(entry.path()).is_ok()
        {
            removed += 1;
        }
    }
    Ok(removed)
}

/// Makes a folder for root alone. Those above it are made as others make them: they are not ours.
///
/// # Errors
/// What the system says.
pub fn make_private_folder(folder: &Path) -> io::Result<()> {
    if let Some(above) = folder.parent() {
        fs::create_dir_all(above)?;
    }
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        done => done,
    }
}

/// Whether two files have the same content. A file that is not there has none.
///
/// # Errors
/// What the system says.
pub fn are_same(one: &Path, other: &Path) -> io::Result<bool> {
    let (one, other) = match (open_file(one), open_file(other)) {
        (Ok(one), Ok(other)) => (one, other),
        (Err(error), _) | (_, Err(error)) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(false);
        }
        (Err(error), _) | (_, Err(error)) => return Err(error),
    };
    equal(one, other)
}

/// Whether a file has these bytes somewhere. A file that is not there has none.
///
/// # Errors
/// What the system says.
pub fn contains(path: &Path, wanted: &[u8]) -> io::Result<bool> {
    const BLOCK: u64 = 64 * 1024;
    let mut file = match open_file(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let mut window = Vec::new();
    loop {
        // The end of what was looked at stays: the bytes may begin in it.
        window.drain(..window.len().saturating_sub(wanted.len()));
        if file.by_ref().take(BLOCK).read_to_end(&mut window)? == 0 {
            return Ok(wanted.is_empty());
        }
        if window
            .windows(wanted.len().max(1))
            .any(|part| part == wanted)
        {
            return Ok(true);
        }
    }
}

fn is_same(path: &Path, mode: u32, content: impl Read) -> io::Result<bool> {
    let about = match fs::symlink_metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    // A symbolic link is replaced: what it points to belongs to somebody else.
    if !about.is_file() || about.permissions().mode() & 0o7777 != mode {
        return Ok(false);
    }
    equal(File::open(path)?, content)
}

fn equal(one: impl Read, other: impl Read) -> io::Result<bool> {
    const BLOCK: usize = 64 * 1024;
    let (mut one, mut other) = (
        BufReader::with_capacity(BLOCK, one),
        BufReader::with_capacity(BLOCK, other),
    );
    loop {
        let (left, right) = (one.fill_buf()?, other.fill_buf()?);
        let length = left.len().min(right.len());
        if length == 0 {
            return Ok(left.is_empty() && right.is_empty());
        }
        if left[..length] != right[..length] {
            return Ok(false);
        }
        one.consume(length);
        other.consume(length);
    }
}

/// Nothing but a plain file is read: a pipe would wait for somebody to write.
fn open_file(path: &Path) -> io::Result<File> {
    if fs::metadata(path)?.is_file() {
        File::open(path)
    } else {
        Err(io::Error::other("it is no file"))
    }
}

fn parts(path: &Path) -> io::Result<(&Path, &OsStr)> {
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) => Ok((folder, name)),
        (None, _) | (_, None) => Err(io::Error::other("it is no path of a file")),
    }
}

fn prefix(name: &OsStr) -> String {
    format!(".{}.", name.to_string_lossy())
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
#[path = "whole_file_tests.rs"]
mod tests;
