//! The plugin's kubeconfig, for nodes and moments in which no device-bridge answers.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kube::config::{
    AuthInfo, Cluster, Context, Kubeconfig, NamedAuthInfo, NamedCluster, NamedContext,
};

use super::{
    plugin_token::{Credential, Token},
    settings::Credentials,
    whole_file::{self, Placed},
};

/// A token is for root alone.
const MODE: u32 = 0o600;

/// The kubeconfig cannot be kept fresh. What was written before stays.
#[derive(Debug, thiserror::Error)]
pub enum KubeconfigError {
    /// The service account.
    #[error("cannot read {}: {source}; mount the service account there, or give --service-account-dir", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Empty, as a file that is being written.
    #[error("{} is empty; a service account's file has a token or certificates", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The kubeconfig's place.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is no token for it.
    #[error("the plugin has no token that is good: {0}")]
    Token(String),
    /// It has no text.
    #[error("cannot print a kubeconfig: {0}")]
    Print(String),
}

/// Writes the kubeconfig to `path`, with this process's own token, if that, the CA or the server are others than those in it.
///
/// # Errors
/// The credentials cannot be read, or the file not be written.
pub fn refresh(credentials: &Credentials, path: &Path) -> Result<Placed, KubeconfigError> {
    let token = read(credentials, "token")?;
    place(credentials, path, token.trim())
}

/// Writes it with what the plugin is to say who it is.
///
/// # Errors
/// As [`refresh`].
pub fn refresh_with(
    credentials: &Credentials,
    path: &Path,
    credential: &Credential,
) -> Result<Placed, KubeconfigError> {
    match credential {
        Credential::Own => refresh(credentials, path),
        Credential::Bound(token) => place(credentials, path, Token::secret(token)),
    }
}

fn read(credentials: &Credentials, name: &str) -> Result<String, KubeconfigError> {
    let path = credentials.service_account.join(name);
    let text = fs::read_to_string(&path).map_err(|source| KubeconfigError::Read {
        path: path.clone(),
        source,
    })?;
    if text.trim().is_empty() {
        return Err(KubeconfigError::Empty { path });
    }
    Ok(text)
}

fn place(credentials: &Credentials, path: &Path, token: &str) -> Result<Placed, KubeconfigError> {
    let as_whom = AuthInfo {
        token: Some(token.to_owned().into()),
        ..AuthInfo::default()
    };
    let kubeconfig = of(&credentials.server, &read(credentials, "ca.crt")?, as_whom);
    let text = serde_saphyr::to_string(&kubeconfig)
        .map_err(|error| KubeconfigError::Print(error.to_string()))?;
    let written = path
        .parent()
        .map_or(Ok(()), whole_file::make_private_folder)
        .and_then(|()| whole_file::clean(path, std::time::SystemTime::now()))
        .and_then(|_| whole_file::write(path, text.as_bytes(), MODE));
    written.map_err(|source| KubeconfigError::Write {
        path: path.to_owned(),
        source,
    })
}

