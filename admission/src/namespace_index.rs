//! The namespaces and their labels.

use std::collections::BTreeMap;

use spec::network::Namespace;

/// Labels, by key.
pub type Labels = BTreeMap<String, String>;

/// On every namespace: its name, written by the API server itself.
const NAME: &str = "kubernetes.io/metadata.name";

/// The labels of all namespaces.
#[derive(Clone, Debug, Default)]
pub struct NamespaceIndex(BTreeMap<Namespace, Labels>);

impl NamespaceIndex {
    /// Adds a namespace, or replaces its labels.
    pub fn insert(&mut self, namespace: Namespace, labels: Labels) {
        self.0.insert(namespace, labels);
    }

    /// Removes a namespace.
    pub fn remove(&mut self, namespace: &Namespace) {
        self.0.remove(namespace);
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The labels of `namespace`. One that is not known, as in files, has the label that the API server gives to all.
    #[must_use]
    pub fn labels(&self, namespace: &Namespace) -> Labels {
        let name = || (NAME.to_owned(), namespace.to_string());
        match self.0.get(namespace) {
            Some(labels) => {
                let mut labels = labels.clone();
                labels.extend([name()]);
                labels
            }
            None => Labels::from([name()]),
        }
    }
}
