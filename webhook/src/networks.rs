//! The networks that are known now: read by every request, written by whoever watches.

use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

use admission::NetworkIndex;
use api::network::Network;
use spec::network::NetworkRef;

/// The one copy of all networks, unknown until it has been filled once.
///
/// A decision takes microseconds and holds no lock over an `await`, so a plain lock is enough; it also never makes a
/// copy of ten thousand networks because one of them has changed.
#[derive(Debug, Default)]
pub struct Networks(RwLock<Option<NetworkIndex>>);

impl Networks {
    /// Calls `f` with the networks; with `None` while they are not known yet.
    pub fn read<T>(&self, f: impl FnOnce(Option<&NetworkIndex>) -> T) -> T {
        // Poisoned or not, the lock holds whole networks: nothing is ever written in steps.
        f(self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref())
    }

    /// Whether they are known.
    #[must_use]
    pub fn are_known(&self) -> bool {
        self.read(|networks| networks.is_some())
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.read(|networks| networks.map_or(0, NetworkIndex::len))
    }

    /// Takes the place of everything that was known.
    pub fn replace(&self, networks: NetworkIndex) {
        *self.write() = Some(networks);
    }

    /// Adds or replaces one network. Until all are known, one alone is not.
    pub fn insert(&self, network: Network) {
        if let Some(networks) = self.write().as_mut() {
            networks.insert(network);
        }
    }

    /// Removes one network.
    pub fn remove(&self, network: &NetworkRef) {
        if let Some(networks) = self.write().as_mut() {
            networks.remove(network);
        }
    }

    fn write(&self) -> RwLockWriteGuard<'_, Option<NetworkIndex>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}