/// A kubeconfig of one cluster and one user, with everything in it: the files it is made from are in another file system.
pub(super) fn of(server: &str, ca: &str, as_whom: AuthInfo) -> Kubeconfig {
    const NAME: &str = "polypod";
    Kubeconfig {
        api_version: Some("v1".to_owned()),
        kind: Some("Config".to_owned()),
        clusters: vec![NamedCluster {
            name: NAME.to_owned(),
            cluster: Some(Cluster {
                server: Some(server.to_owned()),
                certificate_authority_data: Some(STANDARD.encode(ca)),
                ..Cluster::default()
            }),
            ..NamedCluster::default()
        }],
        auth_infos: vec![NamedAuthInfo {
            name: NAME.to_owned(),
            auth_info: Some(as_whom),
            ..NamedAuthInfo::default()
        }],
        contexts: vec![NamedContext {
            name: NAME.to_owned(),
            context: Some(Context {
                cluster: NAME.to_owned(),
                user: Some(NAME.to_owned()),
                ..Context::default()
            }),
            ..NamedContext::default()
        }],
        current_context: Some(NAME.to_owned()),
        ..Kubeconfig::default()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    /// As the kubelet projects a volume: files are links into a folder that is itself behind a link.
    fn project(volume: &Path, generation: &str, token: &str) {
        let data = volume.join(generation);
        fs::create_dir(&data).unwrap();
        fs::write(data.join("token"), token).unwrap();
        fs::write(data.join("ca.crt"), format!("-----CA {generation}-----\n")).unwrap();
        let link = volume.join("..data_tmp");
        symlink(generation, &link).unwrap();
        fs::rename(link, volume.join("..data")).unwrap();
        for name in ["token", "ca.crt"] {
            let _ = symlink(Path::new("..data").join(name), volume.join(name));
        }
    }

    #[test]
    fn it_follows_a_projected_volume_and_is_read_by_kube() {
        let folder = tempfile::tempdir().unwrap();
        let volume = folder.path().join("sa");
        fs::create_dir(&volume).unwrap();
        project(&volume, "..1", "first\n");
        let credentials = Credentials {
            service_account: volume.clone(),
            server: "https://[fd00::1]:6443".to_owned(),
        };
        let path = folder.path().join("net.d/polypod.d/polypod.kubeconfig");
        assert_eq!(refresh(&credentials, &path).unwrap(), Placed::Written);
        assert_eq!(refresh(&credentials, &path).unwrap(), Placed::Same);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(
            fs::metadata(path.parent().unwrap())
                .unwrap()
                .permissions()
                .mode()
                & 0o777,
            0o700
        );

        project(&volume, "..2", "0x1e2: # [second");
        assert_eq!(refresh(&credentials, &path).unwrap(), Placed::Written);
        let text = fs::read_to_string(&path).unwrap();
        let read = Kubeconfig::from_yaml(&text).unwrap();
        let cluster = read.clusters[0].cluster.as_ref().unwrap();
        assert_eq!(cluster.server.as_deref(), Some("https://[fd00::1]:6443"));
        assert_eq!(
            STANDARD
                .decode(cluster.certificate_authority_data.as_ref().unwrap())
                .unwrap(),
            b"-----CA ..2-----\n"
        );
        // What another parser reads, too: the one of kubectl is libyaml.
        let other: serde_json::Value = serde_yaml_ng::from_str(&text).unwrap();
        assert_eq!(other["users"][0]["user"]["token"], "0x1e2: # [second");
        assert_eq!(read.current_context.as_deref(), Some("polypod"));
    }

    #[test]
    fn a_token_of_the_plugin_stands_in_for_the_own_one_which_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let volume = folder.path().join("sa");
        fs::create_dir(&volume).unwrap();
        project(&volume, "..1", "own");
        let credentials = Credentials {
            service_account: volume.clone(),
            server: "https://a".to_owned(),
        };
        let path = folder.path().join("kubeconfig");
        let bound = Credential::Bound(Token::new("of-the-plugin").unwrap());
        let refreshed = || refresh_with(&credentials, &path, &bound).unwrap();
        assert_eq!([refreshed(), refreshed()], [Placed::Written, Placed::Same]);
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text.contains("of-the-plugin") && !text.contains("own"),
            "{text}"
        );
        // Another CA, and a file that somebody removed or changed.
        project(&volume, "..2", "own");
        assert_eq!(refreshed(), Placed::Written);
        fs::remove_file(&path).unwrap();
        assert_eq!(refreshed(), Placed::Written);
        fs::write(&path, "").unwrap();
        assert_eq!(refreshed(), Placed::Written);
        refresh_with(&credentials, &path, &Credential::Own).unwrap();
        assert!(fs::read_to_string(&path).unwrap().contains("own"));
    }

    #[test]
    fn what_cannot_be_read_leaves_the_last_good_one() {
        let folder = tempfile::tempdir().unwrap();
        let volume = folder.path().join("sa");
        fs::create_dir(&volume).unwrap();
        project(&volume, "..1", "first");
        let credentials = Credentials {
            service_account: volume.clone(),
            server: "https://a".to_owned(),
        };
        let path = folder.path().join("kubeconfig");
        refresh(&credentials, &path).unwrap();
        let good = fs::read(&path).unwrap();
        project(&volume, "..2", " \n");
        let error = refresh(&credentials, &path).unwrap_err().to_string();
        assert!(error.contains("token is empty"), "{error}");
        fs::remove_file(volume.join("..data")).unwrap();
        let error = refresh(&credentials, &path).unwrap_err().to_string();
        assert!(error.contains("--service-account-dir"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), good);
    }
}
