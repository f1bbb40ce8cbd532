//! The administrator's decisions as they are now.

use std::sync::{Arc, PoisonError, RwLock};

use admission::Policy;

/// The policy that requests are judged by; whoever reads the configuration replaces it.
#[derive(Debug, Default)]
pub struct Configured(RwLock<Arc<Policy>>);

impl Configured {
    /// Begins with `policy`.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self(RwLock::new(Arc::new(policy)))
    }

    /// The policy: one request is judged by one, however often it is replaced meanwhile.
    #[must_use]
    pub fn current(&self) -> Arc<Policy> {
        // Poisoned or not, the lock holds one whole pointer.
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Requests that come from now on are judged by `policy`.
    pub fn replace(&self, policy: Policy) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(policy);
    }
}
