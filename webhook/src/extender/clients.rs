//! Whose questions are answered: the file of `--scheduler-client-ca`, watched, and the certificates that clients show.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use axum::{
    Extension,
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};
use certs::client_ca::ClientCa;
use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;
use tracing::{debug, error, info};

/// How often the file is looked at, as others are.
const INTERVAL: Duration = Duration::from_secs(2);

/// For how long a certificate that was found good is taken for good: it may expire while its connection lasts.
const GOOD_FOR: Duration = Duration::from_secs(60);

/// What a client showed when its connection began.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// Its certificate and what leads to a CA; empty where it showed none.
    chain: Arc<[CertificateDer<'static>]>,
    /// When it was found good last, by which version of the CAs.
    found_good: Arc<Mutex<Option<(u64, Instant)>>>,
}

/// The CAs of those who may ask.
#[derive(Debug)]
pub struct Clients {
    path: PathBuf,
    trusted: RwLock<Trusted>,
}

#[derive(Clone, Debug)]
struct Trusted {
    ca: ClientCa,
    /// Grows with every change.
    version: u64,
}

/// CAs that cannot be taken.
#[derive(Debug, thiserror::Error)]
#[error("--scheduler-client-ca: reading {}: {problem}", path.display())]
pub struct ClientCaError {
    path: PathBuf,
    problem: Problem,
}

#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error(transparent)]
    Read(#[from] io::Error),
    #[error(transparent)]
    Certificate(#[from] certs::error::Error),
}

/// Why a client is not answered.
#[derive(Debug, thiserror::Error)]
pub enum Stranger {
    /// It showed no certificate.
    #[error(
        "no client certificate was shown; give kube-scheduler one in tlsConfig (certFile and keyFile), of a CA in the file of --scheduler-client-ca"
    )]
    Nobody,
    /// It showed another one.
    #[error("{}", crate::certificate::with_causes(.0))]
    Other(#[from] certs::error::Error),
}

impl Shown {
    /// What the client of a connection showed.
    #[must_use]
    pub fn new(chain: Option<&[CertificateDer<'static>]>) -> Self {
        Self {
            chain: chain.unwrap_or_default().into(),
            found_good: Arc::default(),
        }
    }
}

impl Clients {
    /// Reads the file for the first time.
    ///
    /// # Errors
    /// It cannot be read, or holds no CA.
    pub fn open(path: PathBuf) -> Result<Self, ClientCaError> {
        let trusted = Trusted {
            ca: read(&path)?,
            version: 0,
        };
        Ok(Self {
            path,
            trusted: RwLock::new(trusted),
        })
    }

    /// Takes every good change of the file, for ever. What is not good is told once, and the CAs before it stay.
    pub async fn watch(&self) {
        let mut seen = std::fs::read_to_string(&self.path).ok();
        loop {
            tokio::time::sleep(INTERVAL).await;
            let text = std::fs::read_to_string(&self.path).ok();
            if text != seen {
                seen = text;
                self.look();
            }
        }
    }

    fn look(&self) {
        match read(&self.path) {
            Ok(ca) => {
                let mut trusted = self.trusted.write().unwrap_or_else(PoisonError::into_inner);
                trusted.ca = ca;
                trusted.version += 1;
                info!(path = %self.path.display(), "CAs of schedulers taken");
            }
            Err(error) => {
                error!(%error, "CAs of schedulers not taken, the last good ones stay; mend the file, it is read again");
            }
        }
    }

    /// Whether a client may ask.
    ///
    /// # Errors
    /// It showed no certificate, or one that does not prove that it may.
    pub fn admit(&self, shown: &Shown) -> Result<(), Stranger> {
        if shown.chain.is_empty() {
            return Err(Stranger::Nobody);
        }
        let Trusted { ca, version } = {
            let trusted = self.trusted.read().unwrap_or_else(PoisonError::into_inner);
            let found_good = shown.found_good.lock();
            let found_good = *found_good.unwrap_or_else(PoisonError::into_inner);
            let is_good = |(version, at): (u64, Instant)| {
                version == trusted.version && at.elapsed() < GOOD_FOR
            };
            if found_good.is_some_and(is_good) {
                return Ok(());
            }
            trusted.clone()
        };
        ca.verify(&shown.chain, OffsetDateTime::now_utc())?;
        let mut found_good = shown
            .found_good
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *found_good = Some((version, Instant::now()));
        Ok(())
    }
}

/// Answers strangers itself: 401 to who showed no certificate, 403 to who showed another one.
pub async fn admitted(
    State(clients): State<Option<Arc<Clients>>>,
    shown: Option<Extension<Shown>>,
    request: Request,
    next: Next,
) -> Response {
    let shown = shown.map(|Extension(shown)| shown).unwrap_or_default();
    match clients.map_or(Ok(()), |clients| clients.admit(&shown)) {
        Ok(()) => next.run(request).await,
        Err(stranger) => {
            debug!(%stranger, "A client is not answered");
            let status = match stranger {
                Stranger::Nobody => StatusCode::UNAUTHORIZED,
                Stranger::Other(_) => StatusCode::FORBIDDEN,
            };
            (status, format!("{stranger}\n")).into_response()
        }
    }
}

fn read(path: &Path) -> Result<ClientCa, ClientCaError> {
    let read = || -> Result<ClientCa, Problem> {
        Ok(ClientCa::from_pem(&std::fs::read_to_string(path)?)?)
    };
    read().map_err(|problem| ClientCaError {
        path: path.to_owned(),
        problem,
    })
}

#[cfg(test)]
mod tests {
    use certs::authority::Authority;

    use super::*;

    #[test]
    fn a_damaged_file_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.crt");
        let error = Clients::open(path.clone()).unwrap_err().to_string();
        assert!(error.contains("--scheduler-client-ca"), "{error}");
        let now = OffsetDateTime::now_utc();
        let authority = Authority::generate("a", now, time::Duration::DAY).unwrap();
        std::fs::write(&path, authority.pem()).unwrap();
        let clients = Clients::open(path.clone()).unwrap();
        let version = || clients.trusted.read().unwrap().version;
        std::fs::write(&path, "nothing").unwrap();
        clients.look();
        assert_eq!(version(), 0);
        std::fs::write(&path, authority.pem()).unwrap();
        clients.look();
        assert_eq!(version(), 1);
        let nobody = clients.admit(&Shown::default());
        assert!(matches!(nobody, Err(Stranger::Nobody)));
    }
}
