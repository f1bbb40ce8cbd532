//! What is known of the cluster now: read by every request, written by whoever watches.

use std::{
    collections::BTreeSet,
    sync::{PoisonError, RwLock, RwLockWriteGuard},
};

use admission::{Cluster, Permissions};

/// A kind of objects that is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// NetworkAttachmentDefinitions.
    Networks,
    /// Namespaces.
    Namespaces,
    /// ResourceClaims.
    Claims,
    /// ResourceClaimTemplates.
    ClaimTemplates,
    /// DeviceClasses.
    DeviceClasses,
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
    /// A store of an API server, which does not know these parts yet. Permissions can be asked for.
    #[must_use]
    pub fn awaiting(parts: impl IntoIterator<Item = Part>) -> Self {
        Self(RwLock::new(State {
            cluster: Cluster {
                permissions: Permissions::to_be_asked(),
                ..Cluster::default()
            },
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

    /// Changes what is known of permissions.
    pub fn permissions(&self, f: impl FnOnce(&mut Permissions)) {
        f(&mut self.write().cluster.permissions);
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Part {
    /// All kinds that an API server is watched for.
    pub const ALL: [Self; 5] = [
        Self::Networks,
        Self::Namespaces,
        Self::Claims,
        Self::ClaimTemplates,
        Self::DeviceClasses,
    ];

    /// Its name in logs and on `/readyz`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Networks => "NetworkAttachmentDefinitions",
            Self::Namespaces => "Namespaces",
            Self::Claims => "ResourceClaims",
            Self::ClaimTemplates => "ResourceClaimTemplates",
            Self::DeviceClasses => "DeviceClasses",
        }
    }
}
