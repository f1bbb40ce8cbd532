//! The namespaces and their labels.

use std::collections::{BTreeMap, BTreeSet};

use spec::network::Namespace;

/// Labels, by key.
pub type Labels = BTreeMap<String, String>;

/// On every namespace: its name, written by the API server itself.
const NAME: &str = "kubernetes.io/metadata.name";

/// The labels of all namespaces, and which of them are going.
#[derive(Clone, Debug, Default)]
pub struct NamespaceIndex {
    labels: BTreeMap<Namespace, Labels>,
    terminating: BTreeSet<Namespace>,
}

impl NamespaceIndex {
    /// Adds a namespace, or replaces its labels.
    pub fn insert(&mut self, namespace: Namespace, labels: Labels) {
        self.labels.insert(namespace, labels);
    }

    /// Adds a namespace that was read by itself; what is known already is newer.
    pub fn insert_unknown(&mut self, namespace: Namespace, labels: Labels) {
        self.labels.entry(namespace).or_insert(labels);
    }

    /// Whether the labels of `namespace` are known, be there any or not.
    #[must_use]
    pub fn is_known(&self, namespace: &Namespace) -> bool {
        self.labels.contains_key(namespace)
    }

    /// Notes whether a namespace is being deleted, with everything in it.
    pub fn set_terminating(&mut self, namespace: &Namespace, terminating: bool) {
        if terminating {
            self.terminating.insert(namespace.clone());
        } else {
            self.terminating.remove(namespace);
        }
    }

    /// Whether a namespace is being deleted, with everything in it.
    #[must_use]
    pub fn is_terminating(&self, namespace: &Namespace) -> bool {
        self.terminating.contains(namespace)
    }

    /// Removes a namespace.
    pub fn remove(&mut self, namespace: &Namespace) {
        self.labels.remove(namespace);
        self.terminating.remove(namespace);
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The labels of `namespace`. One that is not known, as in files, has the label that the API server gives to all.
    #[must_use]
    pub fn labels(&self, namespace: &Namespace) -> Labels {
        let name = || (NAME.to_owned(), namespace.to_string());
        match self.labels.get(namespace) {
            Some(labels) => {
                let mut labels = labels.clone();
                labels.extend([name()]);
                labels
            }
            None => Labels::from([name()]),
        }
    }
}
