//! Follows the node: looks when something may have changed, and publishes when something has, or the heartbeat is due.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use api::node_inventory::{Inventory, NodeInventory};
use k8s_openapi::Resource as _;
use kube::Client;
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::{
    args::Settings,
    cadence::{Cadence, Looked},
    fingerprint::Fingerprint,
    observe::{Look, Observer},
    printed::{metadata, node_resource_topology},
    publish::{Destination, Found, Outcome, PublishError, Publisher},
    sequence::Sequence,
};
use crate::{kubelet::PodResourcesClient, metrics::Metrics, store::Store};

/// How often it is looked whether the kubelet has written, and whether pods have come or gone: a system call and an index.
const WATCH: Duration = Duration::from_secs(1);

/// How long pods that come and go are not looked at after nothing of it was seen by the kubelet. It lists pods that the
/// API server has forgotten, and forgets devices of others only when it needs them.
const PATIENCE: Duration = Duration::from_secs(10);

/// The handle of whoever knows that something has changed.
#[derive(Clone, Debug, Default)]
pub struct Topology {
    poke: Arc<Notify>,
}

impl Topology {
    /// Something may have changed: a pod was given devices, or gave them back. Costs nothing, however often it is called.
    pub fn poke(&self) {
        self.poke.notify_one();
    }
}

/// What topology needs of the agent.
#[derive(Debug)]
pub struct Parts {
    /// The kubelet.
    pub kubelet: PodResourcesClient,
    /// Pods of this node.
    pub store: Arc<Store>,
    /// Where reports go; nowhere without it.
    pub destination: Option<Destination>,
    /// The kubelet's checkpoint of device allocations, whose change tells of a change.
    pub checkpoint: PathBuf,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What the command line says.
    pub settings: Settings,
}

impl Parts {
    /// Where reports go: the folder if one is given, else the API server. Without either nowhere.
    #[must_use]
    pub fn destination(folder: Option<&Path>, client: Option<&Client>) -> Option<Destination> {
        folder
            .map(|folder| Destination::Folder(folder.to_owned()))
            .or_else(|| client.cloned().map(Destination::Cluster))
    }
}

/// The handle, and what follows the node. That ends at once when there is nothing to publish, and otherwise never.
pub fn topology(parts: Parts) -> (Topology, impl Future<Output = ()> + Send) {
    let topology = Topology::default();
    let poke = Arc::clone(&topology.poke);
    (topology, async move {
        if let Some(mut follower) = Follower::new(parts) {
            follower.follow(&poke).await;
        }
    })
}

struct Follower {
    node: String,
    settings: Settings,
    metrics: Arc<Metrics>,
    checkpoint: PathBuf,
    observer: Observer,
    publisher: Publisher,
    known: Option<Known>,
    published: Option<(Inventory, Fingerprint)>,
    written: Option<SystemTime>,
    /// Resources that the metrics know of.
    resources: BTreeSet<String>,
}

/// What must be known before the first report.
struct Known {
    found: Found,
    sequence: Sequence,
}

impl Follower {
    fn new(parts: Parts) -> Option<Self> {
        let Parts {
            kubelet,
            store,
            destination,
            checkpoint,
            metrics,
            settings,
        } = parts;
        let destination =
            destination.filter(|_| settings.inventory || settings.node_resource_topology)?;
        let node = settings.node.clone()?;
        Some(Self {
            publisher: Publisher::new(destination, node.clone(), Arc::clone(&metrics)),
            observer: Observer::new(kubelet, checkpoint.clone(), store, settings.clone()),
            written: changed_at(&checkpoint),
            checkpoint,
            node,
            settings,
            metrics,
            known: None,
            published: None,
            resources: BTreeSet::new(),
        })
    }

    async fn follow(&mut self, poke: &Notify) {
        let mut cadence = Cadence::new(self.settings.heartbeat);
        loop {
            self.wait(&mut cadence, poke).await;
            cadence.looks();
            let is_beat = cadence.beat_is_due(Instant::now());
            let looked = match self.look(is_beat).await {
                Ok(looked) => looked,
                Err(problem) => {
                    tracing::warn!(
                        node = self.node,
                        problem,
                        "The node's topology is not published"
                    );
                    Looked::Failed
                }
            };
            cadence.looked(Instant::now(), looked);
        }
    }

