//! The networks that pods can select, and what a person may have meant by a name that is none of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicUsize, Ordering},
};

use api::network::Network;
use spec::network::{Namespace, NetworkRef, ObjectName};

use crate::{packed_network::PackedNetwork, plugin_types::PluginTypes};

/// How many names around the wanted one, in either direction and from the beginning, are compared with it: a comparison
/// costs the product of both lengths, and nobody else is answered meanwhile.
const NEIGHBOURS: usize = 64;

/// Longer names are compared with none: who writes one copies it.
const LONGEST: usize = 64;

/// How many networks are searched for one of the same name in another namespace.
const SEARCHED: usize = 10_000;

/// How many networks may be parsed at the same time: about two megabytes.
const MOST_PARSED: usize = 512;

/// All networks, by namespace and name; parsed when they are looked at.
#[derive(Debug, Default)]
pub struct NetworkIndex {
    networks: BTreeMap<NetworkRef, Box<PackedNetwork>>,
    /// How many were parsed since all were packed.
    parsed: AtomicUsize,
}

impl NetworkIndex {
    /// Adds a network; one of the same namespace and name is replaced and given back.
    pub fn insert(&mut self, network: Network) -> Option<Network> {
        let key = network.reference.clone();
        let packed = Box::new(PackedNetwork::from(network));
        let replaced = self.networks.insert(key.clone(), packed);
        replaced.map(|packed| packed.unpack(&key))
    }

    /// Removes a network and gives it back.
    pub fn remove(&mut self, network: &NetworkRef) -> Option<Network> {
        let removed = self.networks.remove(network);
        removed.map(|packed| packed.unpack(network))
    }

    /// The network of this namespace and name.
    #[must_use]
    pub fn get(&self, network: &NetworkRef) -> Option<&Network> {
        let packed = self.networks.get(network)?;
        let count = || {
            self.parsed.fetch_add(1, Ordering::Relaxed);
        };
        Some(packed.network(network, count))
    }

    /// Whether so many networks are parsed that whoever may change them should [pack](Self::pack) them.
    #[must_use]
    pub fn is_to_be_packed(&self) -> bool {
        self.parsed.load(Ordering::Relaxed) >= MOST_PARSED
    }

    /// Keeps the texts of all networks alone, until they are looked at again.
    pub fn pack(&mut self) {
        self.networks.values_mut().for_each(|packed| packed.pack());
        *self.parsed.get_mut() = 0;
    }

    /// The types of a network's plugins; none of a network that is not there.
    pub(crate) fn types(&self, network: &NetworkRef) -> PluginTypes {
        let packed = self.networks.get(network);
        packed.map_or_else(PluginTypes::default, |packed| packed.types())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.networks.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty()
    }

    /// The networks of `namespace` whose names are a slip of the keyboard away from the wanted one, nearest first. In a
    /// namespace of very many they are found where the slip is not among the first letters.
    pub(crate) fn similar(&self, wanted: &NetworkRef) -> Vec<&ObjectName> {
        let name = wanted.name.as_str();
        // A third of the name may be wrong, but no more than three letters: beyond that it is another name.
        let limit = (name.len() / 3).clamp(1, 3);
        let mut similar: Vec<(usize, &ObjectName)> = self
            .candidates(wanted, limit)
            .into_iter()
            .map(|candidate| (strsim::osa_distance(candidate.as_str(), name), candidate))
            .filter(|(distance, _)| *distance <= limit)
            .collect();
        similar.sort();
        similar.into_iter().map(|(_, name)| name).collect()
    }

    /// The names that are worth comparing: few, and none that cannot be within `limit`.
    fn candidates(&self, wanted: &NetworkRef, limit: usize) -> BTreeSet<&ObjectName> {
        let name = wanted.name.as_str();
        if name.len() > LONGEST {
            return BTreeSet::new();
        }
        let is_own = |key: &&NetworkRef| key.namespace == wanted.namespace;
        let after = self.networks.range(wanted..).map(|(key, _)| key);
        let before = self.networks.range(..wanted).rev().map(|(key, _)| key);
        let around = after
            .take_while(is_own)
            .take(NEIGHBOURS)
            .chain(before.take_while(is_own).take(NEIGHBOURS))
            .map(|key| &key.name);
        let first = self.names_in(&wanted.namespace).take(NEIGHBOURS);
        around
            .chain(first)
            .filter(|candidate| candidate.as_str().len().abs_diff(name.len()) <= limit)
            .collect()
    }

