//! NetworkAttachmentDefinitions by namespace and name.

use std::{collections::BTreeMap, sync::Arc};

use api::network::Network;
use spec::network::NetworkRef;

/// Networks that can be attached to. Cheap to copy in part: an answer needs two or three of thousands.
#[derive(Clone, Debug, Default)]
pub struct Networks(BTreeMap<NetworkRef, Arc<Network>>);

impl Networks {
    /// The network of this namespace and name.
    #[must_use]
    pub fn get(&self, network: &NetworkRef) -> Option<&Arc<Network>> {
        self.0.get(network)
    }

    /// Adds a network, in the place of one of the same namespace and name.
    pub fn insert(&mut self, network: Arc<Network>) {
        self.0.insert(network.reference.clone(), network);
    }

    /// Removes a network.
    pub fn remove(&mut self, network: &NetworkRef) {
        self.0.remove(network);
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
