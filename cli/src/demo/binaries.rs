//! Finds the three programs the demo shows, and has cargo build them when cargo runs the demo.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

/// The programs.
pub(super) struct Binaries {
    /// `polypod`, the CNI plugin.
    pub(super) plugin: PathBuf,
    /// `polypod-webhook`.
    pub(super) webhook: PathBuf,
    /// `polypod-device-bridge`.
    pub(super) device_bridge: PathBuf,
    /// `kubectl-polypod`, this program: the stand-in delegates are links to it.
    pub(super) own: PathBuf,
}

impl Binaries {
    /// Under `cargo run` builds them; else looks beside this program and in `PATH`.
    pub(super) fn find() -> Result<Self> {
        let own = env::current_exe().context("cannot find this program's own file")?;
        let folder = own.parent().unwrap_or(Path::new("/")).to_owned();
        if let (Some(cargo), Some(package)) =
            (env::var_os("CARGO"), env::var_os("CARGO_MANIFEST_DIR"))
        {
            build(&cargo, Path::new(&package), &folder)?;
        }
        let path = env::var_os("PATH").unwrap_or_default();
        let places: Vec<PathBuf> = [folder]
            .into_iter()
            .chain(env::split_paths(&path))
            .collect();
        Ok(Self {
            plugin: find(&places, "polypod", "plugin")?,
            webhook: find(&places, "polypod-webhook", "webhook")?,
            device_bridge: find(&places, "polypod-device-bridge", "device-bridge")?,
            own,
        })
    }
}

/// The same profile and target directory as this program's, so that they land beside it. It may take as long as it
/// takes: cargo shows its progress.
fn build(cargo: &OsStr, package: &Path, folder: &Path) -> Result<()> {
    let mut command = Command::new(cargo);
    command.args(build_arguments(folder)).current_dir(package);
    let status = command
        .status()
        .with_context(|| format!("cannot execute {}", cargo.display()))?;
    if !status.success() {
        bail!(
            "cargo could not build polypod, polypod-webhook and polypod-device-bridge ({status})"
        );
    }
    Ok(())
}

fn build_arguments(folder: &Path) -> Vec<String> {
    let mut arguments: Vec<String> = [
        "build",
        "--locked",
        // This program too, though it is built: cargo then resolves features as it did for it, and compiles nothing twice.
        "-p",
        "cli",
        "-p",
        "plugin",
        "-p",
        "webhook",
        "-p",
        "device-bridge",
    ]
    .map(str::to_owned)
    .into();
    // Cargo puts the profile `dev` into the folder `debug`, and every other into a folder of its name.
    let profile = folder
        .file_name()
        .and_then(OsStr::to_str)
        .filter(|name| *name != "debug");
    if let Some(profile) = profile {
        arguments.extend(["--profile".to_owned(), profile.to_owned()]);
    }
    if let Some(target) = folder.parent().and_then(Path::to_str) {
        arguments.extend(["--target-dir".to_owned(), target.to_owned()]);
    }
    arguments
}

fn find(places: &[PathBuf], name: &str, package: &str) -> Result<PathBuf> {
    let candidates = places.iter().map(|place| place.join(name));
    match candidates.into_iter().find(|file| file.is_file()) {
        Some(file) => Ok(file),
        None => bail!(
            "{name} is neither beside this program nor in PATH; build it with 'cargo build --release -p {package}', \
             or run the demo with 'cargo run --release -- demo'"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_builds_into_the_folder_of_this_program() {
        let release = build_arguments(Path::new("/src/target/release")).join(" ");
        assert!(
            release.ends_with("--profile release --target-dir /src/target"),
            "{release}"
        );
        let debug = build_arguments(Path::new("/src/target/debug")).join(" ");
        assert!(
            debug.ends_with("-p device-bridge --target-dir /src/target"),
            "{debug}"
        );
    }

    #[test]
    fn a_missing_program_is_named_with_its_package() {
        let error = find(&[PathBuf::from("/nowhere")], "polypod", "plugin").unwrap_err();
        assert!(
            error
                .to_string()
                .contains("cargo build --release -p plugin")
        );
    }
}