    /// The other namespaces that have a network of the wanted name, as far as the first [`SEARCHED`] networks tell.
    pub(crate) fn elsewhere(&self, wanted: &NetworkRef) -> Vec<&Namespace> {
        self.networks
            .keys()
            .take(SEARCHED)
            .filter(|key| key.name == wanted.name && key.namespace != wanted.namespace)
            .map(|key| &key.namespace)
            .collect()
    }

    /// The names of all networks of a namespace, in their order.
    pub(crate) fn names_in(&self, namespace: &Namespace) -> impl Iterator<Item = &ObjectName> {
        let first = NetworkRef {
            namespace: namespace.clone(),
            name: "0".parse().expect("0 is a name, and none is before it"),
        };
        self.networks
            .range(first..)
            .map(|(key, _)| key)
            .take_while(move |key| key.namespace == *namespace)
            .map(|key| &key.name)
    }
}

impl Clone for NetworkIndex {
    fn clone(&self) -> Self {
        Self {
            networks: self.networks.clone(),
            parsed: self.parsed.load(Ordering::Relaxed).into(),
        }
    }
}

impl FromIterator<Network> for NetworkIndex {
    fn from_iter<I: IntoIterator<Item = Network>>(networks: I) -> Self {
        let mut index = Self::default();
        for network in networks {
            index.insert(network);
        }
        index
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{index, namespace, reference};

    #[test]
    fn looking_at_many_networks_is_told_until_they_are_packed() {
        let names: Vec<String> = (0..MOST_PARSED).map(|n| format!("default/n{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut index = index(&names);
        for _ in 0..2 {
            assert!(!index.is_to_be_packed());
            for name in &names {
                assert!(!index.is_to_be_packed(), "{name}");
                let network = index.get(&reference(name)).unwrap();
                assert_eq!(network.reference.to_string(), *name);
                index.get(&reference(name)).unwrap();
            }
            assert!(index.is_to_be_packed());
            index.pack();
        }
    }

    #[test]
    fn similar_names_nearest_first() {
        let index = index(&[
            "default/foo",
            "default/food",
            "default/bar",
            "ns1/fooo",
            "ns1/only",
        ]);
        let similar = |wanted: &str| -> Vec<String> {
            let similar = index.similar(&reference(wanted));
            similar.into_iter().map(ToString::to_string).collect()
        };
        assert_eq!(similar("default/fooo"), ["foo", "food"]);
        assert_eq!(
            similar("default/ofo"),
            ["foo"],
            "two letters in the wrong order are one slip"
        );
        assert_eq!(similar("default/zzz"), Vec::<String>::new());
        assert_eq!(similar("ns2/foo"), Vec::<String>::new());
    }

    #[test]
    fn few_names_are_compared() {
        let names: Vec<String> = (0..1000)
            .flat_map(|i| ["a", "ns", "z"].map(|ns| format!("{ns}/net{i:04}-of-many")))
            .collect();
        let index = index(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let wanted = reference("ns/net0500-of-namy");
        let candidates = index.candidates(&wanted, 3).len();
        assert!(candidates <= 3 * NEIGHBOURS, "{candidates}");
        assert!(
            index.similar(&wanted).len() > 3
                && index.similar(&wanted)[0].as_str() == "net0500-of-many"
        );
        let long = format!("ns/{}", "a".repeat(LONGEST + 1));
        assert!(index.candidates(&reference(&long), 3).is_empty());
        assert!(index.candidates(&reference("ns/net"), 1).is_empty());
        assert_eq!(index.names_in(&namespace("ns")).count(), 1000);
        assert_eq!(index.names_in(&namespace("b")).count(), 0);
    }

    #[test]
    fn the_same_name_elsewhere() {
        let mut index = index(&["default/foo", "ns1/only", "ns2/only"]);
        assert_eq!(index.elsewhere(&reference("default/only")).len(), 2);
        assert!(index.elsewhere(&reference("default/foo")).is_empty());
        assert!(index.remove(&reference("ns1/only")).is_some());
        assert!(index.remove(&reference("ns1/only")).is_none());
        assert_eq!(index.len(), 2);
        assert!(!index.is_empty());
    }
}
