//! `kubectl-polypod man`: the manual, a page for each command.

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result};
use clap::Command;

/// The arguments of `man`.
#[derive(Debug, clap::Args)]
pub struct ManArgs {
    /// The folder to write the pages to, such as /usr/local/share/man/man1; it is made where it is missing.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

/// Writes the pages of a command and its subcommands.
///
/// # Errors
/// The folder cannot be made, or a page cannot be written.
pub fn run(arguments: &ManArgs, command: Command) -> Result<ExitCode> {
    let folder = &arguments.out;
    fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    clap_mangen::generate_to(command, folder)
        .with_context(|| format!("cannot write pages to {}", folder.display()))?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("share/man1");
        let command = Command::new("kubectl-polypod")
            .subcommand(Command::new("doctor").about("Check an installation."));
        run(&ManArgs { out: out.clone() }, command).unwrap();
        let page = |name: &str| fs::read_to_string(out.join(name)).unwrap();
        assert!(page("kubectl-polypod.1").contains("doctor"));
        assert!(page("kubectl-polypod-doctor.1").contains("Check an installation."));
        fs::write(folder.path().join("file"), "").unwrap();
        let out = folder.path().join("file");
        let refused = run(&ManArgs { out }, Command::new("kubectl-polypod")).unwrap_err();
        assert!(format!("{refused:#}").contains("file"), "{refused:#}");
    }
}
