//! What the watches of the API server tell the engine.
//!
//! Watches break and begin again with a list. What is not in it any more went while nobody looked, and the engine is told
//! so.

use std::collections::HashSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{
    Api, Client,
    core::{ApiResource, GroupVersionKind},
    runtime::watcher,
};
use scheduler::{
    engine::{Event, Stage},
    report::{Sequence, Source},
};
use serde_json::Value;
use tracing::{debug, warn};

use super::{demands::is_counted, scheduling::Kind, watched::Watched};

/// How many objects a list brings at once: all of them are in memory, and much larger there than what is kept of them.
const PAGE: u32 = 50;

/// What came of one kind.
#[derive(Debug)]
pub struct Feed {
    kind: Kind,
    /// Names, or UIDs of pods, of what the engine was told of.
    known: HashSet<Box<str>>,
    /// The same of the list that is coming.
    listed: HashSet<Box<str>>,
    /// The pods of that list, and when they were bound.
    pods: Vec<((String, String), Event)>,
}

/// A kind, as calls of the API server name it.
#[must_use]
pub fn api(kind: Kind, client: Client) -> Api<Watched> {
    let (group, version, name, plural) = match kind {
        Kind::Nodes => ("", "v1", "Node", "nodes"),
        Kind::Pods => ("", "v1", "Pod", "pods"),
        Kind::Inventories => (
            "polypod.dev",
            "v1alpha1",
            "NodeInventory",
            "nodeinventories",
        ),
        Kind::Topologies => (
            "topology.node.k8s.io",
            "v1alpha2",
            "NodeResourceTopology",
            "noderesourcetopologies",
        ),
    };
    let kind = GroupVersionKind::gvk(group, version, name);
    Api::all_with(client, &ApiResource::from_gvk_with_plural(&kind, plural))
}

/// How a kind is watched.
#[must_use]
pub fn config() -> watcher::Config {
    watcher::Config::default().page_size(PAGE)
}

/// When a pod was bound, as texts that sort: when that was noted, and when the pod was made, for those of one second.
#[must_use]
pub fn bound_at(pod: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    let mut bound = conditions.filter(|condition| condition["type"] == "PodScheduled");
    let bound = bound
        .next()
        .map(|condition| text(&condition["lastTransitionTime"]));
    (
        bound.unwrap_or_default(),
        text(&pod["metadata"]["creationTimestamp"]),
    )
}

impl Feed {
    /// Nothing has come yet.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            known: HashSet::new(),
            listed: HashSet::new(),
            pods: Vec::new(),
        }
    }

    /// What the engine is to be told of what a watch brought, in this order.
    #[must_use]
    pub fn take(&mut self, event: &watcher::Event<Watched>) -> Vec<Event> {
        match event {
            watcher::Event::Init => {
                self.begin();
                Vec::new()
            }
            watcher::Event::InitApply(object) => {
                let event = self.read(object);
                if event.as_ref().is_some_and(|event| self.is_nothing(event)) {
                    return Vec::new();
                }
                self.listed.extend(self.key(&object.metadata));
                match (self.kind, event) {
                    // Their order matters: which of them a kubelet had first.
                    (Kind::Pods, Some(event)) => {
                        self.pods.push((bound_at(&object.object), event));
                        Vec::new()
                    }
                    (_, event) => Vec::from_iter(event),
                }
            }
            watcher::Event::InitDone => self.complete(),
            watcher::Event::Apply(object) => {
                let event = self.read(object);
                if !event.as_ref().is_some_and(|event| self.is_nothing(event)) {
                    self.known.extend(self.key(&object.metadata));
                }
                Vec::from_iter(event)
            }
            watcher::Event::Delete(object) => {
                let key = self.key(&object.metadata);
                key.into_iter()
                    .map(|key| {
                        self.known.remove(&key);
                        self.gone(key)
                    })
                    .collect()
            }
        }
    }

    /// The same of an API server that does not have the kind, and so has no object of it.
    #[must_use]
    pub fn without(&mut self) -> Vec<Event> {
        self.begin();
        self.complete()
    }

    /// Whether the engine was told of any object of the kind.
    #[must_use]
    pub fn knows_any(&self) -> bool {
        !self.known.is_empty() || !self.listed.is_empty()
    }

    /// A list begins. What came of one before it that did not come to its end was told of, and may be gone by now.
    fn begin(&mut self) {
        self.known.extend(self.listed.drain());
        self.pods.clear();
    }

    /// The list is complete: what is known and not in it is gone.
    fn complete(&mut self) -> Vec<Event> {
        let listed = std::mem::take(&mut self.listed);
        let known = std::mem::replace(&mut self.known, listed);
        let gone = known.into_iter().filter(|key| !self.known.contains(key));
        let mut events: Vec<Event> = gone.map(|key| self.gone(key)).collect();
        let mut pods = std::mem::take(&mut self.pods);
        pods.sort_by(|(one, _), (other, _)| one.cmp(other));
        events.extend(pods.into_iter().map(|(_, event)| event));
        events
    }

    /// What an object is known by; nothing where it has no such thing, and cannot be known.
    fn key(&self, metadata: &ObjectMeta) -> Option<Box<str>> {
        let key = match self.kind {
            Kind::Pods => metadata.uid.as_deref(),
            Kind::Nodes | Kind::Inventories | Kind::Topologies => metadata.name.as_deref(),
        };
        key.filter(|key| !key.is_empty()).map(Box::from)
    }

    /// Whether an event tells of a pod that need not be known: no kubelet could refuse it, or it is over and was never
    /// known. Most pods of a cluster are such; what was known of one goes with the list that does not have it.
    fn is_nothing(&self, event: &Event) -> bool {
        let Event::PodSeen(pod) = event else {
            return false;
        };
        let is_over = pod.stage == Stage::Ended && !self.known.contains(&pod.demand.uid);
        is_over || !is_counted(&pod.demand)
    }

    /// What an object tells. One that cannot be read is told of and passed over: what was known of it stays.
    fn read(&self, Watched { metadata, object }: &Watched) -> Option<Event> {
        let (api_version, kind) = match self.kind {
            Kind::Nodes => ("v1", "Node"),
            Kind::Pods => ("v1", "Pod"),
            Kind::Inventories => ("polypod.dev/v1alpha1", "NodeInventory"),
            Kind::Topologies => ("topology.node.k8s.io/v1alpha2", "NodeResourceTopology"),
        };
        match Event::of_object(api_version, kind, object, "") {
            Ok(event) => event,
            Err(error) => {
                match self.kind {
                    Kind::Pods => {
                        warn!(uid = metadata.uid, "A pod is passed over");
                        debug!(%error, "The pod that is passed over");
                    }
                    Kind::Nodes | Kind::Inventories | Kind::Topologies => {
                        warn!(%error, kind, "An object is passed over");
                    }
                }
                None
            }
        }
    }

    fn gone(&self, key: Box<str>) -> Event {
        match self.kind {
            Kind::Nodes => Event::NodeGone { name: key },
            Kind::Pods => Event::PodGone { uid: key },
            Kind::Inventories => Event::ReportGone {
                node: key,
                source: Source::Inventory(Sequence::default()),
            },
            Kind::Topologies => Event::ReportGone {
                node: key,
                source: Source::Topology,
            },
        }
    }
}

#[cfg(test)]
mod tests;
