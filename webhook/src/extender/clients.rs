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
use certs::client_ca::{ClientCa, names_of};
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
    /// Whom a certificate must be for; whomever where there are none.
    names: Vec<String>,
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
    /// It showed a good one, of somebody who may not ask.
    #[error(
        "the client's certificate is for `{0}`, which is none of --scheduler-client-name; give the scheduler a certificate of its own, or add its name there"
    )]
    Unnamed(String),
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
            names: Vec::new(),
            trusted: RwLock::new(trusted),
        })
    }

    /// Of the clients of these CAs only those whose certificate has one of these names; all where there are none.
    #[must_use]
    pub fn named(self, names: Vec<String>) -> Self {
        Self { names, ..self }
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
        self.recognize(&shown.chain)?;
        let mut found_good = shown
            .found_good
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *found_good = Some((version, Instant::now()));
        Ok(())
    }
}

impl Clients {
    /// Whether a client whose certificate is good is one of those who may ask.
    fn recognize(&self, chain: &[CertificateDer<'_>]) -> Result<(), Stranger> {
        if self.names.is_empty() {
            return Ok(());
        }
        let own = chain.first().ok_or(Stranger::Nobody)?;
        let names = names_of(own)?;
        match names.iter().any(|name| self.names.contains(name)) {
            true => Ok(()),
            false => Err(Stranger::Unnamed(names.join(", "))),
        }
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
                Stranger::Other(_) | Stranger::Unnamed(_) => StatusCode::FORBIDDEN,
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
    fn of_the_clients_of_a_ca_those_may_ask_who_are_named() {
        let now = OffsetDateTime::now_utc();
        let authority = Authority::generate("a", now, time::Duration::DAY).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.crt");
        std::fs::write(&path, authority.pem()).unwrap();
        let clients = |names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            Clients::open(path.clone()).unwrap().named(names)
        };
        let names = certs::names::ServerNames::new(["scheduler.example".parse().unwrap()]);
        let leaf = authority.issue(&names.unwrap(), now, time::Duration::DAY);
        let chain = leaf.unwrap().certified_key().cert.clone();
        clients(&[]).recognize(&chain).unwrap();
        clients(&["x", "scheduler.example"])
            .recognize(&chain)
            .unwrap();
        let error = clients(&["x", "scheduler"]).recognize(&chain).unwrap_err();
        assert!(error.to_string().contains("`scheduler.example`"), "{error}");
    }

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
