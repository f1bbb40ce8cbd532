//! Some namespaces, as an administrator names them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use spec::network::Namespace;

use crate::{Labels, Selector};

/// Namespaces by name and by label; all where neither is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Namespaces {
    /// By name.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub names: BTreeSet<Namespace>,
    /// By label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<Selector>,
}

impl Namespaces {
    /// Whether `namespace`, which has `labels`, is one of them. The labels are looked at only where they decide.
    #[must_use]
    pub fn contain<'l>(&self, namespace: &Namespace, labels: &impl Fn() -> &'l Labels) -> bool {
        let by_label = |selector: &Selector| selector.matches(labels());
        let everywhere = self.names.is_empty() && self.selector.is_none();
        everywhere || self.names.contains(namespace) || self.selector.as_ref().is_some_and(by_label)
    }
}
