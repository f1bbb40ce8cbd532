//! The file of `--config`, watched: what is good in it is taken, what is not never is.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use admission::{
    Policy,
    configuration::{self, ConfigurationError},
};
use tracing::{error, info};

use crate::configured::{Configured, Origin};

/// How often the file is looked at. A ConfigMap's volume is changed by renaming a folder, which a watch of the file would
/// not see, and takes the kubelet a minute anyway.
const INTERVAL: Duration = Duration::from_secs(2);

/// A configuration that cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationFileError {
    /// The file cannot be read.
    #[error("--config: reading {}: {problem}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        problem: io::Error,
    },
    /// It holds no configuration.
    #[error("--config: {0}")]
    Configuration(#[from] ConfigurationError),
}

/// The file, and what was in it last.
#[derive(Debug)]
pub struct ConfigurationFile {
    path: PathBuf,
    /// What was judged last.
    judged: Seen,
    /// What was read last. Nothing is judged that is read once: a file that is being written where it is may be good
    /// YAML without its later part.
    seen: Seen,
}

/// What was read, or why it could not be.
type Seen = Result<String, String>;

impl ConfigurationFile {
    /// Reads the file for the first time.
    ///
    /// # Errors
    /// It cannot be read, or holds no configuration: nobody should begin with rules he did not write.
    pub fn open(path: PathBuf) -> Result<(Self, Policy), ConfigurationFileError> {
        let text = read(&path)?;
        let policy = configuration::parse(&text, &path.display().to_string())?;
        let file = Self {
            path,
            judged: Ok(text.clone()),
            seen: Ok(text),
        };
        Ok((file, policy))
    }

    /// What is to be done about what was read now; nothing where it was judged already, or is read for the first time.
    fn take(
        &mut self,
        read: Result<String, ConfigurationFileError>,
    ) -> Option<Result<Policy, ConfigurationFileError>> {
        let now = match &read {
            Ok(text) => Ok(text.clone()),
            Err(error) => Err(error.to_string()),
        };
        let is_settled = now == self.seen;
        self.seen = now;
        if !is_settled || self.seen == self.judged {
            return None;
        }
        self.judged.clone_from(&self.seen);
        let origin = self.path.display().to_string();
        Some(read.and_then(|text| Ok(configuration::parse(&text, &origin)?)))
    }

    /// Takes every good change of the file, for ever.
    pub async fn watch(mut self, configured: &Configured) {
        loop {
            tokio::time::sleep(INTERVAL).await;
            match self.take(read(&self.path)) {
                None => {}
                Some(Ok(policy)) => {
                    configured.replace(policy);
                    let hash = configured.standing().hash;
                    info!(path = %self.path.display(), hash, "Configuration taken");
                }
                Some(Err(error)) => {
                    configured.refuse(Origin::Config, error.to_string());
                    error!(%error, "Configuration not taken, the last good one stays; mend the file, it is read again");
                }
            }
        }
    }
}

fn read(path: &Path) -> Result<String, ConfigurationFileError> {
    std::fs::read_to_string(path).map_err(|problem| ConfigurationFileError::Read {
        path: path.to_owned(),
        problem,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "apiVersion: polypod.dev/v1alpha1\nkind: AdmissionConfiguration\n";

    #[test]
    fn changes_are_told_once_and_bad_ones_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.yaml");
        assert!(ConfigurationFile::open(path.clone()).is_err(), "no file");
        std::fs::write(&path, "kind: Pod").unwrap();
        assert!(
            ConfigurationFile::open(path.clone()).is_err(),
            "another kind"
        );
        std::fs::write(&path, HEAD).unwrap();
        let (mut file, policy) = ConfigurationFile::open(path.clone()).unwrap();
        assert_eq!(policy, Policy::default());
        assert!(file.take(read(&path)).is_none(), "nothing has changed");

        std::fs::write(&path, format!("{HEAD}systemNamespace: net\n")).unwrap();
        let policy = settled(&mut file).unwrap().unwrap();
        assert_eq!(policy.system_namespace.as_str(), "net");

        std::fs::write(&path, format!("{HEAD}injection: {{podNetInfo: 5}}\n")).unwrap();
        let error = settled(&mut file).unwrap().unwrap_err().to_string();
        assert!(error.contains("injection.podNetInfo"), "{error}");
        assert!(settled(&mut file).is_none(), "an error is told once");

        std::fs::remove_file(&path).unwrap();
        assert!(settled(&mut file).unwrap().is_err());
        assert!(settled(&mut file).is_none());
        std::fs::write(&path, HEAD).unwrap();
        assert!(settled(&mut file).unwrap().is_ok());
    }

    /// What comes of a change, which two looks see.
    fn settled(file: &mut ConfigurationFile) -> Option<Result<Policy, ConfigurationFileError>> {
        let path = file.path.clone();
        assert!(file.take(read(&path)).is_none(), "seen once");
        file.take(read(&path))
    }

    #[test]
    fn a_file_is_not_taken_while_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.yaml");
        let whole = format!(
            "{HEAD}systemNamespace: net\naccess: {{namespaceIsolation: true}}\nmodes: [{{mode: warn}}]\n"
        );
        std::fs::write(&path, HEAD).unwrap();
        let (mut file, _) = ConfigurationFile::open(path.clone()).unwrap();
        let ends: Vec<usize> = whole.match_indices('\n').map(|(at, _)| at + 1).collect();
        for end in &ends {
            std::fs::write(&path, &whole[..*end]).unwrap();
            assert!(file.take(read(&path)).is_none(), "{}", &whole[..*end]);
        }
        let policy = file.take(read(&path)).unwrap().unwrap();
        assert!(policy.access.namespace_isolation && policy.modes != Policy::default().modes);
        std::fs::write(&path, HEAD).unwrap();
        assert!(file.take(read(&path)).is_none());
        std::fs::write(&path, &whole).unwrap();
        assert!(settled(&mut file).is_none(), "back before it was taken");
    }
}
