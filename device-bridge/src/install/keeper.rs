//! Keeps a node installed: looks, decides by [`plan`], carries out, tells.

use std::{
    collections::BTreeSet,
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use serde_json::{Map, Value};
use tokio::sync::watch;

use super::{
    args::Alias,
    conf_folder::{self, ASIDE, ConfFolder},
    daemon_file,
    error::InstallError,
    keys, kubeconfig,
    multus_keys::Adopted,
    notice::Notice,
    plan::{self, Memory, Plan, Seen, Step},
    plugin_token::Supply,
    plugin_version,
    programs::{self, Done, Programs},
    settings::Install,
    standing,
    whole_file::{self, Placed},
};

/// The configuration may have operators' secrets in it, and nobody but the runtime reads it.
const CONF_MODE: u32 = 0o600;

/// What is known of a node between two looks at it.
#[derive(Debug)]
pub struct Keeper {
    install: Install,
    programs: Programs,
    keys: Map<String, Value>,
    memory: Memory,
    /// The token in the plugin's kubeconfig, if it is not this process's own.
    supply: Option<watch::Receiver<Supply>>,
    /// What was found to be installed, by what tells a changed file from the same.
    installed: Vec<Option<FileId>>,
    /// What was told at the last look.
    told: BTreeSet<String>,
    /// What was told of Multus's keys.
    adopted: Vec<Adopted>,
    /// The version of the installed plugin, and of which file that is.
    version: (Option<FileId>, Option<String>),
}

/// How a look ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// Whether pods get what this node is configured for.
    pub is_ready: bool,
    /// When to look again although nothing changes.
    pub again_in: Option<Duration>,
    /// What is wrong, in words.
    pub problems: Vec<String>,
    /// What stands in the way, in a word, where it is not a failure to do something.
    pub cause: Option<&'static str>,
    /// The file that runtimes take.
    pub in_force: Option<String>,
    /// The version of the plugin that is installed, if it says one.
    pub plugin_version: Option<String>,
}

/// Device, inode, size and time of change.
type FileId = (u64, u64, u64, i64, i64);

impl Keeper {
    /// Begins; reads the file with keys.
    ///
    /// # Errors
    /// The file is wrong, or it is not known which executable to install.
    pub fn new(install: Install) -> Result<Self, InstallError> {
        let own = || std::env::current_exe().map_err(InstallError::OwnExecutable);
        let plugin = match &install.plugin_binary {
            Some(path) => path.clone(),
            None => own()?.with_file_name(programs::PLUGIN),
        };
        let mut all_keys = match &install.keys_file {
            Some(path) => read_keys(path)?,
            None => Map::new(),
        };
        all_keys.extend(install.keys.clone());
        let needs_resolver =
            all_keys.contains_key("kubeconfig") && !all_keys.contains_key("resolver");
        let resolver = needs_resolver.then(own).transpose()?;
        Ok(Self {
            programs: Programs {
                plugin,
                resolver,
                alias: install.alias,
            },
            keys: all_keys,
            memory: Memory::default(),
            supply: None,
            installed: Vec::new(),
            told: BTreeSet::new(),
            adopted: Vec::new(),
            version: (None, None),
            install,
        })
    }

    /// Takes the token in the plugin's kubeconfig from `supply`.
    #[must_use]
    pub fn supplied_by(self, supply: watch::Receiver<Supply>) -> Self {
        Self {
            supply: Some(supply),
            ..self
        }
    }

    /// The folders in which a change is to be looked at, as this process sees them.
    #[must_use]
    pub fn folders(&self) -> Vec<PathBuf> {
        let places = &self.install.places;
        let mut folders = vec![places.here(&places.conf_dir)];
        if !places.is_one_folder() {
            folders.push(places.here(&places.primary_dir));
        }
        let credentials = self.install.credentials.iter();
        folders.extend(credentials.map(|credentials| credentials.service_account.clone()));
        folders
    }

    /// How long nothing is looked at where nothing changes.
    #[must_use]
    pub const fn poll_interval(&self) -> Duration {
        self.install.poll_interval
    }

