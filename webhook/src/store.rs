//! What is known of the cluster now: read by every request, written by whoever watches.

use std::{
    collections::BTreeSet,
    sync::{PoisonError, RwLock, RwLockWriteGuard},
};

use admission::{Cluster, Instances};
use spec::network::Namespace;

/// A kind of objects that is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// NetworkAttachmentDefinitions.
    Networks,
    /// Namespaces.
    Namespaces,
    /// Pods.
    Pods,
}

/// The one copy of all that is known; nothing is told of it until every watched part has been listed once.
///
/// A decision takes microseconds and holds no lock over an `await`, so a plain lock is enough; it also never makes a
/// copy of ten thousand networks because one of them has changed.
#[derive(Debug)]
pub struct Store(RwLock<State>);

#[derive(Debug)]
struct State {
    cluster: Cluster,
    unknown: BTreeSet<Part>,
}

impl Store {
    /// A store that does not know these parts yet.
    #[must_use]
    pub fn awaiting(parts: impl IntoIterator<Item = Part>) -> Self {
        Self(RwLock::new(State {
            cluster: Cluster::default(),
            unknown: parts.into_iter().collect(),
        }))
    }

    /// A store that knows all it will ever know, as from files.
    #[must_use]
    pub fn filled(cluster: Cluster) -> Self {
        Self(RwLock::new(State {
            cluster,
            unknown: BTreeSet::new(),
        }))
    }

    /// Calls `f` with what is known; with `None` until all parts are.
    pub fn read<T>(&self, f: impl FnOnce(Option<&Cluster>) -> T) -> T {
        // Poisoned or not, the lock holds whole objects: nothing is ever written in steps.
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        f(state.unknown.is_empty().then_some(&state.cluster))
    }

    /// The first part that is not known yet.
    #[must_use]
    pub fn awaited(&self) -> Option<Part> {
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        state.unknown.first().copied()
    }

    /// How many networks are known, listed or not.
    #[must_use]
    pub fn networks(&self) -> usize {
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        state.cluster.networks.len()
    }

    /// How many pods use networks of which kind, as far as it is known.
    #[must_use]
    pub fn instances(&self, system_namespace: &Namespace) -> Instances {
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Instances::count(&state.cluster, system_namespace)
    }

    /// Changes what is known of a part that has been listed. Until it has been, single objects of it are not known.
    pub fn change(&self, part: Part, f: impl FnOnce(&mut Cluster)) {
        let mut state = self.write();
        if !state.unknown.contains(&part) {
            f(&mut state.cluster);
        }
    }

    /// Takes a whole list of a part, from which moment it is known.
    pub fn list(&self, part: Part, f: impl FnOnce(&mut Cluster)) {
        let mut state = self.write();
        f(&mut state.cluster);
        state.unknown.remove(&part);
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Part {
    /// Its name in logs and on `/readyz`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Networks => "NetworkAttachmentDefinitions",
            Self::Namespaces => "Namespaces",
            Self::Pods => "Pods",
        }
    }
}
