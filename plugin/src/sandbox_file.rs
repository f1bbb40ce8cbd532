//! The file of a sandbox: written whole before the first effect, appended to, and the lock of the sandbox.
//!
//! The file is made under a temporary name, locked, filled, forced to the disk and renamed; whoever has it open keeps the
//! lock. Delegates inherit it. So when a runtime kills this plugin in the middle of ADD and then asks for DEL, DEL waits for
//! the end of the delegate that was being executed instead of undoing what is still to be done.
//!
//! There are two locks on the file: one that delegates inherit (`flock`), and one that is the process's own (`fcntl`). Whoever
//! finds the first one taken and the second one free has not to do with another plugin but with what one has left behind: a
//! delegate, which is waited for as long as one may take and then killed, or a daemon that a delegate has started, which is
//! not waited for.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    os::{
        fd::OwnedFd,
        unix::fs::{DirBuilderExt as _, MetadataExt as _},
    },
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rustix::{
    fs::{FlockOperation, Mode, OFlags, fcntl_lock, flock, open},
    io::Errno,
};
use spec::{
    cni::ContainerId,
    record::{self, EXTENSION, FOLDER, Record},
};

use crate::{error::Error, orphan};

/// How often a lock is tried that somebody holds.
const LOOK: Duration = Duration::from_millis(20);

/// How long a lock is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How long a delegate may take: what holds on to a file that has not changed for longer is a daemon.
    pub delegate: Duration,
    /// Until when another plugin, or its last delegate, is waited for.
    pub until: Instant,
}

/// What there is of a sandbox.
#[derive(Debug)]
pub enum Opened {
    /// No file.
    Nothing,
    /// None any more: somebody else removed it while it was waited for.
    Gone,
    /// Its file, which is locked as [`SandboxFile::is_locked`] says.
    File(SandboxFile),
}

/// How often it is looked up who holds a lock: every process of the node is looked at.
const LOOK_UP: Duration = Duration::from_secs(1);

/// The sandboxes of a node: a folder below `cniDir`, where Multus keeps its files.
#[derive(Clone, Debug)]
pub struct Sandboxes {
    folder: PathBuf,
}

/// The file of one sandbox, locked until it is dropped.
#[derive(Debug)]
pub struct SandboxFile {
    file: File,
    path: PathBuf,
    folder: PathBuf,
    is_locked: bool,
}

impl Sandboxes {
    /// The sandboxes below `cni_dir`.
    #[must_use]
    pub fn new(cni_dir: &Path) -> Self {
        Self {
            folder: cni_dir.join(FOLDER),
        }
    }

    /// Where the record of a sandbox is.
    #[must_use]
    pub fn path(&self, container_id: &ContainerId) -> PathBuf {
        self.folder.join(format!("{container_id}.{EXTENSION}"))
    }

