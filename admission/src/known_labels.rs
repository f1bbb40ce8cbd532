//! The labels of a namespace, and whether anything was decided by them before they were known.

use std::cell::Cell;

use spec::network::Namespace;

use crate::{Cluster, Labels};

/// The labels of a namespace for one decision.
#[derive(Debug)]
pub(crate) struct KnownLabels {
    labels: Labels,
    /// Whether they are still to be read, so that these are only what every namespace has.
    are_unread: bool,
    were_looked_at: Cell<bool>,
}

impl KnownLabels {
    /// Those of `namespace`.
    pub(crate) fn of(namespace: &Namespace, cluster: &Cluster) -> Self {
        Self {
            labels: cluster.namespaces.labels(namespace),
            are_unread: cluster.is_unread(namespace),
            were_looked_at: Cell::new(false),
        }
    }

    /// The labels. Whoever takes them makes the decision depend on them.
    pub(crate) fn get(&self) -> &Labels {
        self.were_looked_at.set(true);
        &self.labels
    }

    /// Whether the decision depends on labels that nobody has read.
    pub(crate) fn are_missed(&self) -> bool {
        self.are_unread && self.were_looked_at.get()
    }
}
