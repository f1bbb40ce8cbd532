//! `install --restore-multus`: gives the node back to Multus, in an order in which pods can start at any moment, and in which
//! whoever is asked to delete one knows how.

use std::{
    collections::BTreeSet,
    io::Write,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
};

use super::{
    alone,
    args::Alias,
    conf_folder::{ASIDE, ConfFolder},
    error::InstallError,
    give_back::{self, Refusal, Step},
    hand_over,
    multus_conf::{self, MultusConf},
    programs,
    settings::{Places, Restore},
    uninstall::{changed, clean, cni_dir_of, give_program_back, read},
    whole_file,
};

/// Gives it back. What is done already is passed over, so that it can be called until it succeeds, and again.
///
/// # Errors
/// It could not be done, or pods would be left that Multus cannot delete or start; everything before it is done, and the node
/// has a configuration with which pods start.
pub fn run(restore: &Restore, announce: &mut impl Write) -> Result<(), InstallError> {
    let Restore { places, force } = restore;
    let folder = places.here(&places.conf_dir);
    let runtime = read(&folder)?;
    let _alone = alone::wait(places, &runtime)?;
    let has_program = |name: &str| {
        let path = places.executable(name);
        let is_foreign = programs::is_ours(&path, places).is_ok_and(|ours| !ours);
        programs::backup_of(&path).exists() || (is_foreign && path.is_file())
    };
    let listens = |socket: &Path| UnixStream::connect(places.here(socket)).is_ok();
    let plan = give_back::plan(&runtime, &places.conf_name, has_program, listens, *force)
        .map_err(|refusal| refused(places, refusal))?;
    let mut cni_dirs = cni_dirs(places, &runtime);
    if places.host_root != Path::new("/") {
        are_mounted(places, &cni_dirs, *force)?;
    }
    // Nothing may have come of the flag.
    cni_dirs.insert(places.cni_dir.clone());
    for step in plan.steps {
        take(places, &cni_dirs, &step, *force)?;
    }
    let path = folder.join(&plan.file);
    // Whoever reads it may be gone; the exit code says the same.
    let _ = writeln!(announce, "restored {}", path.display()).and_then(|()| announce.flush());
    tracing::info!(path = %path.display(), "The node is Multus's again");
    Ok(())
}

fn take(
    places: &Places,
    cni_dirs: &BTreeSet<PathBuf>,
    step: &Step,
    force: bool,
) -> Result<(), InstallError> {
    let folder = places.here(&places.conf_dir);
    match step {
        Step::HandOver => hand_over::run(places, cni_dirs, force)?,
        Step::GiveProgramsBack => {
            for alias in Alias::ALL {
                give_program_back(places, &places.executable(alias.file_name()))?;
            }
        }
        Step::PutBack(name) => {
            let path = folder.join(name);
            let aside = folder.join(format!("{name}{ASIDE}"));
            changed(&path, whole_file::rename(&aside, &path))?;
            tracing::info!(path = %path.display(), "Configuration put back");
        }
        Step::Remove(name) => {
            let path = folder.join(name);
            changed(&path, whole_file::remove(&path))?;
            tracing::warn!(path = %path.display(), "Configuration of Multus removed, as it had ours for its cluster network");
        }
        Step::RemoveOurs => {
            let path = places.conf_file();
            changed(&path, whole_file::remove(&path))?;
            changed(&path, clean(&path))?;
            tracing::info!(path = %path.display(), "Configuration removed");
        }
    }
    Ok(())
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

/// Wherever records may be: our configuration says it, or the flag where it does not, and Multus's.
fn cni_dirs(places: &Places, runtime: &ConfFolder) -> BTreeSet<PathBuf> {
    let has_ours = runtime.file(&places.conf_name).is_some();
    let ours = has_ours.then(|| cni_dir_of(places, runtime));
    let all = runtime.files.iter().chain(&runtime.aside);
    let of_multus = all
        .filter(|file| multus_conf::is_of_multus(file))
        .filter_map(|file| MultusConf::read(Some(file), None).ok().flatten())
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
