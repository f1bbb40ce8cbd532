//! What makes the same bytes of the same sources, wherever they are and whenever they are built: no path and no clock of this machine reaches a program.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::{
    shipped::Target,
    workspace::{Workspace, printed},
};

/// The folders whose paths compilers write into what they compile, each with what is written in its place.
#[derive(Debug)]
pub(crate) struct Renamed(Vec<(PathBuf, String)>);

impl Renamed {
    /// Those of this machine.
    ///
    /// # Errors
    /// When rustc cannot be executed, or no folder of cargo is known.
    pub(crate) fn of(workspace: &Workspace) -> Result<Self> {
        let sysroot = PathBuf::from(workspace.asked("rustc", &["--print", "sysroot"])?);
        let version = workspace.asked("rustc", &["-vV"])?;
        let commit = version
            .lines()
            .find_map(|line| line.strip_prefix("commit-hash: "))
            .context("rustc -vV names no commit-hash")?;
        Ok(Self::from_folders(
            workspace.root(),
            workspace.target(),
            &cargo_home()?,
            &sysroot,
            commit,
        ))
    }

    /// A later one wins where two fit, and the target folder is in the workspace's as a rule.
    fn from_folders(
        workspace: &Path,
        target: &Path,
        cargo_home: &Path,
        sysroot: &Path,
        rustc_commit: &str,
    ) -> Self {
        Self(vec![
            (workspace.to_owned(), "/polypod".to_owned()),
            (target.to_owned(), "/polypod/target".to_owned()),
            (cargo_home.to_owned(), "/cargo".to_owned()),
            // What the standard library itself was compiled with; where the component rust-src is installed, rustc writes its
            // path instead.
            (
                sysroot.join("lib/rustlib/src/rust"),
                format!("/rustc/{rustc_commit}"),
            ),
        ])
    }

    /// For CARGO_ENCODED_RUSTFLAGS, whose separator stands in no path.
    ///
    /// # Errors
    /// When a path is no UTF-8.
    pub(crate) fn rustflags(&self) -> Result<String> {
        self.flags("--remap-path-prefix=", "\u{1f}")
    }

    /// For the C compilers of build scripts.
    ///
    /// # Errors
    /// When a path is no UTF-8, or has a space, at which build scripts would take it apart.
    pub(crate) fn cflags(&self) -> Result<String> {
        for (folder, _) in &self.0 {
            ensure!(
                !folder.to_string_lossy().contains(char::is_whitespace),
                "{} has a space in its name, which no build script of a C part understands: build in another folder",
                folder.display()
            );
        }
        self.flags("-ffile-prefix-map=", " ")
    }

    fn flags(&self, option: &str, separator: &str) -> Result<String> {
        let flags: Result<Vec<String>> = self
            .0
            .iter()
            .map(|(folder, name)| {
                let folder = folder
                    .to_str()
                    .with_context(|| format!("{} is no UTF-8", folder.display()))?;
                Ok(format!("{option}{folder}={name}"))
            })
            .collect();
        Ok(flags?.join(separator))
    }
}

/// Where the sources of dependencies are.
fn cargo_home() -> Result<PathBuf> {
    // Set by cargo for what it runs since 1.92, by rustup's shim before.
    if let Some(folder) = std::env::var_os("CARGO_HOME") {
        return Ok(folder.into());
    }
    std::env::home_dir()
        .map(|home| home.join(".cargo"))
        .context("neither CARGO_HOME nor a home folder is known")
}

/// The variables that a build gets.
///
/// # Errors
/// When this machine cannot be asked where things are.
pub(crate) fn environment(workspace: &Workspace, target: Target) -> Result<Vec<(String, String)>> {
    let renamed = Renamed::of(workspace)?;
    let underscored = target.triple().replace('-', "_");
    let cflags = format!("CFLAGS_{underscored}");
    let given = std::env::var(&cflags).unwrap_or_default();
    let mut variables = vec![
        // What C sources get for __DATE__ and __TIME__; a C part says in its log when it was built.
        ("SOURCE_DATE_EPOCH".to_owned(), "0".to_owned()),
        ("CARGO_ENCODED_RUSTFLAGS".to_owned(), renamed.rustflags()?),
        (
            cflags,
            format!("{given} {}", renamed.cflags()?).trim().to_owned(),
        ),
    ];
    let linker = format!("CARGO_TARGET_{}_LINKER", underscored.to_uppercase());
    if is_foreign(workspace, target)? && std::env::var_os(&linker).is_none() {
        // The one that comes with the compiler links for every machine; the system's links for its own.
        variables.push((linker, "rust-lld".to_owned()));
    }
    Ok(variables)
}

fn is_foreign(workspace: &Workspace, target: Target) -> Result<bool> {
    let mut rustc = std::process::Command::new("rustc");
    rustc
        .args(["--print", "host-tuple"])
        .current_dir(workspace.root());
    let host = printed(&mut rustc)?;
    let machine = |triple: &str| triple.split('-').next().map(str::to_owned);
    Ok(machine(&host) != machine(target.triple()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_folder_of_the_machine_is_left_in_a_name() {
        let renamed = Renamed::from_folders(
            Path::new("/home/a user/polypod"),
            Path::new("/scratch/target"),
            Path::new("/home/a user/.cargo"),
            Path::new("/toolchain"),
            "0123abcd",
        );
        assert_eq!(
            renamed
                .rustflags()
                .expect("they are UTF-8")
                .split('\u{1f}')
                .collect::<Vec<_>>(),
            [
                "--remap-path-prefix=/home/a user/polypod=/polypod",
                "--remap-path-prefix=/scratch/target=/polypod/target",
                "--remap-path-prefix=/home/a user/.cargo=/cargo",
                "--remap-path-prefix=/toolchain/lib/rustlib/src/rust=/rustc/0123abcd",
            ]
        );
        assert!(renamed.cflags().is_err(), "it has a space");
    }
}
