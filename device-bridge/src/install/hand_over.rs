//! Our sandboxes as Multus's: the plugin writes Multus's files and takes its records away.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use serde_json::json;
use spec::hand_over::{COMMAND, HandedOver};

use super::{error::InstallError, execute::execute, programs::PLUGIN, settings::Places};

/// Hands over what is recorded below `cni_dirs`, as the node has them.
///
/// # Errors
/// Multus would not know how to delete some of it, which `force` says is no matter; or the plugin cannot be executed.
pub fn run(places: &Places, cni_dirs: &BTreeSet<PathBuf>, force: bool) -> Result<(), InstallError> {
    for cni_dir in cni_dirs {
        let here = places.here(cni_dir);
        let records = here.join(spec::record::FOLDER);
        if !has_any(&records) {
            continue;
        }
        let done = ask(places, &here).map_err(|problem| InstallError::NotHandedOver {
            records: records.clone(),
            count: None,
            problem,
        });
        let HandedOver { count, kept } = match done {
            Ok(done) => done,
            Err(error) if force => {
                tracing::warn!(%error, "Gone on by force");
                continue;
            }
            Err(error) => return Err(error),
        };
        if count > 0 {
            tracing::info!(count, folder = %here.display(), "Sandboxes handed over to Multus");
        }
        if kept.is_empty() {
            continue;
        }
        let told = kept
            .iter()
            .map(|kept| format!("{}: {}", kept.container_id, kept.problem));
        let error = InstallError::NotHandedOver {
            records,
            count: Some(kept.len()),
            problem: told.collect::<Vec<_>>().join("; "),
        };
        if !force {
            return Err(error);
        }
        tracing::warn!(%error, "Gone on by force");
    }
    Ok(())
}

fn has_any(records: &Path) -> bool {
    std::fs::read_dir(records).is_ok_and(|mut entries| entries.next().is_some())
}

/// The plugin reads and writes files alone, and so can be executed by whoever sees them.
fn ask(places: &Places, cni_dir: &Path) -> Result<HandedOver, String> {
    let program = plugin(places).ok_or_else(|| {
        format!(
            "there is no {PLUGIN} in {} and none beside this program",
            places.bin_dir.display()
        )
    })?;
    let conf = json!({"cniVersion": "1.0.0", "cniDir": cni_dir});
    let output = execute(&program, &[COMMAND], [], &conf)?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    serde_json::from_slice(&output.stdout).map_err(|error| {
        format!(
            "{} does not know {COMMAND} ({error}); install the one of this release first",
            program.display()
        )
    })
}

/// The plugin that is installed, else the one that would be.
fn plugin(places: &Places) -> Option<PathBuf> {
    let beside = std::env::current_exe().map(|own| own.with_file_name(PLUGIN));
    let installed = places.executable(PLUGIN);
    [Some(installed), beside.ok()]
        .into_iter()
        .flatten()
        .find(|path| path.is_file())
}
