//! Who may use which network.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use spec::{
    cni::PluginType,
    network::{Namespace, NetworkRef},
};

use super::{Namespaces, NetworkPattern};
use crate::Labels;

/// Rules about namespaces and networks. By default every pod may select every network, as with Multus.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Access {
    /// Whether pods select networks of their own namespace and of the global ones only (Multus's `namespaceIsolation`).
    pub namespace_isolation: bool,
    /// The namespaces whose networks all pods may select under isolation (Multus's `globalNamespaces`): `default` unless
    /// others are listed, as on the node.
    pub global_namespaces: BTreeSet<Namespace>,
    /// Whether a network of another namespace must be shared by its annotation `polypod.dev/shared-with`. Networks of the
    /// global namespaces are no exception.
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
    /// What they may select.
    pub networks: BTreeSet<NetworkPattern>,
}

/// The plugin types that some namespaces may use.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DelegateTypes {
    /// The namespaces of the pods.
    #[serde(default)]
    pub namespaces: Namespaces,
    /// The types, such as `macvlan`. Each plugin of a network's chain must be of one of them.
    pub types: BTreeSet<PluginType>,
    /// Whether they may also use networks without a configuration, whose plugins are in a file of the node and cannot be
    /// looked into from here.
    #[serde(default)]
    pub node_files: bool,
}

impl Default for Access {
    fn default() -> Self {
        let default = "default"
            .parse()
            .expect("default is lower case letters alone");
        Self {
            namespace_isolation: false,
            global_namespaces: BTreeSet::from([default]),
            require_sharing: false,
            require_use: false,
            allowed_networks: Vec::new(),
            delegate_types: Vec::new(),
        }
    }
}

impl Access {
    /// What is listed for `namespace`, which has `labels`, where `network` is not; `None` where it may be selected.
    pub(crate) fn not_listed<'l>(
        &self,
        network: &NetworkRef,
        namespace: &Namespace,
        labels: &impl Fn() -> &'l Labels,
    ) -> Option<Vec<&NetworkPattern>> {
        let mut listed = None;
        for entry in &self.allowed_networks {
            if entry.namespaces.contain(namespace, labels) {
                listed.get_or_insert_with(Vec::new).extend(&entry.networks);
            }
        }
        listed.filter(|listed| !listed.iter().any(|pattern| pattern.matches(network)))
    }

    /// The plugin types of `namespace`, which has `labels`; `None` where it may use any.
    pub(crate) fn types_of<'l>(
        &self,
        namespace: &Namespace,
        labels: &impl Fn() -> &'l Labels,
    ) -> Option<AllowedTypes<'_>> {
        let mut allowed = None;
        for entry in &self.delegate_types {
            if entry.namespaces.contain(namespace, labels) {
                let AllowedTypes { types, node_files } =
                    allowed.get_or_insert_with(AllowedTypes::default);
                types.extend(&entry.types);
                *node_files |= entry.node_files;
            }
        }
        allowed
    }
}

/// What all entries about a namespace say together.
#[derive(Clone, Debug, Default)]
pub(crate) struct AllowedTypes<'a> {
    pub(crate) types: BTreeSet<&'a PluginType>,
    pub(crate) node_files: bool,
}
