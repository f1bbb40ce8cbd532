//! Small files that others read and write too: read within bounds, replaced whole or not at all.
//!
//! Nothing here calls fsync. What must outlive a power cut is in the sandbox record; these files say again, for others,
//! what it says.

use std::{
    fs::{self, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use rustix::fs::OFlags;

/// What the file at `path` holds; `None` where there is none.
///
/// # Errors
/// What the system says; it is no ordinary file; it holds more than `limit` bytes.
pub fn read(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let file = OpenOptions::new()
        .read(true)
        // Opening a pipe would wait for a writer.
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(path);
    let file = match file {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no ordinary file"));
    }
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::other(format!(
            "it holds more than {limit} bytes"
        )));
    }
    Ok(Some(bytes))
}

/// Gives `path` the content `bytes` and the permissions `mode`, whatever was there before. `temporary` is written first and
/// is renamed, so that nobody reads half a file; it must be on the same file system.
///
/// # Errors
/// What the system says. What was at `path` is still there, and `temporary` is not.
pub fn replace(temporary: &Path, path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    // A killed process may have left one, and it need not be writable.
    remove(temporary)?;
    let written = write_new(temporary, bytes, mode).and_then(|()| fs::rename(temporary, path));
    if written.is_err() {
        // The error that counts is the first one; whoever removes the sandbox's files removes this one too.
        let _ = fs::remove_file(temporary);
    }
    written
}

/// Removes a file that need not be there.
///
/// # Errors
/// What the system says.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)?;
    // The process's umask has no say in what readers of the file rely on.
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaced_and_read() {
        let folder = tempfile::tempdir().unwrap();
        let (temporary, path) = (folder.path().join(".new"), folder.path().join("file"));
        assert_eq!(read(&path, 9).unwrap(), None);
        for content in ["one", "other"] {
            fs::write(&temporary, "left over").unwrap();
            replace(&temporary, &path, content.as_bytes(), 0o444).unwrap();
            assert_eq!(read(&path, 9).unwrap().unwrap(), content.as_bytes());
            assert_eq!(
                fs::metadata(&path).unwrap().permissions().mode() & 0o777,
                0o444
            );
            assert!(!temporary.exists());
        }
        assert!(read(&path, 4).unwrap_err().to_string().contains("4 bytes"));
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn no_ordinary_file() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path(), 9).is_err());
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            0o600.into(),
            0,
        )
        .unwrap();
        let error = read(&pipe, 9).unwrap_err();
        assert!(error.to_string().contains("no ordinary file"), "{error}");
        // A folder in the way is told of and left alone.
        let (temporary, path) = (folder.path().join(".new"), folder.path().join("folder"));
        fs::create_dir_all(path.join("full")).unwrap();
        assert!(replace(&temporary, &path, b"x", 0o600).is_err());
        assert!(!temporary.exists());
        assert!(remove(&path).is_err());
    }
}
