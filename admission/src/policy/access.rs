//! Who may use which network.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use spec::network::Namespace;

use super::Namespaces;

/// Rules about namespaces and networks. By default every pod may select every network, as with Multus.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Access {
    /// Whether pods select networks of their own namespace and of the global ones only (Multus's `namespaceIsolation`).
    pub namespace_isolation: bool,
    /// The namespaces whose networks all pods may select under isolation (Multus's `globalNamespaces`).
    pub global_namespaces: BTreeSet<Namespace>,
    /// Whether a network of another namespace must be shared by its annotation `polypod.dev/shared-with`.
    pub require_sharing: bool,
    /// Whether the pod's service account needs the RBAC verb `use` on each network.
    pub require_use: bool,
    /// Which networks the namespaces may select. A namespace that no entry is about may select any.
    pub allowed_networks: Vec<AllowedNetworks>,
    /// Which plugin types the networks of the namespaces' pods may be made of. A namespace that no entry is about may use
    /// any.
    pub delegate_types: Vec<DelegateTypes>,
}

/// The networks that some namespaces may select.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AllowedNetworks {
    /// The namespaces of the pods.
    #[serde(default)]
    pub namespaces: Namespaces,
    /// `namespace/name`, or `namespace/*` for all networks of a namespace.
    pub networks: BTreeSet<String>,
}

/// The plugin types that some namespaces may use.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DelegateTypes {
    /// The namespaces of the pods.
    #[serde(default)]
    pub namespaces: Namespaces,
    /// The types, such as `macvlan`.
    pub types: BTreeSet<String>,
}
