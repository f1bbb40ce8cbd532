//! Where everything is, and the programs that are run there.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use cargo_metadata::{Metadata, MetadataCommand};

use crate::shipped::Shipped;

/// The workspace as cargo sees it.
#[derive(Debug)]
pub(crate) struct Workspace {
    metadata: Metadata,
}

impl Workspace {
    /// The one that this package stands in.
    ///
    /// # Errors
    /// When cargo cannot read it, or Cargo.lock is not up to date.
    pub(crate) fn find() -> Result<Self> {
        // Of where it was built, and so of the sources that it is asked to build.
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("this package has no workspace above it")?;
        let metadata = MetadataCommand::new()
            .manifest_path(root.join("Cargo.toml"))
            .other_options(["--locked".to_owned()])
            .exec()
            .with_context(|| format!("cannot read the workspace {}", root.display()))?;
        Ok(Self { metadata })
    }

    /// What cargo knows of all packages.
    pub(crate) fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Its folder.
    pub(crate) fn root(&self) -> &Path {
        self.metadata.workspace_root.as_std_path()
    }

    /// Where cargo puts what it builds.
    pub(crate) fn target(&self) -> &Path {
        self.metadata.target_directory.as_std_path()
    }

    /// What the Containerfiles copy from: a folder for each architecture.
    pub(crate) fn context(&self) -> PathBuf {
        self.root().join("target/images")
    }

    /// The SBOM of a program.
    pub(crate) fn sbom(&self, shipped: &Shipped) -> PathBuf {
        self.root()
            .join(shipped.package)
            .join(format!("{}.cdx.json", shipped.program))
    }

    /// The cargo that runs this.
    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(self.root());
        cargo
    }

    /// What a program prints, without the last newline.
    ///
    /// # Errors
    /// When it cannot be executed, or fails; the message has its own.
    pub(crate) fn asked(&self, program: impl Into<OsString>, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(program.into());
        command.args(arguments).current_dir(self.root());
        printed(&mut command)
    }
}

/// Runs it, and returns what it prints.
///
/// # Errors
/// When it cannot be executed, fails, or prints no UTF-8.
pub(crate) fn printed(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("cannot execute {command:?}"))?;
    if !output.status.success() {
        bail!(
            "{command:?} failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    let text = String::from_utf8(output.stdout)
        .with_context(|| format!("{command:?} printed what is no UTF-8"))?;
    Ok(text.trim_end().to_owned())
}

/// Runs it, with this process's own output.
///
/// # Errors
/// When it cannot be executed, or fails.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot execute {command:?}"))?;
    if !status.success() {
        bail!("{command:?} failed: {status}");
    }
    Ok(())
}
