//! Whether requests should be sent here.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use time::OffsetDateTime;

use crate::{
    certificate::status::Status,
    configured::Configured,
    store::{Part, Store},
};

/// What the process knows of itself.
#[derive(Debug, Default)]
pub struct Readiness {
    is_serving: AtomicBool,
    is_ending: AtomicBool,
    certificate: OnceLock<Arc<Status>>,
}

impl Readiness {
    /// TLS is up, with a certificate that clients accept.
    pub fn begin(&self) {
        self.is_serving.store(true, Ordering::Release);
    }

    /// The process is about to end: no new requests, please.
    pub fn end(&self) {
        self.is_ending.store(true, Ordering::Release);
        self.is_serving.store(false, Ordering::Release);
    }

    /// Whether the process is about to end. Requests that come all the same are answered.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.is_ending.load(Ordering::Acquire)
    }

    /// Whether TLS is up.
    #[must_use]
    pub fn is_serving(&self) -> bool {
        self.is_serving.load(Ordering::Acquire)
    }

    /// From here on there must be a certificate, too, which API servers accept.
    pub fn awaits(&self, certificate: Arc<Status>) {
        // The first one stays: a process has one certificate.
        let _is_first = self.certificate.set(certificate);
    }

    /// Why not, or nothing.
    #[must_use]
    pub fn obstacle(&self, store: &Store, configured: &Configured) -> Option<String> {
        if self.is_ending() {
            return Some("this webhook is about to end".to_owned());
        }
        if !self.is_serving() {
            return Some("TLS is not served yet".to_owned());
        }
        let certificate = self.certificate.get();
        let now = OffsetDateTime::now_utc();
        if let Some(obstacle) = certificate.and_then(|status| status.obstacle(now)) {
            return Some(obstacle);
        }
        if let Some(obstacle) = configured.awaited() {
            return Some(obstacle);
        }
        let awaited = store.awaited().map(Part::as_str);
        awaited.map(|kind| format!("the {kind} are not known yet"))
    }
}
