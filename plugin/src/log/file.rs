//! The log file, which any number of processes write at once.
//!
//! Whoever writes a line holds the file's lock for that moment and looks whether the file is still the one of that name.
//! So whoever holds it may rename the file, and from then on no line goes to the old one: it can be compressed without
//! losing any.

use std::{
    fmt,
    fs::{self, DirBuilder, File, Metadata, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use rustix::{
    fs::{FlockOperation, OFlags, flock},
    io::Errno,
};

use super::{LogOptions, rotation};

/// How long a line waits for others, all in all. A lock is held for microseconds; one that is held for longer belongs to
/// somebody who does not know what it is for, and a pod does not wait for him.
const PATIENCE: Duration = Duration::from_millis(200);

/// How long between two looks.
const LOOK: Duration = Duration::from_micros(200);

/// What is wrong with the log file.
#[derive(Debug)]
pub(super) enum Trouble {
    /// A line is lost.
    Write(io::Error),
    /// The line is written, the file grows beyond its size.
    Rotate(io::Error),
    /// There are more backups, or older ones, than there should be, or they are not compressed.
    TidyUp(io::Error),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write(problem) => write!(
                f,
                "it cannot be written, and lines are lost: {problem}; check logFile, its folder and the space left"
            ),
            Self::Rotate(problem) => write!(
                f,
                "it cannot be rotated, and grows beyond logOptions.maxSize: {problem}; its folder must be writable"
            ),
            Self::TidyUp(problem) => write!(
                f,
                "its backups cannot be removed or compressed: {problem}; its folder must be writable"
            ),
        }
    }
}

/// A log file. It is opened for its first line.
#[derive(Debug)]
pub(super) struct LogFile<'a> {
    path: &'a Path,
    options: &'a LogOptions,
    open: Mutex<Option<File>>,
    /// No more waiting: somebody keeps the lock.
    waited: AtomicBool,
    /// No more rotating: it does not work.
    cannot_rotate: AtomicBool,
    /// The files that were rotated away were in this folder, under this name.
    rotated: Mutex<Option<PathBuf>>,
}

/// Where a line may go.
enum Place {
    /// The file is held and has this many bytes.
    Held(u64),
    /// Somebody else holds the file and does not let go.
    Kept,
    /// The file has another name by now.
    Moved,
}

impl<'a> LogFile<'a> {
    pub(super) const fn new(path: &'a Path, options: &'a LogOptions) -> Self {
        Self {
            path,
            options,
            open: Mutex::new(None),
            waited: AtomicBool::new(false),
            cannot_rotate: AtomicBool::new(false),
            rotated: Mutex::new(None),
        }
    }

    /// Writes one line, to a new file if this one would become too large.
    pub(super) fn append(&self, line: &[u8], now: SystemTime) -> Result<(), Trouble> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let patience = if self.waited.load(Ordering::Relaxed) {
            Duration::ZERO
        } else {
            PATIENCE
        };
        let until = Instant::now() + patience;
        let mut trouble = Ok(());
        loop {
            let file = match open.take() {
                Some(file) => file,
                None => open_or_make(self.path).map_err(Trouble::Write)?,
            };
            let place = self.hold(&file, until).map_err(Trouble::Write)?;
            let size = match place {
                Place::Moved => continue,
                Place::Kept => {
                    self.waited.store(true, Ordering::Relaxed);
                    None
                }
                Place::Held(size) => Some(size),
            };
            if size.is_some_and(|size| self.is_full(size, line)) {
                match rotation::rotate(self.path, &file, now) {
                    Ok(real) => {
                        *self.rotated.lock().unwrap_or_else(PoisonError::into_inner) = Some(real);
                        continue;
                    }
                    Err(problem) => {
                        self.cannot_rotate.store(true, Ordering::Relaxed);
                        trouble = Err(Trouble::Rotate(problem));
                    }
                }
            }
            write(&file, line, size).map_err(Trouble::Write)?;
            *open = Some(file);
            return trouble;
        }
    }

    fn is_full(&self, size: u64, line: &[u8]) -> bool {
        let after = size.saturating_add(line.len() as u64);
        size > 0 && after > self.options.max_bytes && !self.cannot_rotate.load(Ordering::Relaxed)
    }

    /// Holds the file until it is let go of or closed.
    fn hold(&self, file: &File, until: Instant) -> io::Result<Place> {
        loop {
            let is_held = match flock(file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => true,
                Err(Errno::WOULDBLOCK | Errno::INTR) => false,
                // Not every file system has locks. Then lines are still whole, as the system appends each at once.
                Err(_) => return Ok(Place::Kept),
            };
            let metadata = file.metadata()?;
            let is_late = Instant::now() >= until;
            if !is_of_name(&metadata, self.path) && !is_late {
                return Ok(Place::Moved);
            }
            if is_held {
                return Ok(Place::Held(metadata.len()));
            }
            if is_late {
                return Ok(Place::Kept);
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Does what is to be done after a rotation: removes backups, and has `compress` start with the others. Whatever is left
    /// undone, because this process was killed before, is done after the next rotation.
    pub(super) fn tidy_up(
        &self,
        now: SystemTime,
        compress: impl FnOnce(&Path) -> io::Result<()>,
    ) -> Result<(), Trouble> {
        let mut rotated = self.rotated.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(real) = rotated.take() else {
            return Ok(());
        };
        rotation::prune(&real, self.options, now).map_err(Trouble::TidyUp)?;
        if self.options.compress {
            compress(&real).map_err(Trouble::TidyUp)?;
        }
        Ok(())
    }
}

/// Opens the file for appending, and makes it, and its folder, where they are missing.
fn open_or_make(path: &Path) -> io::Result<File> {
    let open = || {
        OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            // A pipe without a reader would hold the pod up.
            .custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed())
            .open(path)
    };
    let file = match open() {
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => {
            if let Some(folder) = path.parent() {
                DirBuilder::new().recursive(true).create(folder)?;
            }
            open()
        }
        opened => opened,
    }?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is no regular file",
        ))
    }
}

fn is_of_name(own: &Metadata, path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|there| there.ino() == own.ino() && there.dev() == own.dev())
}

/// Writes the line as one, or not at all where that can be had: `size` is the file's, if it is held.
fn write(mut file: &File, line: &[u8], size: Option<u64>) -> io::Result<()> {
    let written = file.write_all(line);
    if let Some(size) = size {
        if written.is_err() {
            // On a full disk half a line would spoil the next one too.
            let _ = file.set_len(size);
        }
        // Closing it would do the same.
        let _ = flock(file, FlockOperation::Unlock);
    }
    written
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
