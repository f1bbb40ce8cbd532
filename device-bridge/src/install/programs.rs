//! The executables in the runtime's folder of plugins.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{
    args::Alias,
    settings::Places,
    whole_file::{self, Placed},
};

/// The plugin's name.
pub const PLUGIN: &str = "polypod";

/// The name of the program that answers where no device-bridge does; the plugin looks for it beside itself.
pub const RESOLVER: &str = "polypod-device-bridge";

/// The ending of a program that had a name which we took.
pub const BACKUP: &str = ".polypod-backup";

/// What every plugin of ours has in it and nobody else's: its messages name the agent.
const MARK: &str = RESOLVER;

/// Everybody may execute a plugin, as with those that others install.
const MODE: u32 = 0o755;

/// An executable cannot be installed.
#[derive(Debug, thiserror::Error)]
#[error("cannot install {} as {}: {source}; check that the file is there and that the folder can be written (--plugin-binary, --cni-bin-dir, --host-root)", from.display(), to.display())]
pub struct ProgramError {
    from: PathBuf,
    to: PathBuf,
    source: io::Error,
}

/// What is installed from where.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The plugin's executable.
    pub plugin: PathBuf,
    /// The agent's, where the plugin may have to execute it.
    pub resolver: Option<PathBuf>,
    /// The plugin's other name.
    pub alias: Option<Alias>,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// An executable was written.
    Installed(PathBuf),
    /// Somebody else's program of that name is kept there.
    KeptForeign {
        /// What it is.
        program: PathBuf,
        /// Where it is now.
        backup: PathBuf,
    },
}

impl Programs {
    /// Installs what is not there yet.
    ///
    /// # Errors
    /// One cannot be installed. Those before it are.
    pub fn install(&self, places: &Places) -> Result<Vec<Done>, ProgramError> {
        let mut done = Vec::new();
        let installed = places.executable(PLUGIN);
        // Before the plugin itself, which tells whether what has that name is an older one of ours.
        if let Some(alias) = self.alias {
            let path = places.executable(alias.file_name());
            let backup = backup_of(&path);
            let error = |source| ProgramError {
                from: path.clone(),
                to: backup.clone(),
                source,
            };
            let is_foreign = path.exists()
                && !whole_file::are_same(&path, &self.plugin).map_err(error)?
                && !is_ours(&path, places).map_err(error)?;
            if is_foreign {
                copy(&path, &backup)?;
                done.push(Done::KeptForeign {
                    program: path.clone(),
                    backup,
                });
            }
            if copy(&self.plugin, &path)? == Placed::Written {
                done.push(Done::Installed(path));
            }
        }
        let others = self
            .resolver
            .iter()
            .map(|from| (from, places.executable(RESOLVER)));
        for (from, to) in others.chain([(&self.plugin, installed)]) {
            if copy(from, &to)? == Placed::Written {
                done.push(Done::Installed(to));
            }
        }
        Ok(done)
    }
}

/// Where a program is kept whose name was taken.
#[must_use]
pub fn backup_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(BACKUP);
    PathBuf::from(name)
}

/// Whether a program is the plugin: the one that is installed, or one of another release, which an installation that was cut
/// short leaves, or somebody who removed the plugin alone. A program that is not there is nobody's.
///
/// # Errors
/// What the system says.
pub fn is_ours(path: &Path, places: &Places) -> io::Result<bool> {
    Ok(whole_file::are_same(path, &places.executable(PLUGIN))?
        || whole_file::contains(path, MARK.as_bytes())?)
}

fn copy(from: &Path, to: &Path) -> Result<Placed, ProgramError> {
    whole_file::copy(from, to, MODE).map_err(|source| ProgramError {
        from: from.to_owned(),
        to: to.to_owned(),
        source,
    })
}

#[cfg(test)]
#[path = "programs_tests.rs"]
mod tests;
