//! Whether requests should be sent here.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::networks::Networks;

/// What the process knows of itself.
#[derive(Debug, Default)]
pub struct Readiness {
    is_serving: AtomicBool,
}

impl Readiness {
    /// TLS is up, with a certificate that clients accept.
    pub fn begin(&self) {
        self.is_serving.store(true, Ordering::Release);
    }

    /// The process is about to end: no new requests, please.
    pub fn end(&self) {
        self.is_serving.store(false, Ordering::Release);
    }

    /// Why not, or nothing.
    #[must_use]
    pub fn obstacle(&self, networks: &Networks) -> Option<&'static str> {
        if !self.is_serving.load(Ordering::Acquire) {
            return Some("TLS is not served (yet, or any more)");
        }
        (!networks.are_known()).then_some("the networks are not known yet")
    }
}
