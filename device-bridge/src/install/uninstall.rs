//! `uninstall`: hands the node back, in an order in which pods can start at any moment.

use std::{
    fs, io,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    thread,
    time::SystemTime,
};

use spec::cni::{PluginType, RUNTIME_RESULTS};

use super::{
    alone,
    args::Alias,
    cached,
    conf_folder::{ASIDE, ConfFolder},
    error::InstallError,
    hand_back::{self, Program, Refusal, Step},
    leftovers, multus_conf,
    needed::{self, Needed},
    on_ours,
    programs::{self, PLUGIN, RESOLVER},
    settings::{Places, Uninstall},
    whole_file,
};
use crate::reconcile::of_multus;

/// As others write theirs: everybody may read the cluster network's configuration.
const CONF_MODE: u32 = 0o644;

/// Uninstalls. What is gone already is passed over, so that it can be called until it succeeds.
///
/// # Errors
/// It could not be done, or something has to stay for now; everything before it is done.
pub fn run(uninstall: &Uninstall) -> Result<(), InstallError> {
    let Uninstall {
        places,
        force,
        grace,
        stay: _,
    } = uninstall;
    let runtime = read(&places.here(&places.conf_dir))?;
    let _alone = alone::wait(places, &runtime)?;
    if places.deletes_by_cache {
        sees_cache(places, *force)?;
    }
    let records = records_of(places)?;
    if !force && !places.deletes_by_cache && places.conf_file().exists() {
        // As long as it is there, the runtime has the plugin delete them.
        let needed = needed_after_gc(places, &records)?;
        if !needed.holding.is_empty() {
            return Err(InstallError::Attached {
                what_stays: "nothing is changed,",
                records,
                holding: needed.holding,
                advice: "delete their pods and call uninstall again (what is left of pods that are gone is undone when it is called on the node itself, not in a container)",
            });
        }
    }
    // A configuration that is put back needs the program it names.
    for alias in Alias::ALL {
        // A runtime that deletes by its cache executes the name that it has kept, for what Multus attached.
        let is_executed = places.deletes_by_cache && !force && by_cache(places, &[alias])? > 0;
        if !is_executed {
            give_program_back(places, &places.executable(alias.file_name()))?;
        }
    }
    hand_configuration_back(places, *force)?;
    if places.executable(PLUGIN).exists() {
        // A runtime that has read our configuration before it was removed executes the plugin in a moment, which may need
        // the kubeconfig.
        thread::sleep(*grace);
    }
    if let Some(kubeconfig) = &places.kubeconfig {
        let path = places.here(kubeconfig);
        if changed(&path, remove(&path))? {
            tracing::info!(path = %path.display(), "The plugin's kubeconfig removed");
        }
    }
    remove_programs(places, &records, *force)
}

/// Gives a name back to who had it, unless somebody has taken it from us since.
pub(super) fn give_program_back(places: &Places, path: &Path) -> Result<(), InstallError> {
    let backup = programs::backup_of(path);
    if !backup.exists() {
        return Ok(());
    }
    let is_free = !path.exists() || changed(path, programs::is_ours(path, places))?;
    if is_free {
        changed(path, whole_file::rename(&backup, path))?;
        tracing::info!(path = %path.display(), "Program given back");
    } else {
        // Whoever installs and uninstalls us later would get it back otherwise, when it is forgotten.
        changed(&backup, whole_file::remove(&backup))?;
        tracing::info!(path = %path.display(), backup = %backup.display(), "Program left, as somebody has installed a newer one; the older one that was kept is removed");
    }
    Ok(())
}

fn hand_configuration_back(places: &Places, force: bool) -> Result<(), InstallError> {
    let folder = places.here(&places.conf_dir);
    let runtime = read(&folder)?;
    let primary = (!places.is_one_folder())
        .then(|| read(&places.here(&places.primary_dir)))
        .transpose()?;
    let steps = hand_back::steps(
        &runtime,
        primary.as_ref(),
        &places.conf_name,
        |name| program_of(places, name),
        |socket| UnixStream::connect(places.here(socket)).is_ok(),
        force,
    )
    .map_err(|refusal| match refusal {
        Refusal::NothingLeft(faults) => InstallError::NothingLeft {
            path: places.conf_file(),
            faults,
        },
        Refusal::BrokenFirst { name, fault } => InstallError::BrokenFirst {
            path: places.conf_file(),
            first: folder.join(name),
            fault,
        },
    })?;
    for file in hand_back::left_aside(&runtime, &steps) {
        tracing::info!(%file, "Multus's configuration stays moved aside; where Multus is to have the node again, call install --restore-multus");
    }
    for step in steps {
        match step {
            Step::PutBack(name) => put_back(&folder, &name)?,
            Step::Write { name, text } => {
                let path = folder.join(name);
                changed(&path, whole_file::write(&path, text.as_bytes(), CONF_MODE))?;
                tracing::info!(path = %path.display(), "The cluster network's configuration written");
            }
            Step::RemoveOurs => remove_ours(places)?,
        }
    }
    if let Some((file, why)) = read(&folder)?
        .files
        .first()
        .and_then(|first| Some((&first.name, first.conf.as_ref().err()?)))
    {
        tracing::warn!(%file, %why, "The first configuration of the folder is broken, and some runtimes take no other then; repair or remove it");
    }
    let path = places.conf_file();
    changed(&path, clean(&path))?;
    Ok(())
}

