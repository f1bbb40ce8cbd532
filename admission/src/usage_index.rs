//! Which pods use which network.
//!
//! Only names are kept, each pod's once: ten thousand pods with a network each take about two megabytes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use spec::{
    bridge::PodAnnotations,
    network::{Namespace, NetworkRef, ObjectName, parse_default_network, parse_networks},
};

use crate::Users;

/// The networks of all pods that select any.
#[derive(Clone, Debug, Default)]
pub struct UsageIndex {
    pods: BTreeMap<Arc<str>, Box<[Arc<Used>]>>,
    networks: BTreeMap<Arc<Used>, BTreeSet<Arc<str>>>,
}

/// A network as a pod selects it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Used {
    /// Of a namespace.
    Named(NetworkRef),
    /// A default network without a namespace: it is looked for where the administrator's policy says.
    OfSystem(ObjectName),
}

impl UsageIndex {
    /// Takes what the pod `namespace/name` selects now in the place of what it selected before. A pod whose annotations
    /// cannot be read uses nothing.
    pub fn insert(&mut self, namespace: &Namespace, name: &str, annotations: &PodAnnotations) {
        self.remove(namespace, name);
        let used = used(namespace, annotations);
        if used.is_empty() {
            return;
        }
        let pod: Arc<str> = key(namespace, name).into();
        let mut shared = Vec::with_capacity(used.len());
        for network in used {
            let network = match self.networks.get_key_value(&network) {
                Some((network, _)) => Arc::clone(network),
                None => Arc::new(network),
            };
            self.networks
                .entry(Arc::clone(&network))
                .or_default()
                .insert(Arc::clone(&pod));
            shared.push(network);
        }
        self.pods.insert(pod, shared.into());
    }

    /// Forgets a pod.
    pub fn remove(&mut self, namespace: &Namespace, name: &str) {
        let pod = key(namespace, name);
        let Some(networks) = self.pods.remove(pod.as_str()) else {
            return;
        };
        for network in &networks {
            if let Some(pods) = self.networks.get_mut(network) {
                pods.remove(pod.as_str());
                if pods.is_empty() {
                    self.networks.remove(network);
                }
            }
        }
    }

    /// The pods that use `network`; none if there is no such pod. A default network without a namespace is one of
    /// `system_namespace`.
    #[must_use]
    pub fn users(&self, network: &NetworkRef, system_namespace: &Namespace) -> Option<Users> {
        let pods: BTreeSet<&Arc<str>> = self.pods_of(network, system_namespace).collect();
        let first = pods.iter().take(Users::MOST_NAMED);
        (!pods.is_empty()).then(|| Users {
            first: first.map(ToString::to_string).collect(),
            count: pods.len(),
        })
    }

    /// The namespaces of the pods that use `network`. A default network without a namespace is one of `system_namespace`.
    pub(crate) fn namespaces(
        &self,
        network: &NetworkRef,
        system_namespace: &Namespace,
    ) -> Vec<Namespace> {
        let pods = self.pods_of(network, system_namespace);
        let namespaces: BTreeSet<&str> = pods
            .filter_map(|pod| pod.split_once('/'))
            .map(|(namespace, _)| namespace)
            .collect();
        let parsed = namespaces.into_iter().map(str::parse);
        parsed.filter_map(Result::ok).collect()
    }

    fn pods_of(
        &self,
        network: &NetworkRef,
        system_namespace: &Namespace,
    ) -> impl Iterator<Item = &Arc<str>> {
        let named = self.networks.get(&Used::Named(network.clone()));
        let of_system = (network.namespace == *system_namespace)
            .then(|| self.networks.get(&Used::OfSystem(network.name.clone())))
            .flatten();
        named.into_iter().chain(of_system).flatten()
    }