    /// Checks that a sandbox has no record.
    ///
    /// # Errors
    /// It has one.
    pub fn check_is_new(&self, container_id: &ContainerId) -> Result<(), Error> {
        let path = self.path(container_id);
        match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(failed("read", path, error)),
            Ok(_) => Err(Error::AlreadyAttached {
                container: container_id.to_string(),
                path,
            }),
        }
    }

    /// Writes the intent of an ADD: a temporary file, fsync, rename, fsync of the folder. The file stays locked.
    ///
    /// # Errors
    /// The sandbox has a record, or what the system says. Then no record of this call is left.
    pub fn begin(&self, record: &Record, patience: Patience) -> Result<SandboxFile, Error> {
        let path = self.path(&record.container_id);
        let temporary = temporary(&path);
        let written = |error| failed("written", path.clone(), error);
        self.make_folder().map_err(written)?;
        let mut file = loop {
            let flags = OFlags::RDWR | OFlags::CREATE | OFlags::APPEND;
            // Not closed at exec, so that delegates hold the lock too.
            let file = open(&temporary, flags, Mode::RUSR | Mode::WUSR)
                .map_err(|error| written(error.into()))?;
            let file = File::from(file);
            if !lock(&file, patience).map_err(written)? {
                return Err(Error::Busy {
                    container: record.container_id.to_string(),
                });
            }
            if is_at(&file, &temporary) {
                break file;
            }
        };
        // Another ADD of this sandbox may have come first while this one waited.
        if let Err(error) = self.check_is_new(&record.container_id) {
            let _ = fs::remove_file(&temporary);
            return Err(error);
        }
        let mut write = || {
            file.set_len(0)?;
            file.write_all(record::intent(record).as_bytes())?;
            file.sync_all()?;
            fs::rename(&temporary, &path)?;
            File::open(&self.folder)?.sync_all()
        };
        if let Err(error) = write() {
            // What is not whole helps nobody; if it cannot be removed either, DEL does so.
            let _ = fs::remove_file(&temporary);
            let _ = fs::remove_file(&path);
            return Err(written(error));
        }
        Ok(SandboxFile {
            file,
            folder: self.folder.clone(),
            path,
            is_locked: true,
        })
    }

    /// Opens and locks the file of a sandbox, if it has one. What an ADD left that was killed before its first effect is
    /// removed.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(&self, container_id: &ContainerId, patience: Patience) -> Result<Opened, Error> {
        let path = self.path(container_id);
        let mut none = Opened::Nothing;
        let temporary = temporary(&path);
        let failed = |error| failed("opened", path.clone(), error);
        loop {
            let (found, file) = match open_there(&path).map_err(failed)? {
                Some(file) => (&path, file),
                None => match open_there(&temporary).map_err(failed)? {
                    Some(file) => (&temporary, file),
                    None => return Ok(none),
                },
            };
            let file = File::from(file);
            let is_locked = lock(&file, patience).map_err(failed)?;
            if !is_at(&file, found) {
                none = Opened::Gone;
                continue;
            }
            if *found == path {
                if is_locked {
                    // A rewriting that was cut short left this beside it.
                    remove(&temporary).map_err(failed)?;
                }
                return Ok(Opened::File(SandboxFile {
                    file,
                    folder: self.folder.clone(),
                    path,
                    is_locked,
                }));
            }
            if !is_locked {
                return Err(Error::Busy {
                    container: container_id.to_string(),
                });
            }
            remove(&temporary).map_err(failed)?;
        }
    }

    /// The sandboxes that have a file, in the order of their ids.
    ///
    /// # Errors
    /// The folder cannot be read; a folder that is not there has none.
    pub fn list(&self) -> Result<Vec<ContainerId>, Error> {
        let failed = |error| failed("listed", self.folder.clone(), error);
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut ids = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            let Some(name) = name.to_str() else { continue };
            let id = name
                .strip_suffix(".json.new")
                .or_else(|| name.strip_suffix(".json"));
            ids.extend(id.and_then(|id| id.parse::<ContainerId>().ok()));
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    fn make_folder(&self) -> io::Result<()> {
        if self.folder.is_dir() {
            return Ok(());
        }
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)?;
        // Without this a power cut could take the folder, and the first record with it.
        match self.folder.parent() {
            Some(parent) => File::open(parent)?.sync_all(),
            None => Ok(()),
        }
    }
}

impl SandboxFile {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the lock was got. Without it another plugin, or a delegate of one, is at work.
    #[must_use]
    pub const fn is_locked(&self) -> bool {
        self.is_locked
    }

    /// The record.
    ///
    /// # Errors
    /// It is torn or of another release: that is never taken for "nothing was attached". In words.
    pub fn read(&mut self) -> Result<Record, String> {
        let mut bytes = Vec::new();
        self.file
            .read_to_end(&mut bytes)
            .map_err(|error| error.to_string())?;
        // A line that was cut within a letter is no text; its checksum tells it from the others.
        record::parse(&String::from_utf8_lossy(&bytes))
    }

