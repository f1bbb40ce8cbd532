//! `install --restore-multus`: gives the node back to Multus, in an order in which pods can start at any moment, and in which
//! whoever is asked to delete one knows how.

use std::{
    collections::BTreeSet,
    io::Write,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    thread,
};

use super::{
    alone,
    args::Alias,
    conf_folder::ConfFolder,
    daemon_file,
    error::InstallError,
    give_back::{self, Known, Refusal, Step},
    hand_over,
    multus_conf::{self, DaemonConf, MultusConf},
    on_ours,
    programs::{self, PLUGIN},
    settings::{Places, Restore},
    uninstall::{changed, clean, cni_dir_of, give_program_back, put_back, read, remove_ours},
    whole_file,
};

/// Gives it back. What is done already is passed over, so that it can be called until it succeeds, and again.
///
/// # Errors
/// It could not be done, or pods would be left that Multus cannot delete or start; everything before it is done, and the node
/// has a configuration with which pods start.
pub fn run(restore: &Restore, announce: &mut impl Write) -> Result<(), InstallError> {
    let Restore {
        places,
        multus_daemon,
        force,
        ..
    } = restore;
    let folder = places.here(&places.conf_dir);
    let _alone = alone::wait(places, &read(&folder)?)?;
    // An agent that was waited for may have moved files until its end.
    let runtime = read(&folder)?;
    let has_program = |name: &str| {
        let path = places.executable(name);
        let is_foreign = programs::is_ours(&path, places).is_ok_and(|ours| !ours);
        programs::backup_of(&path).exists() || (is_foreign && path.is_file())
    };
    let listens = |socket: &Path| UnixStream::connect(places.here(socket)).is_ok();
    let daemon = daemon(places, multus_daemon.as_deref(), &runtime, *force)?;
    let known = Known {
        runtime: &runtime,
        daemon: daemon.as_ref(),
    };
    let plan = give_back::plan(known, &places.conf_name, has_program, listens, *force)
        .map_err(|refusal| refused(places, refusal))?;
    let mut cni_dirs = cni_dirs(places, known);
    if places.host_root != Path::new("/") {
        are_mounted(places, &cni_dirs, *force)?;
    }
    // Nothing may have come of the flag.
    cni_dirs.insert(places.cni_dir.clone());
    for step in plan.steps {
        if step == Step::RemoveOurs {
            is_still_there(places, &plan.file)?;
        }
        take(restore, &cni_dirs, &step)?;
    }
    let path = folder.join(&plan.file);
    // Whoever reads it may be gone; the exit code says the same.
    let _ = writeln!(announce, "restored {}", path.display()).and_then(|()| announce.flush());
    tracing::info!(path = %path.display(), "The node is Multus's again");
    Ok(())
}

fn take(restore: &Restore, cni_dirs: &BTreeSet<PathBuf>, step: &Step) -> Result<(), InstallError> {
    let Restore {
        places,
        force,
        grace,
        ..
    } = restore;
    let folder = places.here(&places.conf_dir);
    match step {
        Step::HandOver => hand_over::run(places, cni_dirs, *force)?,
        Step::GiveProgramsBack => {
            for alias in Alias::ALL {
                give_program_back(places, &places.executable(alias.file_name()))?;
            }
        }
        Step::PutBack(name) => put_back(&folder, name)?,
        Step::Remove(name) => {
            let path = folder.join(name);
            changed(&path, whole_file::remove(&path))?;
            tracing::warn!(path = %path.display(), "Configuration of Multus removed, as it had ours for its cluster network");
        }
        Step::RemoveOurs => {
            remove_ours(places)?;
            let path = places.conf_file();
            changed(&path, clean(&path))?;
        }
        Step::Grace => {
            if places.executable(PLUGIN).exists() {
                thread::sleep(*grace);
            }
        }
    }
    Ok(())
}

/// Whether the configuration that is to be in force is in the folder, and could do without ours.
fn is_still_there(places: &Places, file: &str) -> Result<(), InstallError> {
    let folder = places.here(&places.conf_dir);
    let runtime = read(&folder)?;
    let is_it = runtime.file(file).is_some_and(|found| {
        multus_conf::is_of_multus(found) && !on_ours::is_on_ours(found, &places.conf_name)
    });
    if is_it {
        return Ok(());
    }
    Err(InstallError::MultusGone {
        path: folder.join(file),
        ours: places.conf_name.clone(),
    })
}

/// Whether all folders of configurations can be looked into. One that is not there holds nothing, but in a container it may
/// be the node's and not mounted.
fn are_mounted(
    places: &Places,
    cni_dirs: &BTreeSet<PathBuf>,
    force: bool,
) -> Result<(), InstallError> {
    let missing = cni_dirs
        .iter()
        .map(|dir| (dir, places.here(dir)))
        .find(|(_, here)| !here.is_dir());
    let Some((cni_dir, here)) = missing else {
        return Ok(());
    };
    let cni_dir = cni_dir.clone();
    let error = InstallError::NoCniDir { cni_dir, here };
    if force {
        tracing::warn!(%error, "Gone on by force");
        return Ok(());
    }
    Err(error)
}

/// What Multus's daemon has of its own, where a configuration is one of its client.
fn daemon(
    places: &Places,
    named: Option<&Path>,
    runtime: &ConfFolder,
    force: bool,
) -> Result<Option<DaemonConf>, InstallError> {
    let mut all = runtime.files.iter().chain(&runtime.aside);
    if !all.any(|file| multus_conf::program(file) == Some(multus_conf::SHIM)) {
        return Ok(None);
    }
    match daemon_file::read(places, named) {
        Err(error) if force => {
            tracing::warn!(%error, "Gone on by force");
            Ok(None)
        }
        read => Ok(read?),
    }
}

/// Wherever records may be: our configuration says it, or the flag where it does not, and Multus's.
fn cni_dirs(places: &Places, known: Known<'_>) -> BTreeSet<PathBuf> {
    let Known { runtime, daemon } = known;
    let has_ours = runtime.file(&places.conf_name).is_some();
    let ours = has_ours.then(|| cni_dir_of(places, runtime));
    let all = runtime.files.iter().chain(&runtime.aside);
    let of_multus = all
        .filter(|file| multus_conf::is_of_multus(file))
        .filter_map(|file| MultusConf::read(Some(file), daemon).ok().flatten())
        .filter_map(|multus| Some(PathBuf::from(multus.keys.get("cniDir")?.as_str()?)))
        .filter(|dir| dir.is_absolute());
    of_multus.chain(ours).collect()
}

fn refused(places: &Places, refusal: Refusal) -> InstallError {
    let path = |file: &str| places.here(&places.conf_dir).join(file);
    match refusal {
        Refusal::NoMultus => InstallError::NoMultus {
            folder: places.here(&places.conf_dir),
        },
        Refusal::OnOurs { file } => InstallError::MultusOnOurs {
            path: path(&file),
            ours: places.conf_name.clone(),
        },
        Refusal::DaemonOnOurs { file } => InstallError::MultusOnOurs {
            path: file,
            ours: places.conf_name.clone(),
        },
        Refusal::NoProgram { file, program } => InstallError::NoMultusProgram {
            path: path(&file),
            program: places.executable(program),
        },
        Refusal::NoDaemon { file, socket } => InstallError::NoMultusDaemon {
            path: path(&file),
            socket: places.here(&socket),
        },
    }
}

#[cfg(test)]
#[path = "restore_tests.rs"]
mod tests;
