//! NetworkAttachmentDefinitions, and the objects that were before them, by namespace and name.

use std::{collections::BTreeMap, sync::Arc};

use api::network::Network;
use spec::{
    bridge::Legacy,
    network::{LegacyFault, LegacyNetwork, NetworkRef},
};

/// Networks that can be attached to. Cheap to copy in part: an answer needs two or three of thousands.
#[derive(Clone, Debug, Default)]
pub struct Networks {
    networks: BTreeMap<NetworkRef, Arc<Network>>,
    legacy: BTreeMap<(&'static str, NetworkRef), Arc<LegacyObject>>,
}

/// A `Network` of an old release of Multus, or what is wrong with it: its fault belongs into the error of the pod that
/// selects it.
pub type LegacyObject = Result<LegacyNetwork, LegacyFault>;

impl Networks {
    /// The network of this namespace and name.
    #[must_use]
    pub fn get(&self, network: &NetworkRef) -> Option<&Arc<Network>> {
        self.networks.get(network)
    }

    /// The `Network` of an old release of Multus.
    #[must_use]
    pub fn get_legacy(&self, legacy: Legacy, network: &NetworkRef) -> Option<&Arc<LegacyObject>> {
        self.legacy.get(&(legacy.group(), network.clone()))
    }

    /// Adds a `Network` of an old release of Multus.
    pub fn insert_legacy(
        &mut self,
        legacy: Legacy,
        network: NetworkRef,
        object: Arc<LegacyObject>,
    ) {
        self.legacy.insert((legacy.group(), network), object);
    }

    /// Adds a network, in the place of one of the same namespace and name.
    pub fn insert(&mut self, network: Arc<Network>) {
        self.networks.insert(network.reference.clone(), network);
    }

    /// Removes a network.
    pub fn remove(&mut self, network: &NetworkRef) {
        self.networks.remove(network);
    }

    /// How many NetworkAttachmentDefinitions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.networks.len()
    }

    /// Whether there is no NetworkAttachmentDefinition.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty()
    }
}

impl FromIterator<Arc<Network>> for Networks {
    fn from_iter<I: IntoIterator<Item = Arc<Network>>>(networks: I) -> Self {
        let mut all = Self::default();
        for network in networks {
            all.insert(network);
        }
        all
    }
}

impl FromIterator<Network> for Networks {
    fn from_iter<I: IntoIterator<Item = Network>>(networks: I) -> Self {
        networks.into_iter().map(Arc::new).collect()
    }
}