    /// Looks once, and sets right what is not.
    pub fn turn(&mut self, now: Instant) -> Turn {
        let mut problems = Vec::new();
        self.clean();
        if let Err(error) = self.install_programs() {
            problems.push(error.to_string());
        }
        let has_token = match self.refresh_kubeconfig() {
            Ok(has_token) => has_token,
            Err(error) => {
                problems.push(error.to_string());
                false
            }
        };
        // A configuration that names an executable which is not there would fail every pod.
        let has_plugin = self.install.places.executable(programs::PLUGIN).is_file();
        let mut turn = match self.look() {
            Ok(seen) if has_plugin => self.configure(&seen, now, &mut problems),
            Ok(_) => Turn::default(),
            Err(error) => {
                problems.push(error.to_string());
                Turn::default()
            }
        };
        turn.is_ready &= problems.is_empty() && has_token;
        turn.cause = match turn.cause {
            _ if !problems.is_empty() => None,
            _ if !has_plugin => Some(standing::NO_PLUGIN),
            None if !has_token => Some(standing::TOKEN_AWAITED),
            cause => cause,
        };
        turn.problems.splice(0..0, problems);
        self.tell(&turn.problems);
        self.observe(&mut turn);
        turn
    }

    /// What is there now, whoever put it there.
    fn observe(&mut self, turn: &mut Turn) {
        let places = &self.install.places;
        let first = conf_folder::first(&places.here(&places.conf_dir));
        turn.in_force = first.unwrap_or_default();
        let plugin = places.executable(programs::PLUGIN);
        let file = file_id(&plugin);
        if self.version.0 != file {
            let version = file.and_then(|_| plugin_version::ask(&plugin));
            // A node that has just booted may not have had the time: it is asked again.
            let file = file.filter(|_| version.is_some());
            self.version = (file, version);
        }
        turn.plugin_version.clone_from(&self.version.1);
    }

    /// What a killed installer has left is in nobody's way, and is looked for again.
    fn clean(&self) {
        let places = &self.install.places;
        let programs = [programs::PLUGIN, programs::RESOLVER].map(|name| places.executable(name));
        let aliases = Alias::ALL.map(|alias| places.executable(alias.file_name()));
        for path in programs.iter().chain(&aliases).chain([&places.conf_file()]) {
            match whole_file::clean(path, SystemTime::now()) {
                Ok(0) | Err(_) => {}
                Ok(count) => {
                    tracing::info!(path = %path.display(), count, "Temporary files of a killed installer removed");
                }
            }
        }
    }

    fn install_programs(&mut self) -> Result<(), programs::ProgramError> {
        let files = self.file_ids();
        if files == self.installed && files.iter().all(Option::is_some) {
            return Ok(());
        }
        for done in self.programs.install(&self.install.places)? {
            match done {
                Done::Installed(path) => {
                    tracing::info!(path = %path.display(), "Executable installed");
                }
                Done::KeptForeign { program, backup } => {
                    tracing::warn!(
                        program = %program.display(), backup = %backup.display(),
                        "Somebody else's program had this name; uninstall gives it back"
                    );
                }
            }
        }
        self.installed = self.file_ids();
        Ok(())
    }

    fn file_ids(&self) -> Vec<Option<FileId>> {
        let Programs {
            plugin,
            resolver,
            alias,
        } = &self.programs;
        let place = |name: &str| self.install.places.executable(name);
        let mut files = vec![plugin.clone(), place(programs::PLUGIN)];
        if let Some(resolver) = resolver {
            files.extend([resolver.clone(), place(programs::RESOLVER)]);
        }
        files.extend(alias.map(|alias| place(alias.file_name())));
        files.iter().map(|file| file_id(file)).collect()
    }

    /// Whether the plugin's kubeconfig, if there is to be one, has in it what it is to have.
    fn refresh_kubeconfig(&self) -> Result<bool, kubeconfig::KubeconfigError> {
        let places = &self.install.places;
        let (Some(credentials), Some(path)) = (&self.install.credentials, &places.kubeconfig)
        else {
            return Ok(true);
        };
        let here = places.here(path);
        let placed = match &self.supply {
            None => kubeconfig::refresh(credentials, &here)?,
            Some(supply) => {
                let Supply {
                    credential,
                    problem,
                } = supply.borrow().clone();
                match (problem, credential) {
                    // What has ended is not written over what may be better.
                    (Some(problem), _) => return Err(kubeconfig::KubeconfigError::Token(problem)),
                    // The API server is being asked for the first time.
                    (None, None) => return Ok(false),
                    (None, Some(credential)) => {
                        kubeconfig::refresh_with(credentials, &here, &credential)?
                    }
                }
            }
        };
        if placed == Placed::Written {
            tracing::info!(path = %path.display(), "The plugin's kubeconfig written");
        }
        Ok(true)
    }

