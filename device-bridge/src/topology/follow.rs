//! Follows the node: looks when something may have changed, and publishes when something has, or the heartbeat is due.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use api::node_inventory::{Amount, Inventory, NodeInventory};
use k8s_openapi::{
    Resource as _,
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
};
use kube::Client;
use serde::Serialize;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, sleep_until},
};

use super::{
    args::Settings,
    cadence::{Cadence, Looked},
    changes::Changes,
    digest::Digest,
    observe::{Look, Observer},
    printed::{metadata, node_resource_topology},
    publish::{Destination, Found, Outcome, PublishError, Publisher},
    sequence::Sequence,
    snapshot::Snapshot,
    told::Told,
};
use crate::{kubelet::PodResourcesClient, metrics::Metrics, store::Store};

/// How often it is looked whether the kubelet has written, and whether pods have come or gone: a system call and an index.
const WATCH: Duration = Duration::from_secs(1);

/// How long pods that come and go are not looked at after nothing of it was seen by the kubelet. It lists pods that the
/// API server has forgotten, and forgets devices of others only when it needs them.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// How long a look is put off while requests wait: a node that starts all its pods needs the memory and the time for them.
const OTHERS_FIRST: Duration = Duration::from_secs(10);

/// How often it is looked whether requests still wait.
const GLANCE: Duration = Duration::from_millis(100);

/// What stands around the inventory in its object, in bytes: more than enough.
const AROUND: usize = 1024;

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
    /// Who is told what came of it.
    pub told: watch::Sender<Told>,
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
    observer: Observer,
    publisher: Publisher,
    known: Option<Known>,
    /// The pods of the last look.
    reported: Vec<Reported>,
    inventory: Written,
    topology: Written,
    changes: Changes,
    told: watch::Sender<Told>,
    /// Resources that the metrics know of.
    resources: BTreeSet<String>,
    /// The same of their zones.
    zones: BTreeSet<(String, u32)>,
}

/// What must be known before the first report.
struct Known {
    found: Found,
    sequence: Sequence,
}

/// A pod that holds something.
struct Reported {
    namespace: String,
    name: String,
    uid: Option<String>,
}

impl Reported {
    fn is_of_name_of(&self, other: &Self) -> bool {
        self.name == other.name && self.namespace == other.namespace
    }
}

/// What is known of an object that was written: its hash, because it has a megabyte on a full node.
#[derive(Clone, Copy, Default)]
struct Written {
    last: Option<(u64, Instant)>,
}

impl Written {
    /// Whether it is to be written: it is another one, or old.
    fn is_due(self, hash: u64, heartbeat: Duration) -> bool {
        self.last
            .is_none_or(|(last, at)| last != hash || at.elapsed() >= heartbeat)
    }
}