/// Gives a configuration of `folder` that was moved aside its name back.
pub(super) fn put_back(folder: &Path, name: &str) -> Result<(), InstallError> {
    let path = folder.join(name);
    let aside = folder.join(format!("{name}{ASIDE}"));
    changed(&path, whole_file::rename(&aside, &path))?;
    tracing::info!(path = %path.display(), "Configuration put back");
    Ok(())
}

/// Removes our configuration.
pub(super) fn remove_ours(places: &Places) -> Result<(), InstallError> {
    let path = places.conf_file();
    changed(&path, whole_file::remove(&path))?;
    tracing::info!(path = %path.display(), "Configuration removed");
    Ok(())
}

/// Where sandbox records are: below the `cniDir` of our configuration, as long as it is there.
fn records_of(places: &Places) -> Result<PathBuf, InstallError> {
    let runtime = read(&places.here(&places.conf_dir))?;
    Ok(places.here(&cni_dir_of(places, &runtime)).join("sandboxes"))
}

/// `cniDir`, as the node has it.
pub(super) fn cni_dir_of(places: &Places, runtime: &ConfFolder) -> PathBuf {
    let written = runtime
        .file(&places.conf_name)
        .and_then(|ours| ours.path("cniDir"));
    written.unwrap_or_else(|| places.cni_dir.clone())
}

fn remove_programs(places: &Places, records: &Path, force: bool) -> Result<(), InstallError> {
    if !force {
        let folder = places.here(&places.conf_dir);
        if let Some((file, program)) = still_executed(places, &read(&folder)?) {
            return Err(InstallError::StillExecuted { file, program });
        }
        if places.deletes_by_cache {
            nothing_deletes_by_the_plugin(places, records)?;
        } else {
            release(places, records)?;
        }
    }
    for alias in Alias::ALL {
        let path = places.executable(alias.file_name());
        give_program_back(places, &path)?;
        if changed(&path, programs::is_ours(&path, places))? {
            changed(&path, whole_file::remove(&path))?;
            tracing::info!(path = %path.display(), "Program removed");
        }
    }
    for name in [RESOLVER, PLUGIN] {
        let path = places.executable(name);
        if changed(&path, remove(&path))? {
            tracing::info!(path = %path.display(), "Program removed");
        }
        changed(&path, clean(&path))?;
    }
    Ok(())
}

/// Whether the cache of a runtime that deletes by it can be seen. One that is not there holds nothing, but in a container it may
/// be the node's and not mounted, although a folder beside it is.
fn sees_cache(places: &Places, force: bool) -> Result<(), InstallError> {
    let cache = Path::new(RUNTIME_RESULTS);
    let here = places.here(cache);
    let has_plugin = places.executable(PLUGIN).exists();
    if places.host_root == Path::new("/") || here.is_dir() || !has_plugin {
        return Ok(());
    }
    let error = InstallError::NoRuntimeCache {
        cache: cache.to_owned(),
        here,
    };
    if force {
        tracing::warn!(%error, "Gone on by force");
        return Ok(());
    }
    Err(error)
}

/// The runtime executes the plugin for the sandboxes that it attached, whatever is in the folder by then.
fn nothing_deletes_by_the_plugin(places: &Places, records: &Path) -> Result<(), InstallError> {
    let refuse = |records: &Path, count| match count {
        0 => Ok(()),
        count => Err(InstallError::Sandboxes {
            bin_dir: places.bin_dir.clone(),
            records: records.to_owned(),
            count,
        }),
    };
    refuse(records, changed(records, count_records(records))?)?;
    // Given back to Multus, or handed over: the runtime executes the plugin for them all the same.
    let cached = places.here(Path::new(RUNTIME_RESULTS));
    let by_plugin = changed(&cached, cached::count(&cached, PLUGIN))?;
    refuse(&cached, by_plugin + by_cache(places, &Alias::ALL)?)
}

