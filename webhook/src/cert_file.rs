//! The file with the CAs that clients are to trust (`--cert-out`).

use std::{
    fs::Permissions,
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use certs::ca_bundle::CaBundle;
use tempfile::Builder;

/// The file cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("writing the CA certificate to {}: {source}", path.display())]
pub struct CertFileError {
    path: PathBuf,
    source: io::Error,
}

/// Writes all of it or nothing: a reader never sees half a certificate.
///
/// # Errors
/// What the system says.
pub fn write(path: &Path, trust: &CaBundle) -> Result<(), CertFileError> {
    let write = || -> io::Result<()> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        // Certificates are public: whoever wants to verify must be able to read them.
        let mut file = Builder::new()
            .permissions(Permissions::from_mode(0o644))
            .tempfile_in(folder)?;
        file.write_all(trust.pem().as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|source| CertFileError {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use certs::authority::Authority;
    use time::{Duration, OffsetDateTime};

    use super::*;

    #[test]
    fn replaces_the_file_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let now = OffsetDateTime::now_utc();
        for _ in 0..2 {
            let authority = Authority::generate("a", now, Duration::DAY).unwrap();
            write(&path, &CaBundle::from(&authority)).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), authority.pem());
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let trust = CaBundle::from(&Authority::generate("a", now, Duration::DAY).unwrap());
        let error = write(&folder.path().join("no/ca.pem"), &trust).unwrap_err();
        assert!(error.to_string().contains("no/ca.pem"), "{error}");
    }
}
