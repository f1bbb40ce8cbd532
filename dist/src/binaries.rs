//! Builds a program and lays it out.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{
    reproducible,
    shipped::{Shipped, Target},
    workspace::{Workspace, succeed},
};

/// Builds it, and copies it and its SBOM to where its Containerfile copies them from; returns where the program is.
///
/// Every package is built by itself: together their dependencies would get the features of all of them, and other bytes.
///
/// # Errors
/// When cargo fails, or a file cannot be written.
pub(crate) fn build(workspace: &Workspace, shipped: &Shipped, target: Target) -> Result<PathBuf> {
    let mut cargo = workspace.cargo();
    cargo
        .args(["build", "--locked", "--profile", shipped.profile])
        .args(["--package", shipped.package, "--bin", shipped.program])
        .args(["--target", target.triple(), "--target-dir"])
        .arg(workspace.target())
        .env_remove("RUSTFLAGS")
        .envs(reproducible::environment(workspace, target)?);
    succeed(&mut cargo)?;
    let built = workspace
        .target()
        .join(target.triple())
        .join(shipped.profile)
        .join(shipped.program);
    let folder = workspace.context().join(target.architecture());
    let program = folder.join(shipped.program);
    lay_out(&built, &program, 0o755)?;
    let sbom = workspace.sbom(shipped);
    let name = sbom.file_name().context("an SBOM has a name")?;
    lay_out(&sbom, &folder.join(name), 0o644)?;
    Ok(program)
}

/// The mode is set, because images keep it and every user's own differs.
fn lay_out(from: &Path, to: &Path, mode: u32) -> Result<()> {
    let copy = || {
        fs::create_dir_all(to.parent().unwrap_or(to))?;
        fs::copy(from, to)?;
        fs::set_permissions(to, fs::Permissions::from_mode(mode))
    };
    copy().with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_laid_out_has_the_mode_of_images_and_not_of_the_user() {
        let folder = tempfile::tempdir().expect("there is a temporary folder");
        let from = folder.path().join("from");
        fs::write(&from, "program").expect("it can be written");
        fs::set_permissions(&from, fs::Permissions::from_mode(0o700)).expect("it is ours");
        let to = folder.path().join("amd64/to");
        lay_out(&from, &to, 0o755).expect("it is copied");
        let mode = fs::metadata(&to).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o7777, 0o755);
        let missing =
            lay_out(&folder.path().join("none"), &to, 0o755).expect_err("it is not there");
        assert!(missing.to_string().contains("none"), "{missing}");
    }
}
