//! Those who are told whom to trust, and those who serve: a file, or the cluster.

use std::{collections::BTreeSet, fmt, path::PathBuf, sync::Arc};

use certs::{
    ca_bundle::CaBundle,
    state::{Phase, State},
    store::Bundle,
};
use kube::Client;
use time::OffsetDateTime;
use tracing::warn;

use super::{configurations::Configurations, endpoints, status::Status};
use crate::{cert_file, readiness::Readiness};

/// What a leader tells the world, and asks it.
pub trait World {
    /// Tells clients to trust the CAs of `bundle` and no others; whether they all have been told.
    ///
    /// `is_current` says whether `bundle` is still what is stored, and this process the one to publish it. It is asked
    /// after a look at what clients are told, of which the write that follows makes sure that it has not changed: a
    /// process that was stopped in between cannot undo what its successor wrote.
    fn publish(
        &mut self,
        bundle: &Bundle,
        is_current: impl AsyncFn() -> bool,
    ) -> impl Future<Output = bool>;

    /// Whether every endpoint proves itself to clients that trust the issuing CA of `bundle` alone.
    fn serves(&mut self, bundle: &Bundle, now: OffsetDateTime) -> impl Future<Output = bool>;
}

/// One process whose clients read a file, if they read anything.
#[derive(Debug)]
pub struct CertFile {
    path: Option<PathBuf>,
    written: String,
    fault: Option<String>,
}

impl CertFile {
    /// Nothing is written yet.
    #[must_use]
    pub fn new(path: Option<PathBuf>) -> Self {
        Self {
            path,
            written: String::new(),
            fault: None,
        }
    }

    /// Why the file could not be written.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        self.fault.clone()
    }
}

impl World for CertFile {
    async fn publish(&mut self, bundle: &Bundle, _: impl AsyncFn() -> bool) -> bool {
        let Some(path) = &self.path else { return true };
        if self.written == bundle.ca_crt {
            return true;
        }
        let Ok(trust) = CaBundle::from_pem(&bundle.ca_crt) else {
            return false;
        };
        match cert_file::write(path, &trust) {
            Ok(()) => {
                self.written.clone_from(&bundle.ca_crt);
                self.fault = None;
                true
            }
            Err(error) => {
                warn!(%error, "Clients cannot be told whom to trust, trying again");
                self.fault = Some(error.to_string());
                false
            }
        }
    }

    async fn serves(&mut self, _: &Bundle, _: OffsetDateTime) -> bool {
        // This process is all there is, and it serves what it stores.
        true
    }
}

/// The API servers, by what their webhook configurations say, and every replica.
pub struct Cluster {
    /// Which configurations; none where somebody else tells the API servers.
    pub configurations: Option<Configurations>,
    /// The API server.
    pub client: Client,
    /// Whether this replica serves.
    pub readiness: Arc<Readiness>,
    /// What it serves.
    pub status: Arc<Status>,
    /// Services whose endpoints may not be looked at; each is told of once.
    pub unknown: BTreeSet<String>,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("configurations", &self.configurations)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl World for Cluster {
    async fn publish(&mut self, bundle: &Bundle, is_current: impl AsyncFn() -> bool) -> bool {
        let Some(configurations) = &self.configurations else {
            return true;
        };
        // API servers are sent here only once somebody answers.
        let serves = self.readiness.is_serving() && self.status.last_good().is_some();
        let Ok(trust) = CaBundle::from_pem(&bundle.ca_crt) else {
            return false;
        };
        if !serves {
            return false;
        }
        configurations
            .publish(&trust, is_current)
            .await
            .unwrap_or_else(|error| {
                warn!(%error, "The caBundle cannot be kept true, trying again");
                false
            })
    }

    async fn serves(&mut self, bundle: &Bundle, now: OffsetDateTime) -> bool {
        let state = State::read(bundle);
        if state.phase() != Phase::ServeNew {
            return false;
        }
        let Some(issuing) = state.authority.as_ref().map(CaBundle::from) else {
            return false;
        };
        if !self.status.satisfies(&issuing, now) {
            return false;
        }
        let Some(configurations) = &self.configurations else {
            return true;
        };
        let asked = endpoints::all_serve(&self.client, configurations, &issuing, &mut self.unknown);
        match asked.await {
            Ok(()) => true,
            Err(error) => {
                warn!(%error, "The old CA stays trusted: not every endpoint serves the new certificate");
                false
            }
        }
    }
}
