//! Where certificates outlive the process: the one trait through which Kubernetes enters.
//!
//! Every replica of the webhook serves from one stored bundle; `webhook` keeps it in a Secret.
//! Only text passes through here, so that this crate needs no Kubernetes client and its callers
//! can be tested without a cluster.

use std::error::Error;
use std::fmt;

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
    /// `tls.crt`: the server's PEM chain, for [`Leaf::from_pem`](crate::leaf::Leaf::from_pem).
    pub tls_crt: String,
    /// `tls.key`: the server's PEM key.
    pub tls_key: String,
}

impl fmt::Debug for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bundle")
            .field("ca_crt", &self.ca_crt)
            .field("tls_crt", &self.tls_crt)
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
mod tests {
    use std::pin::pin;
    use std::sync::Mutex;
    use std::task::{Context, Poll, Waker};

    use time::{Duration, OffsetDateTime};

    use super::*;
    use crate::authority::Authority;
    use crate::ca_bundle::CaBundle;
    use crate::leaf::Leaf;
    use crate::names::ServerNames;

    #[derive(Debug, thiserror::Error)]
    #[error("the store has changed since it was loaded")]
    struct Conflict;

    /// A store in memory whose revision is the number of saves.
    #[derive(Default)]
    struct Memory(Mutex<(Option<Bundle>, u64)>);

    impl Store for Memory {
        type Revision = u64;
        type Error = Conflict;

        async fn load(&self) -> Result<(Option<Bundle>, u64), Conflict> {
            Ok(self.0.lock().unwrap().clone())
        }

        async fn save(&self, bundle: &Bundle, replaced: &u64) -> Result<(), Conflict> {
            let mut state = self.0.lock().unwrap();
            if state.1 != *replaced {
                return Err(Conflict);
            }
            *state = (Some(bundle.clone()), replaced + 1);
            Ok(())
        }
    }

    fn ready<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("the store in memory never waits"),
        }
    }

    fn now() -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap()
    }

    fn names() -> ServerNames {
        ServerNames::for_service("polypod", "kube-system").unwrap()
    }

    fn bundle() -> Bundle {
        let authority = Authority::generate("polypod", now(), Duration::DAY).unwrap();
        let leaf = authority.issue(&names(), now(), Duration::DAY).unwrap();
        Bundle {
            ca_crt: authority.pem().to_owned(),
            ca_key: Some(authority.key_pem()),
            tls_crt: leaf.chain_pem().to_owned(),
            tls_key: leaf.key_pem().to_owned(),
        }
    }

    #[test]
    fn what_is_loaded_serves_and_issues() {
        let store = Memory::default();
        let (nothing, revision) = ready(store.load()).unwrap();
        assert_eq!(nothing, None);
        ready(store.save(&bundle(), &revision)).unwrap();

        let loaded = ready(store.load()).unwrap().0.unwrap();
        let trust = CaBundle::from_pem(&loaded.ca_crt).unwrap();
        let leaf = Leaf::from_pem(&loaded.tls_crt, &loaded.tls_key).unwrap();
        trust.verify(&leaf, &names(), now()).unwrap();
        let authority = Authority::from_pem(&loaded.ca_crt, &loaded.ca_key.unwrap()).unwrap();
        let leaf = authority.issue(&names(), now(), Duration::DAY).unwrap();
        trust.verify(&leaf, &names(), now()).unwrap();
    }

    #[test]
    fn the_second_of_two_that_start_at_once_is_told() {
        let store = Memory::default();
        let (_, seen_by_both) = ready(store.load()).unwrap();
        ready(store.save(&bundle(), &seen_by_both)).unwrap();
        ready(store.save(&bundle(), &seen_by_both)).unwrap_err();
    }

    #[test]
    fn debug_does_not_show_the_keys() {
        assert!(!format!("{:?}", bundle()).contains("PRIVATE"));
    }
}
