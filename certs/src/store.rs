//! Where certificates outlive the process: the one trait through which Kubernetes enters.
//!
//! Every replica of the webhook serves from one stored bundle; `webhook` keeps it in a Secret.
//! Only text passes through here, so that this crate needs no Kubernetes client and its callers
//! can be tested without a cluster.

use std::error::Error;
use std::fmt;

use time::OffsetDateTime;

/// What is stored, one field for each key of a Kubernetes TLS Secret. Plain text, not checked yet.
#[derive(Clone, PartialEq, Eq)]
pub struct Bundle {
    /// `ca.crt`: the PEM certificates of all CAs that clients trust, for
    /// [`CaBundle::from_pem`](crate::ca_bundle::CaBundle::from_pem).
    pub ca_crt: String,
    /// `ca.key`: the PEM key of the CA that issues, for
    /// [`Authority::from_pem`](crate::authority::Authority::from_pem);
    /// absent where somebody else issues, as cert-manager does.
    pub ca_key: Option<String>,
    /// `ca-next.key`: the PEM key of a CA that clients are to trust (it is among those of `ca_crt`) before it issues;
    /// present while a rotation is in its first phase only.
    pub next_key: Option<String>,
    /// `tls.crt`: the server's PEM chain, for [`Leaf::from_pem`](crate::leaf::Leaf::from_pem).
    pub tls_crt: String,
    /// `tls.key`: the server's PEM key.
    pub tls_key: String,
    /// Since when the rotation is in its present phase; where it is missing, whoever looks waits from its own first look.
    pub since: Option<OffsetDateTime>,
}

impl Bundle {
    /// What is read from a store that holds nothing.
    pub const NOTHING: Self = Self {
        ca_crt: String::new(),
        ca_key: None,
        next_key: None,
        tls_crt: String::new(),
        tls_key: String::new(),
        since: None,
    };
}

impl fmt::Debug for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bundle")
            .field("ca_crt", &self.ca_crt)
            .field("tls_crt", &self.tls_crt)
            .field("since", &self.since)
            .finish_non_exhaustive()
    }
}

/// Keeps one [`Bundle`].
///
/// Two replicas may start at once and both find nothing. If both saved, one would serve a
/// certificate of a CA that nobody trusts; so a save names the state it replaces.
pub trait Store {
    /// Tells two states of the store apart; for a Secret its `resourceVersion`, or that it is absent.
    type Revision: Send + Sync;
    /// Why the store could not be read or written.
    type Error: Error + Send + Sync + 'static;

    /// The stored bundle, if there is one, and the state in which the store was found.
    fn load(
        &self,
    ) -> impl Future<Output = Result<(Option<Bundle>, Self::Revision), Self::Error>> + Send;

    /// Stores a bundle in place of what was found at `replaced`.
    ///
    /// Must fail, and change nothing, when the store has changed since: the caller loads again.
    fn save(
        &self,
        bundle: &Bundle,
        replaced: &Self::Revision,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

#[cfg(test)]
mod tests;
