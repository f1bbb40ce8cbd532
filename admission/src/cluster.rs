//! What admission knows of the cluster when it decides.

use spec::network::Namespace;

use crate::{NamespaceIndex, NetworkIndex, Permissions, UsageIndex, device_claim::Devices};

/// Everything outside of an object that a decision about it may look at: values, kept up to date by whoever calls.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    /// The networks that pods can select.
    pub networks: NetworkIndex,
    /// The namespaces, for rules that select them by label.
    pub namespaces: NamespaceIndex,
    /// Who may use which network, for the rule that asks the API server.
    pub permissions: Permissions,
    /// What claims of devices ask for.
    pub devices: Devices,
    /// The pods that use each network, for rules about changing and deleting it.
    pub usage: UsageIndex,
}

impl From<NetworkIndex> for Cluster {
    /// A cluster of which nothing but its networks is known.
    fn from(networks: NetworkIndex) -> Self {
        Self {
            networks,
            ..Self::default()
        }
    }
}

impl Cluster {
    /// Whether the labels of `namespace` are still to be read. Where nobody can be asked, as with files, a namespace that
    /// is not there is one without labels.
    pub(crate) fn is_unread(&self, namespace: &Namespace) -> bool {
        self.permissions.can_be_asked() && !self.namespaces.is_known(namespace)
    }
}