    /// How many pods use any network.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pods.len()
    }

    /// Whether no pod uses any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pods.is_empty()
    }

    /// The networks of every pod that uses any.
    pub(crate) fn by_pod<'a>(
        &'a self,
        system_namespace: &Namespace,
    ) -> impl Iterator<Item = impl Iterator<Item = NetworkRef> + 'a> {
        let system_namespace = system_namespace.clone();
        self.pods.values().map(move |networks| {
            let system_namespace = system_namespace.clone();
            networks.iter().map(move |used| match used.as_ref() {
                Used::Named(network) => network.clone(),
                Used::OfSystem(name) => NetworkRef {
                    namespace: system_namespace.clone(),
                    name: name.clone(),
                },
            })
        })
    }
}

fn key(namespace: &Namespace, name: &str) -> String {
    format!("{namespace}/{name}")
}

fn used(namespace: &Namespace, annotations: &PodAnnotations) -> BTreeSet<Used> {
    let networks = annotations.networks.as_deref().unwrap_or_default();
    let mut used: BTreeSet<Used> = parse_networks(networks, namespace)
        .unwrap_or_default()
        .into_iter()
        .map(|selection| Used::Named(selection.network))
        .collect();
    used.extend(
        annotations
            .default_network
            .as_deref()
            .and_then(default_network),
    );
    used
}

/// What is looked for in any namespace that it is read with has none of its own.
fn default_network(text: &str) -> Option<Used> {
    let read = |namespace: &str| {
        let selection = parse_default_network(text, &namespace.parse().ok()?).ok()?;
        Some(selection.network)
    };
    let (one, other) = (read("a")?, read("b")?);
    Some(if one == other {
        Used::Named(one)
    } else {
        Used::OfSystem(one.name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{namespace, reference};

    fn annotations(networks: Option<&str>, default_network: Option<&str>) -> PodAnnotations {
        PodAnnotations {
            networks: networks.map(str::to_owned),
            default_network: default_network.map(str::to_owned),
        }
    }

    #[test]
    fn users_come_and_go() {
        let mut index = UsageIndex::default();
        let (default, system) = (namespace("default"), namespace("kube-system"));
        let users = |index: &UsageIndex, network: &str| {
            index
                .users(&reference(network), &system)
                .map_or("nobody".to_owned(), |users| users.to_string())
        };
        index.insert(&default, "a", &annotations(Some("foo, foo, ns1/bar"), None));
        assert_eq!(users(&index, "default/foo"), "pod default/a uses it");
        assert_eq!(users(&index, "ns1/bar"), "pod default/a uses it");
        for name in ["b", "c", "d", "e"] {
            index.insert(&default, name, &annotations(Some("foo"), None));
        }
        assert_eq!(
            users(&index, "default/foo"),
            "5 pods use it, default/a, default/b, default/c and 2 more"
        );
        index.insert(&default, "a", &annotations(Some("ns1/bar"), None));
        assert!(users(&index, "default/foo").starts_with("4 pods use it, default/b"));
        index.insert(&default, "a", &annotations(Some("[broken"), None));
        assert_eq!(users(&index, "ns1/bar"), "nobody");
        for name in ["b", "c", "d", "e", "e"] {
            index.remove(&default, name);
        }
        assert_eq!(users(&index, "default/foo"), "nobody");
        assert!(index.is_empty() && index.networks.is_empty());
    }

    #[test]
    fn a_default_network_without_a_namespace_is_of_the_policys() {
        let mut index = UsageIndex::default();
        index.insert(&namespace("ns1"), "a", &annotations(None, Some("def")));
        index.insert(&namespace("ns1"), "b", &annotations(None, Some("net/def")));
        let count = |network: &str, system: &str| {
            let users = index.users(&reference(network), &namespace(system));
            users.map_or(0, |users| users.count)
        };
        assert_eq!(count("kube-system/def", "kube-system"), 1);
        assert_eq!(count("net/def", "kube-system"), 1);
        assert_eq!(count("net/def", "net"), 2);
        assert_eq!(count("ns1/def", "kube-system"), 0);
        assert_eq!(index.len(), 2);
    }
}