    /// Takes the result of an attachment down. It is not forced to the disk: it matters as long as the pod's network
    /// namespace lives, which a power cut ends, and DEL does without it.
    ///
    /// # Errors
    /// What the system says; the intent stands.
    pub fn attached(&mut self, index: usize, result: &str) -> Result<(), Error> {
        self.file
            .write_all(record::attached(index, result).as_bytes())
            .map_err(|error| failed("appended to", self.path.clone(), error))
    }

    /// Puts another record in the place of this one, when an undoing could not undo everything.
    ///
    /// # Errors
    /// What the system says; the record that was there before is still there.
    pub fn replace(&self, record: &Record) -> Result<(), Error> {
        let temporary = temporary(&self.path);
        let write = || {
            let mut file = File::create(&temporary)?;
            file.write_all(record::intent(record).as_bytes())?;
            file.sync_all()?;
            fs::rename(&temporary, &self.path)?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(|error| {
            let _ = fs::remove_file(&temporary);
            failed("written", self.path.clone(), error)
        })
    }

    /// Removes the record: nothing of the sandbox is left.
    ///
    /// # Errors
    /// What the system says.
    pub fn remove(self) -> Result<(), Error> {
        remove(&self.path).map_err(|error| failed("removed", self.path.clone(), error))
    }
}

/// One name per sandbox: what a killed process left is taken up by the next, or removed by DEL.
fn temporary(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

fn open_there(path: &Path) -> io::Result<Option<OwnedFd>> {
    match open(path, OFlags::RDWR | OFlags::APPEND, Mode::empty()) {
        Ok(file) => Ok(Some(file)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Takes both locks; `false` when somebody was at work until the end of `patience`.
fn lock(file: &File, patience: Patience) -> io::Result<bool> {
    const TRY: FlockOperation = FlockOperation::NonBlockingLockExclusive;
    let is_taken = |tried| match tried {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK | Errno::ACCESS) => Ok(false),
        Err(error) => Err(io::Error::from(error)),
    };
    let mut looked_up: Option<Instant> = None;
    loop {
        let is_inherited_by_nobody = is_taken(flock(file, TRY))?;
        let is_no_other_process = is_taken(fcntl_lock(file, TRY))?;
        if is_inherited_by_nobody && is_no_other_process {
            return Ok(true);
        }
        if is_no_other_process && looked_up.is_none_or(|at| at.elapsed() >= LOOK_UP) {
            if !is_at_work(file, patience.delegate) {
                return Ok(true);
            }
            looked_up = Some(Instant::now());
        }
        if is_inherited_by_nobody {
            // Another process is about to give both back, or came just before.
            is_taken(flock(file, FlockOperation::Unlock))?;
        }
        if Instant::now() >= patience.until {
            return Ok(false);
        }
        std::thread::sleep(LOOK);
    }
}

/// Whether a delegate of a plugin that is gone still works on the sandbox. One that has had its time is killed. Where it
/// cannot be seen who holds the file, it is taken for a delegate as long as one may take.
fn is_at_work(file: &File, delegate: Duration) -> bool {
    let is_late = is_old(file, delegate);
    match orphan::holders(file) {
        None => !is_late,
        Some(groups) if groups.is_empty() => false,
        Some(groups) => {
            if is_late {
                orphan::kill(&groups);
            }
            true
        }
    }
}

/// Whether a file has not changed for longer than `span`.
fn is_old(file: &File, span: Duration) -> bool {
    let changed = file.metadata().and_then(|metadata| metadata.modified());
    changed.is_ok_and(|changed| changed.elapsed().is_ok_and(|elapsed| elapsed > span))
}

/// Whoever held the lock before may have renamed or removed the file: then this lock is one of nothing.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(own), Ok(there)) => own.ino() == there.ino() && own.dev() == there.dev(),
        (Ok(_) | Err(_), Ok(_) | Err(_)) => false,
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn failed(attempted: &'static str, path: PathBuf, problem: impl ToString) -> Error {
    Error::Record {
        attempted,
        path,
        problem: problem.to_string(),
    }
}

#[cfg(test)]
#[path = "sandbox_file_tests.rs"]
mod tests;
