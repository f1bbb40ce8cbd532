//! Finds the pod and the networks of a question: in the store, and in the API server where the store may not know yet.

use std::{collections::BTreeSet, sync::Arc};

use api::network::Network;
use futures::{StreamExt, stream};
use spec::{
    bridge::{Failure, Question},
    network::NetworkRef,
};

use crate::{
    live::Live, networks::Networks, pod_facts::PodFacts, selected::Selected, store::Store,
};

/// Reads of one question at the same time.
const READS: usize = 8;

/// Where objects are found.
#[derive(Debug)]
pub struct Lookup {
    store: Arc<Store>,
    live: Option<Live>,
    /// Whether what the store does not hold is taken not to be, where being wrong does no harm.
    store_is_complete: bool,
}

impl Lookup {
    /// In files.
    #[must_use]
    pub const fn in_files(store: Arc<Store>) -> Self {
        Self {
            store,
            live: None,
            store_is_complete: true,
        }
    }

    /// In a store that follows the API server, and in the API server for what is newer.
    #[must_use]
    pub const fn watched(store: Arc<Store>, live: Live) -> Self {
        Self {
            store,
            live: Some(live),
            store_is_complete: true,
        }
    }

    /// In the API server.
    #[must_use]
    pub fn live(live: Live) -> Self {
        Self {
            store: Arc::default(),
            live: Some(live),
            store_is_complete: false,
        }
    }

    /// The pod of a question. One whose annotations the runtime gave need not be known.
    ///
    /// # Errors
    /// The API server cannot be asked.
    pub async fn pod(&self, question: &Question) -> Result<Option<Arc<PodFacts>>, Failure> {
        let known = self.store.pod(&question.pod);
        let is_enough = match &known {
            Some(pod) => pod.may_have(question.pod.uid.as_deref()),
            None => question.annotations.is_some(),
        };
        match &self.live {
            Some(live) if !is_enough => Ok(live.pod(&question.pod).await?.map(Arc::new)),
            Some(_) | None => Ok(known),
        }
    }

    /// The selected networks, as far as they are there.
    ///
    /// # Errors
    /// The API server cannot be asked.
    pub async fn networks(&self, selected: &Selected) -> Result<Networks, Failure> {
        let mut seen = BTreeSet::new();
        // The futures own what they look for: async code that borrows from an iterator is beyond the compiler.
        let wanted: Vec<Wanted> = selected
            .required()
            .map(|network| (network, true))
            .chain(selected.optional().map(|network| (network, false)))
            .filter(|(network, _)| seen.insert(*network))
            .map(|(network, is_required)| Wanted {
                network: network.clone(),
                is_required,
            })
            .collect();
        let mut reads = stream::iter(wanted)
            .map(|wanted| self.find(wanted))
            .buffered(READS);
        let mut found = Networks::default();
        while let Some((network, is_required)) = reads.next().await {
            match network? {
                Some(network) => found.insert(network),
                // The answer is a refusal already. An annotation can name thousands of networks that are not there.
                None if is_required => break,
                None => {}
            }
        }
        Ok(found)
    }

    async fn find(&self, wanted: Wanted) -> (Result<Option<Arc<Network>>, Failure>, bool) {
        let Wanted {
            network,
            is_required,
        } = wanted;
        if let Some(known) = self.store.network(&network) {
            return (Ok(Some(known)), is_required);
        }
        let found = match &self.live {
            // A cluster network that is a file of the node would be asked for with every pod.
            Some(live) if is_required || !self.store_is_complete => live.network(&network).await,
            Some(_) | None => Ok(None),
        };
        (found.map(|network| network.map(Arc::new)), is_required)
    }
}

struct Wanted {
    network: NetworkRef,
    is_required: bool,
}

#[cfg(test)]
#[path = "lookup_tests.rs"]
mod tests;