/// [`NodeInventory`], whose inventory is printed as it is made.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Printed<'a> {
    api_version: &'a str,
    kind: &'a str,
    metadata: ObjectMeta,
    epoch: u64,
    sequence: u64,
    observed_at: MicroTime,
    #[serde(flatten)]
    inventory: &'a Snapshot,
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
            told,
        } = parts;
        let destination =
            destination.filter(|_| settings.inventory || settings.node_resource_topology)?;
        let node = settings.node.clone()?;
        Some(Self {
            publisher: Publisher::new(destination, node.clone(), Arc::clone(&metrics)),
            changes: Changes::new(&checkpoint, Arc::clone(&store)),
            observer: Observer::new(kubelet, checkpoint, store, settings.clone()),
            node,
            settings,
            metrics,
            told,
            known: None,
            reported: Vec::new(),
            inventory: Written::default(),
            topology: Written::default(),
            resources: BTreeSet::new(),
            zones: BTreeSet::new(),
        })
    }

    async fn follow(&mut self, poke: &Notify) {
        let mut cadence = Cadence::new(self.settings.heartbeat);
        loop {
            self.wait(&mut cadence, poke).await;
            self.let_others_go_first().await;
            cadence.looks();
            let looked = match self.look().await {
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
                    let may_look = cadence.may_look_again(now, PATIENCE);
                    if self.changes.kubelet_has_written()
                        || may_look && (self.changes.pods_have_come(now) || self.pods_have_changed())
                    {
                        cadence.changed(now);
                    }
                }
            }
        }
    }

    /// Waits until no request waits, but not without end.
    async fn let_others_go_first(&self) {
        let until = Instant::now() + OTHERS_FIRST;
        while self.metrics.waiting().get() > 0 && Instant::now() < until {
            sleep(GLANCE).await;
        }
    }

    /// Whether a pod of the last report is gone or another one, or one is known by now that was not.
    fn pods_have_changed(&self) -> bool {
        self.reported.iter().any(|reported| {
            let pod = self.observer.pod(&reported.namespace, &reported.name);
            pod.map(|pod| pod.uid) != reported.uid
        })
    }

    /// Looks, and publishes what is new or old.
    async fn look(&mut self) -> Result<Looked, String> {
        if self.known.is_none() {
            let found = self.publisher.find(self.settings.inventory).await;
            let found = found.map_err(|error| error.to_string())?;
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            let now = now.map_or(0, |now| u64::try_from(now.as_nanos()).unwrap_or(u64::MAX));
            let sequence = Sequence::first(now, found.epoch);
            self.known = Some(Known { found, sequence });
        }
        let look = self.observer.look().await;
        if let Some(kubelet) = Told::kubelet_of(&look) {
            self.tell(|told| told.kubelet = Some(kubelet));
        }
        let look = look.map_err(|error| error.to_string())?;
        let reported = reported(&look.snapshot);
        if look.is_settling
            && let Some(missing) = self.missing(&reported)
        {
            return Err(format!(
                "the kubelet restarted a moment ago and does not list pod {}/{} yet; its devices would be told free",
                missing.namespace, missing.name
            ));
        }
        self.count(look.snapshot.inventory());
        self.reported = reported;
        self.publish(look).await.map_err(|error| error.to_string())
    }

    /// A pod of the last look that is still there, and not among `reported`.
    fn missing(&self, reported: &[Reported]) -> Option<&Reported> {
        let mut before = self.reported.iter();
        before.find(|pod| {
            let known = self.observer.pod(&pod.namespace, &pod.name);
            // Another one of the name holds what it was given itself.
            let is_there =
                known.is_some_and(|known| pod.uid.as_ref().is_none_or(|uid| *uid == known.uid));
            is_there && !reported.iter().any(|found| found.is_of_name_of(pod))
        })
    }

    /// Each object by itself: one that is not taken is tried again, and the other one is not written for it.
    async fn publish(&mut self, look: Look) -> Result<Looked, PublishError> {
        let topology = self.print_topology(&look)?;
        let inventory = self.print_inventory(look)?;
        if inventory.is_none() && topology.is_none() {
            return Ok(Looked::Unchanged);
        }
        let mut result = Ok(Looked::Published);
        if let Some((hash, printed)) = inventory {
            let written = self.publisher.inventory(printed).await;
            let uid = self.publisher.inventory_uid();
            self.tell(|told| told.inventory = uid);
            match written {
                Ok(Outcome::Done) => self.inventory.last = Some((hash, Instant::now())),
                Ok(Outcome::Remade) => {
                    // The node may be another one, and the owner of the next report is that one.
                    let found = self.publisher.find(self.settings.inventory).await?;
                    if let Some(known) = &mut self.known {
                        known.found = found;
                    }
                    self.inventory = Written::default();
                    self.topology = Written::default();
                    return Ok(Looked::Failed);
                }
                Err(error) => result = Err(error),
            }
        }
        if let Some((hash, printed)) = topology {
            match self.publisher.topology(printed).await {
                Ok(()) => self.topology.last = Some((hash, Instant::now())),
                Err(error) => result = result.and(Err(error)),
            }
        }
        tracing::debug!(
            pods = self.reported.len(),
            "The node's topology is published"
        );
        result
    }

    fn tell(&self, change: impl FnOnce(&mut Told)) {
        self.told.send_if_modified(|told| {
            let before = told.clone();
            change(told);
            *told != before
        });
    }

    fn print_topology(&self, look: &Look) -> Result<Option<(u64, Vec<u8>)>, PublishError> {
        if !self.settings.node_resource_topology {
            return Ok(None);
        }
        let metadata = self.metadata();
        let object = node_resource_topology(metadata, look.snapshot.inventory(), &look.fingerprint);
        let Digest { hash, length } = Digest::of(&object).map_err(PublishError::Print)?;
        if !self.topology.is_due(hash, self.settings.heartbeat) {
            return Ok(None);
        }
        Ok(Some((hash, self.publisher.print(&object, length)?)))
    }

    /// What was seen is not needed any more.
    fn print_inventory(&mut self, look: Look) -> Result<Option<(u64, Vec<u8>)>, PublishError> {
        if !self.settings.inventory {
            return Ok(None);
        }
        let Digest { hash, length } = Digest::of(&look.snapshot).map_err(PublishError::Print)?;
        if !self.inventory.is_due(hash, self.settings.heartbeat) {
            return Ok(None);
        }
        let metadata = self.metadata();
        let Some(known) = &mut self.known else {
            return Ok(None);
        };
        // One that is lost on the way may have arrived: no number is used twice.
        let number = known.sequence;
        known.sequence = number.next();
        let object = Printed {
            api_version: NodeInventory::API_VERSION,
            kind: NodeInventory::KIND,
            metadata,
            epoch: number.epoch,
            sequence: number.number,
            observed_at: look.at,
            inventory: &look.snapshot,
        };
        let printed = self.publisher.print(&object, length + AROUND)?;
        Ok(Some((hash, printed)))
    }

    fn metadata(&self) -> ObjectMeta {
        let node_uid = self
            .known
            .as_ref()
            .and_then(|known| known.found.node_uid.as_deref());
        metadata(&self.node, node_uid)
    }

    fn count(&mut self, inventory: &Inventory) {
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let mut gone = std::mem::take(&mut self.resources);
        for amount in &inventory.resources {
            let held = amount.capacity - amount.available;
            self.metrics.set_devices(
                &amount.name,
                number(amount.allocatable),
                number(held),
                number(amount.available),
            );
            gone.remove(&amount.name);
            self.resources.insert(amount.name.clone());
        }
        for resource in gone {
            self.metrics.set_devices(&resource, 0, 0, 0);
        }
        let mut gone = std::mem::take(&mut self.zones);
        for zone in &inventory.zones {
            let is_known = |amount: &&Amount| self.resources.contains(&amount.name);
            // CPUs and memory are there, too, and are no devices.
            for amount in zone.resources.iter().filter(is_known) {
                let (allocatable, free) = (number(amount.allocatable), number(amount.available));
                self.metrics
                    .set_zone_devices(&amount.name, zone.id, allocatable, free);
                let place = (amount.name.clone(), zone.id);
                gone.remove(&place);
                self.zones.insert(place);
            }
        }
        for (resource, zone) in gone {
            self.metrics.set_zone_devices(&resource, zone, 0, 0);
        }
    }
}

fn reported(snapshot: &Snapshot) -> Vec<Reported> {
    let pods = snapshot.pods().held().iter();
    let pods = pods.map(|pod| Reported {
        namespace: pod.namespace.clone(),
        name: pod.name.clone(),
        uid: pod.uid.clone(),
    });
    pods.collect()
}

#[cfg(test)]
#[path = "follow_tests.rs"]
mod tests;
