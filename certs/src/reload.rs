//! The certificate a server presents, replaceable while it serves.
//!
//! rustls asks for a certificate in each handshake, so a swap needs no new listener, no new
//! configuration and drops no connection. What would be refused by clients is never swapped in:
//! the old certificate, as long as it lasts, is better than a new one that fails every call.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use time::OffsetDateTime;

use crate::ca_bundle::CaBundle;
use crate::error::Error;
use crate::foreign::Foreign;
use crate::leaf::Leaf;
use crate::names::ServerNames;

/// Holds the certificate that is presented in the next handshake.
#[derive(Debug, Default)]
pub struct Resolver {
    // Held only to read or to replace the pointer, so a handshake never waits for a swap's checks.
    current: RwLock<Option<Arc<CertifiedKey>>>,
}

impl Resolver {
    /// Starts with nothing: handshakes fail until something is presented.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Presents another certificate from the next handshake on.
    ///
    /// When clients trusting `trust` would refuse it at `now` under any of `names`,
    /// the error says why and the current certificate stays.
    pub fn swap(
        &self,
        leaf: &Leaf,
        trust: &CaBundle,
        names: &ServerNames,
        now: OffsetDateTime,
    ) -> Result<(), Error> {
        trust.verify(leaf, names, now)?;
        self.present(leaf);
        Ok(())
    }

    /// The same for a certificate that somebody else issued, as far as it can be judged.
    pub fn swap_foreign(&self, foreign: &Foreign, now: OffsetDateTime) -> Result<(), Error> {
        foreign.check(now)?;
        self.present(&foreign.leaf);
        Ok(())
    }

    /// What is presented now, for instance to publish its fingerprint and its remaining life.
    pub fn current(&self) -> Option<Arc<CertifiedKey>> {
        let current = self.current.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn present(&self, leaf: &Leaf) {
        let new = Some(leaf.certified_key());
        // Poisoned or not, the lock holds one whole pointer.
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
    }
}

impl ResolvesServerCert for Resolver {
    /// The same certificate whatever name is asked for: it is valid for all names of this server,
    /// and clients that call by IP address ask for none.
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.current()
    }
}

#[cfg(test)]
mod tests;
