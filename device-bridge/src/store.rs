//! What is known of the cluster: networks of all namespaces, pods of this node.
//!
//! Only an index. Who fills it (files, a watch) and who looks up what it does not hold is decided elsewhere.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::{Duration, Instant},
};

use api::network::Network;
use spec::{
    bridge::{Legacy, PodRef},
    network::{Namespace, NetworkRef, ObjectName},
};

use crate::{
    networks::{LegacyObject, Networks},
    pod_facts::PodFacts,
};

type Pods = BTreeMap<(Namespace, ObjectName), Arc<PodFacts>>;

/// The index. No lock is held while anything is waited for.
#[derive(Debug, Default)]
pub struct Store {
    networks: RwLock<Networks>,
    pods: RwLock<Pods>,
    heard: RwLock<Heard>,
}

/// When something was last heard of each kind.
#[derive(Clone, Copy, Debug, Default)]
struct Heard {
    networks: Option<Instant>,
    pods: Option<Instant>,
}

impl Store {
    /// The network of this namespace and name.
    #[must_use]
    pub fn network(&self, network: &NetworkRef) -> Option<Arc<Network>> {
        read(&self.networks).get(network).cloned()
    }

    /// The `Network` of an old release of Multus, as files gave it. The API server's are not watched.
    #[must_use]
    pub fn legacy_network(
        &self,
        legacy: Legacy,
        network: &NetworkRef,
    ) -> Option<Arc<LegacyObject>> {
        read(&self.networks).get_legacy(legacy, network).cloned()
    }

    /// Adds a `Network` of an old release of Multus.
    pub fn apply_legacy_network(&self, legacy: Legacy, network: NetworkRef, object: LegacyObject) {
        write(&self.networks).insert_legacy(legacy, network, Arc::new(object));
    }

    /// The pod of this namespace and name, whatever its UID.
    #[must_use]
    pub fn pod(&self, pod: &PodRef) -> Option<Arc<PodFacts>> {
        let key = (pod.namespace.clone(), pod.name.clone());
        read(&self.pods).get(&key).cloned()
    }

    /// All pods.
    #[must_use]
    pub fn pods(&self) -> Vec<Arc<PodFacts>> {
        read(&self.pods).values().cloned().collect()
    }

    /// Adds a network, or the new state of one.
    pub fn apply_network(&self, network: Network) {
        self.heard_of_networks();
        write(&self.networks).insert(Arc::new(network));
    }

    /// Removes a network.
    pub fn delete_network(&self, network: &NetworkRef) {
        self.heard_of_networks();
        write(&self.networks).remove(network);
    }

    /// Replaces all networks at once.
    pub fn reset_networks(&self, networks: impl IntoIterator<Item = Network>) {
        self.heard_of_networks();
        let networks = networks.into_iter().collect();
        *write(&self.networks) = networks;
    }

    /// Adds a pod, or the new state of one.
    pub fn apply_pod(&self, pod: PodFacts) {
        self.heard_of_pods();
        let (key, pod) = keyed(pod);
        write(&self.pods).insert(key, pod);
    }

    /// Removes a pod, unless another one of its name is known by now.
    pub fn delete_pod(&self, pod: &PodFacts) {
        self.heard_of_pods();
        let key = (pod.namespace.clone(), pod.name.clone());
        let mut pods = write(&self.pods);
        if pods.get(&key).is_some_and(|known| known.uid == pod.uid) {
            pods.remove(&key);
        }
    }

    /// Replaces all pods at once.
    pub fn reset_pods(&self, pods: impl IntoIterator<Item = PodFacts>) {
        self.heard_of_pods();
        let pods = pods.into_iter().map(keyed).collect();
        *write(&self.pods) = pods;
    }

    /// How many networks and pods there are.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        (read(&self.networks).len(), read(&self.pods).len())
    }

    /// How long nothing was heard of networks, and of pods; none where nothing ever was.
    #[must_use]
    pub fn ages(&self) -> (Option<Duration>, Option<Duration>) {
        let Heard { networks, pods } = *read(&self.heard);
        let age = |heard: Option<Instant>| heard.map(|at| at.elapsed());
        (age(networks), age(pods))
    }

    fn heard_of_networks(&self) {
        write(&self.heard).networks = Some(Instant::now());
    }

    fn heard_of_pods(&self) {
        write(&self.heard).pods = Some(Instant::now());
    }
}

fn keyed(pod: PodFacts) -> ((Namespace, ObjectName), Arc<PodFacts>) {
    ((pod.namespace.clone(), pod.name.clone()), Arc::new(pod))
}

/// A panic elsewhere leaves an index that is whole: every change is one insertion, removal or replacement.
fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{bare_question, network, pod};

    #[test]
    fn networks_come_and_go() {
        let store = Store::default();
        let (a, b) = (
            network("default/a", None, None),
            network("default/b", None, None),
        );
        store.apply_network(a.clone());
        store.reset_networks([b.clone()]);
        assert!(store.network(&a.reference).is_none());
        assert!(store.network(&b.reference).is_some());
        store.delete_network(&b.reference);
        store.delete_network(&b.reference);
        assert_eq!(store.counts(), (0, 0));
    }

    #[test]
    fn a_late_deletion_spares_the_successor() {
        let store = Store::default();
        let asked = bare_question().pod;
        store.reset_pods([pod("u1", "a")]);
        store.apply_pod(pod("u2", "b"));
        store.delete_pod(&pod("u1", "a"));
        assert_eq!(store.pod(&asked).unwrap().uid.as_deref(), Some("u2"));
        store.delete_pod(&pod("u2", "b"));
        assert!(store.pod(&asked).is_none());
    }
}
