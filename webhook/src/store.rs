//! What is known of the cluster now: read by every request, written by whoever watches.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{PoisonError, RwLock, RwLockWriteGuard},
    time::{Duration, Instant},
};

use admission::{Cluster, Instances, Labels, Permissions};
use spec::network::Namespace;

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
    /// When the watch of a part brought something last.
    events: BTreeMap<Part, Instant>,
}

/// How a part is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The part.
    pub part: Part,
    /// How many objects are known of it.
    pub objects: usize,
    /// Whether it has been listed once, or is read from files.
    pub is_known: bool,
    /// Since when nothing has come, if anything ever has.
    pub last_event_age: Option<Duration>,
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
            events: BTreeMap::new(),
        }))
    }

    /// A store that knows all it will ever know, as from files.
    #[must_use]
    pub fn filled(cluster: Cluster) -> Self {
        Self(RwLock::new(State {
            cluster,
            unknown: BTreeSet::new(),
            events: BTreeMap::new(),
        }))
    }

    /// Calls `f` with what is known; with `None` until all parts are.
    pub fn read<T>(&self, f: impl FnOnce(Option<&Cluster>) -> T) -> T {
        let (result, is_to_be_packed) = {
            // Poisoned or not, the lock holds whole objects: nothing is ever written in steps.
            let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
            let result = f(state.unknown.is_empty().then_some(&state.cluster));
            (result, state.cluster.networks.is_to_be_packed())
        };
        // Looking at networks takes memory, which is given back from time to time.
        if is_to_be_packed {
            self.write().cluster.networks.pack();
        }
        result
    }

    /// How each part is kept.
    #[must_use]
    pub fn parts(&self) -> Vec<Kept> {
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Part::ALL
            .map(|part| Kept {
                part,
                objects: part.objects(&state.cluster),
                is_known: !state.unknown.contains(&part),
                last_event_age: state.events.get(&part).map(Instant::elapsed),
            })
            .into()
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
        state.events.insert(part, Instant::now());
        if !state.unknown.contains(&part) {
            f(&mut state.cluster);
        }
    }

    /// Takes a whole list of a part, from which moment it is known.
    pub fn list(&self, part: Part, f: impl FnOnce(&mut Cluster)) {
        let mut state = self.write();
        state.events.insert(part, Instant::now());
        f(&mut state.cluster);
        state.unknown.remove(&part);
    }

    /// Notes the labels of a namespace that the watch has not brought yet. When it does, they are its.
    pub fn namespace_read(&self, namespace: &Namespace, labels: Labels) {
        let mut state = self.write();
        let namespaces = &mut state.cluster.namespaces;
        namespaces.insert_unknown(namespace.clone(), labels);
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
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Networks,
        Self::Namespaces,
        Self::Pods,
        Self::Claims,
        Self::ClaimTemplates,
        Self::DeviceClasses,
    ];

    fn objects(self, cluster: &Cluster) -> usize {
        match self {
            Self::Networks => cluster.networks.len(),
            Self::Namespaces => cluster.namespaces.len(),
            Self::Pods => cluster.usage.len(),
            Self::Claims => cluster.devices.claims.len(),
            Self::ClaimTemplates => cluster.devices.templates.len(),
            Self::DeviceClasses => cluster.devices.classes.len(),
        }
    }

    /// Its name in logs and on `/readyz`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Networks => "NetworkAttachmentDefinitions",
            Self::Namespaces => "Namespaces",
            Self::Claims => "ResourceClaims",
            Self::ClaimTemplates => "ResourceClaimTemplates",
            Self::DeviceClasses => "DeviceClasses",
            Self::Pods => "Pods",
        }
    }
}

#[cfg(test)]
mod tests {
    use api::objects;

    use super::*;

    #[test]
    fn what_is_read_is_not_parsed_for_ever() {
        let texts = (0..2000).map(|n| format!("{{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {{name: n{n}}}, spec: {{}}}}"));
        let text = texts.collect::<Vec<_>>().join("\n---\n");
        let objects = objects::parse(&text, "f").unwrap();
        let networks = objects::networks(&objects, "default").unwrap();
        let references: Vec<_> = networks
            .iter()
            .map(|network| network.reference.clone())
            .collect();
        let networks: admission::NetworkIndex = networks.into_iter().collect();
        let store = Store::filled(networks.into());
        for reference in &references {
            store.read(|cluster| {
                let networks = &cluster.unwrap().networks;
                assert!(!networks.is_to_be_packed());
                assert!(networks.get(reference).is_some());
            });
        }
    }

    #[test]
    fn parts_are_kept_with_their_counts() {
        let text = "{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: a}, spec: {}}";
        let networks = objects::networks(&objects::parse(text, "f").unwrap(), "default").unwrap();
        let store = Store::awaiting([Part::Networks]);
        assert!(store.read(|cluster| cluster.is_none()));
        store.list(Part::Networks, |cluster| {
            cluster.networks = networks.into_iter().collect();
        });
        assert!(store.read(|cluster| cluster.is_some()));
        let [kept, other, ..] = store.parts()[..] else {
            panic!("two parts at least")
        };
        assert_eq!((kept.objects, kept.is_known, other.objects), (1, true, 0));
        assert!(kept.last_event_age.is_some() && other.last_event_age.is_none());
    }
}