    fn look(&self) -> Result<Seen, InstallError> {
        let places = &self.install.places;
        let read = |folder: &Path| {
            let here = places.here(folder);
            ConfFolder::read(&here).map_err(|source| InstallError::ConfFolder {
                folder: here,
                source,
            })
        };
        Ok(Seen {
            daemon: self
                .install
                .adopt_multus
                .then(|| daemon_file::read(places, self.install.multus_daemon.as_deref()))
                .and_then(Result::transpose),
            runtime: read(&places.conf_dir)?,
            primary: (!places.is_one_folder())
                .then(|| read(&places.primary_dir))
                .transpose()?,
        })
    }

    fn configure(&mut self, seen: &Seen, now: Instant, problems: &mut Vec<String>) -> Turn {
        let Plan {
            steps,
            notices,
            again_in,
            adopted,
            is_ready,
        } = plan::plan(&self.install, &self.keys, seen, &mut self.memory, now);
        self.tell_of_keys(adopted);
        for step in steps {
            if let Err((path, source)) = self.carry_out(&step) {
                if matches!(step, Step::Write(_)) {
                    self.memory.write_failed();
                }
                let error = InstallError::Conf { path, source };
                problems.push(error.to_string());
                // What follows relies on it.
                break;
            }
        }
        Turn {
            is_ready,
            again_in,
            problems: notices.iter().map(ToString::to_string).collect(),
            cause: notices.iter().find_map(Notice::obstacle),
            ..Turn::default()
        }
    }

    fn carry_out(&self, step: &Step) -> Result<(), (PathBuf, io::Error)> {
        match step {
            Step::Write(text) => {
                let path = self.install.places.conf_file();
                match whole_file::write(&path, text.as_bytes(), CONF_MODE) {
                    Ok(_) => {
                        tracing::info!(path = %path.display(), "Configuration written");
                        Ok(())
                    }
                    Err(error) => Err((path, error)),
                }
            }
            Step::Discard(name) => {
                let places = &self.install.places;
                let path = places.here(&places.conf_dir).join(name);
                whole_file::remove(&path).map_err(|error| (path.clone(), error))?;
                tracing::warn!(path = %path.display(), "Configuration of Multus removed, as it was made from ours; the one that was moved aside before stays");
                Ok(())
            }
            Step::MoveAside(name) => {
                let places = &self.install.places;
                let path = places.here(&places.conf_dir).join(name);
                let aside = path.with_file_name(format!("{name}{ASIDE}"));
                match whole_file::rename(&path, &aside) {
                    Ok(()) => {
                        tracing::warn!(path = %path.display(), aside = %aside.display(), "Configuration of Multus moved aside");
                        Ok(())
                    }
                    // Whoever wrote it has removed it.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                    Err(error) => Err((path, error)),
                }
            }
        }
    }

    /// What became of the keys of Multus, each once, until it is another one.
    fn tell_of_keys(&mut self, adopted: Vec<Adopted>) {
        for one in &adopted {
            if !self.adopted.contains(one) {
                tracing::info!("Of Multus's configuration: {one}");
            }
        }
        self.adopted = adopted;
    }

    /// Each problem once, until it is another one.
    fn tell(&mut self, problems: &[String]) {
        let now: BTreeSet<String> = problems.iter().cloned().collect();
        for problem in now.difference(&self.told) {
            tracing::warn!("{problem}");
        }
        self.told = now;
    }
}

fn read_keys(path: &Path) -> Result<Map<String, Value>, InstallError> {
    let text = fs::read_to_string(path).map_err(|source| InstallError::KeysFile {
        path: path.to_owned(),
        source,
    })?;
    Ok(keys::parse(&text, &path.display().to_string())?)
}

fn file_id(path: &Path) -> Option<FileId> {
    let about = fs::symlink_metadata(path).ok()?;
    Some((
        about.dev(),
        about.ino(),
        about.size(),
        about.ctime(),
        about.ctime_nsec(),
    ))
}

#[cfg(test)]
#[path = "keeper_tests.rs"]
mod tests;