    /// Waits until it is time to look.
    async fn wait(&mut self, cadence: &mut Cadence, poke: &Notify) {
        loop {
            let now = Instant::now();
            let Some(due) = cadence.due().filter(|due| now < *due) else {
                return;
            };
            tokio::select! {
                () = poke.notified() => cadence.changed(Instant::now()),
                () = sleep_until(due.min(now + WATCH)) => {
                    let now = Instant::now();
                    if self.kubelet_has_written() || cadence.may_look_again(now, PATIENCE) && self.pods_have_changed() {
                        cadence.changed(now);
                    }
                }
            }
        }
    }

    fn kubelet_has_written(&mut self) -> bool {
        let before = self.written;
        self.written = changed_at(&self.checkpoint);
        self.written != before
    }

    /// Whether a pod of the last report is gone or another one, or one is known by now that was not.
    fn pods_have_changed(&self) -> bool {
        self.published.as_ref().is_some_and(|(inventory, _)| {
            inventory.allocations.iter().any(|allocation| {
                let pod = self.observer.pod(&allocation.namespace, &allocation.name);
                pod.map(|pod| pod.uid) != allocation.pod_uid
            })
        })
    }

    /// Looks, and publishes what is new, or in any case when `is_beat`.
    async fn look(&mut self, is_beat: bool) -> Result<Looked, String> {
        if self.known.is_none() {
            let found = self.publisher.find(self.settings.inventory).await;
            let found = found.map_err(|error| error.to_string())?;
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            let now = now.map_or(0, |now| u64::try_from(now.as_nanos()).unwrap_or(u64::MAX));
            let sequence = Sequence::first(now, found.epoch);
            self.known = Some(Known { found, sequence });
        }
        let look = self.observer.look().await;
        let look = look.map_err(|error| error.to_string())?;
        self.count(&look.inventory);
        let is_known = |(inventory, fingerprint): &(Inventory, Fingerprint)| {
            *inventory == look.inventory && *fingerprint == look.fingerprint
        };
        if !is_beat && self.published.as_ref().is_some_and(is_known) {
            return Ok(Looked::Unchanged);
        }
        self.publish(look).await.map_err(|error| error.to_string())
    }

    async fn publish(&mut self, look: Look) -> Result<Looked, PublishError> {
        let Some(Known { found, sequence }) = &mut self.known else {
            return Ok(Looked::Failed);
        };
        // One that is lost on the way may have arrived: no number is used twice.
        let number = *sequence;
        *sequence = sequence.next();
        let metadata = || metadata(&self.node, found.node_uid.as_deref());
        let topology = self
            .settings
            .node_resource_topology
            .then(|| node_resource_topology(metadata(), &look.inventory, &look.fingerprint));
        let mut is_remade = false;
        if self.settings.inventory {
            let object = NodeInventory {
                api_version: NodeInventory::API_VERSION.to_owned(),
                kind: NodeInventory::KIND.to_owned(),
                metadata: metadata(),
                epoch: number.epoch,
                sequence: number.number,
                observed_at: Some(look.at),
                inventory: look.inventory.clone(),
            };
            let printed = self.publisher.print(&object, 0)?;
            is_remade = self.publisher.inventory(printed).await? == Outcome::Remade;
        }
        if let Some(topology) = topology {
            let printed = self.publisher.print(&topology, 0)?;
            self.publisher.topology(printed).await?;
        }
        tracing::debug!(
            epoch = number.epoch,
            sequence = number.number,
            pods = look.inventory.allocations.len(),
            "The node's topology is published"
        );
        self.published = Some((look.inventory, look.fingerprint));
        if is_remade {
            // The node may be another one, and the owner of the next report is that one.
            let found = self.publisher.find(self.settings.inventory).await?;
            if let Some(known) = &mut self.known {
                known.found = found;
            }
            self.published = None;
            return Ok(Looked::Failed);
        }
        Ok(Looked::Published)
    }

    fn count(&mut self, inventory: &Inventory) {
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let mut gone = std::mem::take(&mut self.resources);
        for amount in &inventory.resources {
            let held = amount.capacity - amount.available;
            self.metrics
                .set_devices(&amount.name, number(amount.allocatable), number(held));
            gone.remove(&amount.name);
            self.resources.insert(amount.name.clone());
        }
        for resource in gone {
            self.metrics.set_devices(&resource, 0, 0);
        }
    }
}

fn changed_at(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

#[cfg(test)]
#[path = "follow_tests.rs"]
mod tests;
