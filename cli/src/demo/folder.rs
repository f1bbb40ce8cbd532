//! The one temporary folder in which everything of the demo lies, and what is where in it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

/// A unix socket's path has at most 107 bytes (`sun_path` of unix(7)); the longest socket in the folder needs this many.
const LONGEST_ROOT: usize = 80;

/// The folder. It is removed when dropped, unless it is kept.
pub(super) struct Folder {
    temporary: TempDir,
}

/// The folders in it.
const PARTS: [&str; 10] = [
    "bin", "conf", "leases", "logs", "netns", "records", "run", "state", "status", "sys",
];

impl Folder {
    /// Makes the folder where temporary files go, which `TMPDIR` decides.
    pub(super) fn create() -> Result<Self> {
        let temporary = tempfile::Builder::new()
            .prefix("polypod-demo-")
            .tempdir()
            .context("cannot make a temporary folder; TMPDIR says where")?;
        check_path(temporary.path())?;
        for part in PARTS {
            fs::create_dir(temporary.path().join(part))
                .with_context(|| format!("cannot make the folder {part}"))?;
        }
        Ok(Self { temporary })
    }

    /// The folder.
    pub(super) fn root(&self) -> &Path {
        self.temporary.path()
    }

    /// Something in it.
    pub(super) fn at(&self, relative: &str) -> PathBuf {
        self.root().join(relative)
    }

    /// A text with the folder of leases in the place of its placeholder.
    pub(super) fn fill(&self, template: &str) -> String {
        template.replace("@LEASES@", &self.at("leases").to_string_lossy())
    }

    /// Leaves the folder on disk.
    pub(super) fn keep(self) -> PathBuf {
        self.temporary.keep()
    }

    /// Removes it.
    pub(super) fn remove(self) -> Result<()> {
        self.temporary
            .close()
            .context("cannot remove the temporary folder")
    }
}

/// The files below `folder`, relative to it.
pub(super) fn files_below(folder: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in
            fs::read_dir(&next).with_context(|| format!("cannot read {}", next.display()))?
        {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                let path = entry.path();
                let relative = path.strip_prefix(folder).unwrap_or(&path);
                files.push(relative.display().to_string());
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The path goes into JSON inside YAML, into `CNI_PATH` and into socket addresses, all of which have characters of
/// their own.
fn check_path(path: &Path) -> Result<()> {
    let Some(text) = path.to_str() else {
        bail!(
            "the temporary folder {} is not UTF-8; set TMPDIR",
            path.display()
        );
    };
    if text.len() > LONGEST_ROOT {
        bail!(
            "the temporary folder {text} has a path too long for unix sockets; set TMPDIR to a shorter one"
        );
    }
    if text.contains(['"', '\'', '\\', ':', ';']) || text.contains(char::is_whitespace) {
        bail!(
            "the temporary folder {text} has a blank or one of \" ' \\ : ; in its path; set TMPDIR to another"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_filled_and_removed() {
        let folder = Folder::create().unwrap();
        fs::write(folder.at("leases/a"), "").unwrap();
        fs::create_dir(folder.at("leases/net")).unwrap();
        fs::write(folder.at("leases/net/b"), "").unwrap();
        assert_eq!(files_below(&folder.at("leases")).unwrap(), ["a", "net/b"]);
        assert!(folder.fill("\"@LEASES@\"").ends_with("/leases\""));
        let root = folder.root().to_owned();
        folder.remove().unwrap();
        assert!(!root.exists());
    }

    #[test]
    fn paths_that_cannot_be_written_everywhere() {
        assert!(check_path(Path::new("/tmp/polypod-demo-x")).is_ok());
        for bad in ["/tmp/a b", "/tmp/a:b", "/tmp/a'b"] {
            assert!(
                check_path(Path::new(bad))
                    .unwrap_err()
                    .to_string()
                    .contains("set TMPDIR")
            );
        }
        assert!(check_path(Path::new(&format!("/{}", "x".repeat(200)))).is_err());
    }
}