/// How many attachments of the runtime's cache execute one of these names, as far as it is ours.
fn by_cache(places: &Places, aliases: &[Alias]) -> Result<usize, InstallError> {
    let cached = places.here(Path::new(RUNTIME_RESULTS));
    let mut count = 0;
    for alias in aliases {
        let path = places.executable(alias.file_name());
        if changed(&path, programs::is_ours(&path, places))? {
            count += changed(&cached, cached::count(&cached, alias.file_name()))?;
        }
    }
    Ok(count)
}

/// The runtime deletes by the configuration that is there now: the cluster network's, which needs no records.
fn release(places: &Places, records: &Path) -> Result<(), InstallError> {
    let needed = needed_after_gc(places, records)?;
    for path in &needed.dispensable {
        changed(path, remove(path))?;
    }
    if !needed.dispensable.is_empty() {
        tracing::info!(count = needed.dispensable.len(), folder = %records.display(), "Records of sandboxes that have the cluster network alone removed; its own plugin deletes them");
    }
    let holding = [needed.holding, needed.beginning].concat();
    if holding.is_empty() {
        return Ok(());
    }
    Err(InstallError::Attached {
        what_stays: "the node is handed back, but the plugin stays,",
        records: records.to_owned(),
        holding,
        advice: "delete their pods and call uninstall on the node itself, not in a container, which undoes what they had; or install again, delete them, and uninstall then",
    })
}

/// What records hold, once the plugin has undone what is left of pods that are gone.
fn needed_after_gc(places: &Places, records: &Path) -> Result<Needed, InstallError> {
    let runtime = read(&places.here(&places.conf_dir))?;
    let primary = needed::primary(runtime.files.first());
    let cni_dir = records.parent().unwrap_or(records);
    // Multus deletes its own where it is in force again.
    let is_given_back = runtime.files.first().is_some_and(multus_conf::is_of_multus);
    let look = || {
        let mut needed = changed(records, needed::read(records, primary.as_ref()))?;
        if !is_given_back {
            let of_multus = of_multus::read(cni_dir);
            let holding = needed::of_multus(&of_multus, primary.as_ref());
            needed.holding.extend(holding);
        }
        Ok(needed)
    };
    let needed: Needed = look()?;
    if needed.networks.is_empty() {
        return Ok(needed);
    }
    if let Err(error) = leftovers::undo_of(places, cni_dir, &needed.networks) {
        tracing::warn!(%error, "What is left of pods that are gone could not be undone");
    }
    look()
}

/// Whose the program of this name is. One that cannot be read is as none.
fn program_of(places: &Places, name: &str) -> Program {
    let path = places.executable(name);
    match programs::is_ours(&path, places) {
        Ok(false) if path.is_file() && name != PLUGIN => Program::Foreign,
        Ok(true) => Program::Ours,
        Ok(false) | Err(_) => Program::Missing,
    }
}

/// The first configuration that executes us, at any nesting or by our file, and by which name.
fn still_executed(places: &Places, runtime: &ConfFolder) -> Option<(String, String)> {
    runtime.files.iter().find_map(|file| {
        let is_ours = |name: &String| {
            // A type is a plain name; any other executes nothing.
            PluginType::try_from(name.as_str()).is_ok()
                && programs::is_ours(&places.executable(name), places).is_ok_and(|ours| ours)
        };
        let by_path = on_ours::names_ours(file, &places.conf_name).then(|| PLUGIN.to_owned());
        let program = on_ours::types(file).into_iter().find(is_ours).or(by_path)?;
        Some((file.name.clone(), program))
    })
}

fn count_records(folder: &Path) -> io::Result<usize> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let mut count = 0;
    for entry in entries {
        // A record that is being made (`.json.new`) is a sandbox too.
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        count += usize::from(name.ends_with(".json") || name.ends_with(".json.new"));
    }
    Ok(count)
}

/// Removes a file; one whose folder is not there is gone too.
fn remove(path: &Path) -> io::Result<bool> {
    match whole_file::remove(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        done => done,
    }
}

pub(super) fn clean(path: &Path) -> io::Result<usize> {
    match whole_file::clean(path, SystemTime::now()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        done => done,
    }
}

pub(super) fn read(folder: &Path) -> Result<ConfFolder, InstallError> {
    ConfFolder::read(folder).map_err(|source| InstallError::ConfFolder {
        folder: folder.to_owned(),
        source,
    })
}

pub(super) fn changed<T>(path: &Path, done: io::Result<T>) -> Result<T, InstallError> {
    done.map_err(|source| InstallError::Conf {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
#[path = "uninstall_tests.rs"]
mod tests;
