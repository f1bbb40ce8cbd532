//! Finds the pod and the networks of a question: in the store, and in the API server where the store may not know yet.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use api::network::Network;
use futures::{StreamExt, stream};
use spec::{
    bridge::{Failure, Legacy, PodRef, Question},
    cni::NetworkConf,
    network::NetworkRef,
};

use crate::{
    live::Live,
    networks::{LegacyObject, Networks},
    pod_facts::PodFacts,
    selected::Selected,
    store::Store,
};

/// Reads of one question at the same time.
const READS: usize = 8;

/// Where objects are found.
#[derive(Clone, Debug)]
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

    /// A pod that need not be looked up. It is that one, and no other of its name.
    #[must_use]
    pub fn known_pod(&self, pod: &PodRef) -> Option<Arc<PodFacts>> {
        let known = self.store.pod(pod);
        known.filter(|known| known.may_have(pod.uid.as_deref()))
    }

    /// The pods that need not be looked up.
    #[must_use]
    pub fn known_pods(&self) -> Vec<Arc<PodFacts>> {
        self.store.pods()
    }

    /// `name` in the configuration of a network that need not be looked up.
    #[must_use]
    pub fn cni_name(&self, network: &NetworkRef) -> Option<String> {
        let known = self.store.network(network)?;
        let delegate = known.conf.as_ref().ok()?.as_ref()?;
        let conf = NetworkConf::parse(&delegate.text).ok()?;
        Some(
            conf.name()
                .map_or_else(|| known.cni_name().to_string(), ToString::to_string),
        )
    }

    /// Whether a pod has had a sandbox with a network namespace of its own for at least `span`. It is not where that cannot be
    /// told.
    pub async fn runs_for(&self, pod: &PodRef, span: Duration) -> bool {
        match &self.live {
            Some(live) => live.runs_for(pod, span).await.unwrap_or_else(|failure| {
                tracing::warn!(%pod, %failure, "A pod cannot be looked up");
                false
            }),
            None => false,
        }
    }

    /// Whether there is no such pod any more, or another one of its name. In doubt it is there. The store alone does not
    /// say it, because it may not have the newest pod of a name yet.
    pub async fn is_gone(&self, pod: &PodRef) -> bool {
        let uid = pod.uid.as_deref();
        match (self.store.pod(pod), &self.live) {
            (Some(known), _) if known.may_have(uid) => false,
            (known, None) => known.is_some(),
            (_, Some(live)) => live
                .pod(pod)
                .await
                .is_ok_and(|found| found.is_none_or(|found| !found.may_have(uid))),
        }
    }

    /// Adds the UID to `pod` where it is missing and the pod is known.
    pub fn complete(&self, pod: &mut PodRef) {
        if pod.uid.is_none() {
            pod.uid = self.store.pod(pod).and_then(|known| known.uid.clone());
        }
    }

    /// The selected networks, as far as they are there.
    ///
    /// # Errors
    /// The API server cannot be asked.
    pub async fn networks(&self, selected: &Selected) -> Result<Networks, Failure> {
        let mut seen = BTreeSet::new();
        // The futures own what they look for: async code that borrows from an iterator is beyond the compiler.
        let definitions: Vec<Wanted> = selected
            .required()
            .map(|network| (network, Need::Required))
            .chain(selected.optional().map(|network| (network, Need::Optional)))
            .filter(|(network, _)| seen.insert(*network))
            .map(|(network, need)| Wanted {
                network: network.clone(),
                need,
            })
            .collect();
        let mut seen = BTreeSet::new();
        let legacy = selected
            .legacy()
            .filter(|(_, network)| seen.insert(*network))
            .map(|(legacy, network)| Wanted {
                network: network.clone(),
                need: Need::Legacy(legacy),
            });
        let wanted: Vec<Wanted> = legacy.chain(definitions).collect();
        let mut reads = stream::iter(wanted)
            .map(|wanted| self.find(wanted))
            .buffered(READS);
        let mut networks = Networks::default();
        while let Some((wanted, found)) = reads.next().await {
            let Wanted { network, need } = wanted;
            match (found?, need) {
                (Some(Found::Definition(found)), _) => networks.insert(found),
                (Some(Found::Legacy(legacy, found)), _) => {
                    networks.insert_legacy(legacy, network, found);
                }
                (None, Need::Optional) => {}
                // The answer is a refusal already. An annotation can name thousands of networks that are not there.
                (None, Need::Required | Need::Legacy(_)) => break,
            }
        }
        Ok(networks)
    }

    async fn find(&self, wanted: Wanted) -> (Wanted, Result<Option<Found>, Failure>) {
        let Wanted { network, need } = &wanted;
        let found = match need {
            Need::Legacy(legacy) => self.legacy(*legacy, network).await,
            Need::Required => self.definition(network, true).await,
            // A cluster network that is a file of the node would be asked for with every pod.
            Need::Optional => self.definition(network, !self.store_is_complete).await,
        };
        (wanted, found)
    }

    async fn definition(
        &self,
        network: &NetworkRef,
        may_ask: bool,
    ) -> Result<Option<Found>, Failure> {
        if let Some(known) = self.store.network(network) {
            return Ok(Some(Found::Definition(known)));
        }
        match &self.live {
            Some(live) if may_ask => {
                let found = live.network(network).await?;
                Ok(found.map(|network| Found::Definition(Arc::new(network))))
            }
            Some(_) | None => Ok(None),
        }
    }

    async fn legacy(&self, legacy: Legacy, network: &NetworkRef) -> Result<Option<Found>, Failure> {
        let found = match &self.live {
            Some(live) => live.legacy_network(legacy, network).await?.map(Arc::new),
            None => self.store.legacy_network(legacy, network),
        };
        Ok(found.map(|found| Found::Legacy(legacy, found)))
    }
}

/// An object to look for.
struct Wanted {
    network: NetworkRef,
    need: Need,
}

enum Need {
    /// A NetworkAttachmentDefinition that must be there.
    Required,
    /// A NetworkAttachmentDefinition, or else a file of the node.
    Optional,
    /// A `Network` of an old release of Multus.
    Legacy(Legacy),
}

enum Found {
    Definition(Arc<Network>),
    Legacy(Legacy, Arc<LegacyObject>),
}

#[cfg(test)]
#[path = "lookup_tests.rs"]
mod tests;
