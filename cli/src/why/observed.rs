//! What was seen of a cluster, in an order in which the engine can learn it.

use api::pod::Pod;
use scheduler::{
    demand::PodDemand,
    engine::{Engine, Event, Outcome},
    moment::Moment,
    observed::ObservedError,
};
use serde::Deserialize as _;
use serde_json::Value;

use super::{material::Material, moment};
use crate::{cluster::Unseen, output};

/// What was seen of a cluster.
#[derive(Debug, Default)]
pub(super) struct Observed {
    events: Vec<Seen>,
    unread: Vec<Unread>,
    warnings: Vec<String>,
    unseen: Vec<Unseen>,
    unplaced: Vec<Unseen>,
    now: Moment,
    material: Material,
}

/// An event, in the order in which it is learnt: Nodes, then pods and inventories as time passed, pods first where they
/// are of one moment: whom a report lists and nobody knows is taken to be gone. A NodeResourceTopology does not tell its
/// time; what it says is taken to be of now, with all pods in it that have started.
#[derive(Debug)]
struct Seen {
    turn: (Turn, Moment, Within),
    event: Event,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    Nodes,
    InTime,
    Topologies,
}

/// What comes first in one moment: pods, by namespace and name, so that the order of files decides nothing.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Within {
    Pod(String),
    Report,
}

/// A pod that cannot be counted.
#[derive(Debug)]
struct Unread {
    namespace: String,
    name: String,
    error: ObservedError,
}

impl Observed {
    /// Nothing yet; of what is seen that belongs to the story of this pod is kept besides.
    pub(super) fn about(namespace: &str, pod: &str) -> Self {
        Self {
            material: Material::about(namespace, pod),
            ..Self::default()
        }
    }

    /// What belongs to the pod's story.
    pub(super) fn material(&mut self) -> &mut Material {
        &mut self.material
    }

    /// Something could not be seen, and hides nothing else.
    pub(super) fn cannot_see(&mut self, unseen: Unseen) {
        self.unseen.push(unseen);
    }

    /// Something could not be seen without which no node can be judged.
    pub(super) fn cannot_place(&mut self, unseen: Unseen) {
        self.unplaced.push(unseen.clone());
        self.unseen.push(unseen);
    }

    /// What could not be seen.
    pub(super) fn unseen(&self) -> &[Unseen] {
        &self.unseen
    }

    /// What of it no node can be judged without.
    pub(super) fn unplaced(&self) -> &[Unseen] {
        &self.unplaced
    }

    /// What people ought to know.
    pub(super) fn warnings(&self) -> impl Iterator<Item = String> {
        let unread = self.unread.iter().map(|one| one.error.to_string());
        let unseen = self.unseen.iter().map(ToString::to_string);
        unseen.chain(self.warnings.iter().cloned()).chain(unread)
    }

    /// Sees an object. Those of other kinds tell nothing.
    pub(super) fn see(&mut self, api_version: &str, kind: &str, object: Value, namespace: &str) {
        self.material.see(api_version, kind, &object, namespace);
        let object = if (api_version, kind) == ("v1", "Pod") {
            identified(object, namespace)
        } else {
            object
        };
        match Event::of_object(api_version, kind, &object, namespace) {
            Ok(Some(event)) => {
                let turn = match &event {
                    Event::NodeSeen { .. } => Turn::Nodes,
                    _ if kind == "NodeResourceTopology" => Turn::Topologies,
                    _ => Turn::InTime,
                };
                let within = match &event {
                    Event::PodSeen(facts) => {
                        Within::Pod(format!("{}/{}", facts.demand.namespace, facts.demand.name))
                    }
                    _ => Within::Report,
                };
                let at = moment::of(kind, &object);
                self.now = self.now.max(at);
                self.events.push(Seen {
                    turn: (turn, at, within),
                    event,
                });
            }
            Ok(None) => {}
            Err(error) if kind == "Pod" => {
                let text = |key| object["metadata"][key].as_str().unwrap_or(namespace);
                self.unread.push(Unread {
                    namespace: text("namespace").to_owned(),
                    name: text("name").to_owned(),
                    error,
                });
            }
            Err(error) => self.warnings.push(error.to_string()),
        }
    }

    /// What a pod demands; an error where it is there and cannot be counted.
    pub(super) fn pod(
        &self,
        namespace: &str,
        name: &str,
    ) -> Option<Result<PodDemand, ObservedError>> {
        let demands = self.events.iter().filter_map(|seen| match &seen.event {
            Event::PodSeen(facts) => Some(&facts.demand),
            _ => None,
        });
        let mut named =
            demands.filter(|demand| *demand.namespace == *namespace && *demand.name == *name);
        if let Some(demand) = named.next() {
            return Some(Ok(demand.clone()));
        }
        let mut unread = self.unread.iter();
        let unread = unread.find(|one| one.namespace == namespace && one.name == name);
        unread.map(|one| Err(one.error.clone()))
    }

    /// Takes a moment for now, if nothing was seen of a later one.
    pub(super) fn at(&mut self, now: Moment) {
        self.now = self.now.max(now);
    }

    /// The engine that has learnt it all, and the moment of which it speaks.
    pub(super) fn engine(self) -> (Engine, Moment) {
        let Self {
            mut events, now, ..
        } = self;
        events.sort_by(|one, other| one.turn.cmp(&other.turn));
        let mut engine = Engine::default();
        for Seen {
            turn: (turn, at, _),
            event,
        } in events
        {
            let at = if turn == Turn::Topologies { now } else { at };
            for outcome in engine.apply(event, at) {
                if let Outcome::Ignored { reason } = outcome {
                    output::warn(reason);
                }
            }
        }
        let _ = engine.apply(Event::Tick, now);
        (engine, now)
    }
}

/// A pod as the API server would have it: manifests have no UID, and may leave the namespace to the context.
fn identified(mut object: Value, namespace: &str) -> Value {
    let Ok(pod) = Pod::deserialize(&object) else {
        return object;
    };
    let metadata = &pod.metadata;
    if let Some(fields) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        let namespace = match metadata.namespace.as_str() {
            "" => namespace,
            namespace => namespace,
        };
        fields.insert("namespace".to_owned(), namespace.into());
        if metadata.uid.is_empty() && !metadata.name.is_empty() {
            fields.insert(
                "uid".to_owned(),
                format!("{namespace}/{}", metadata.name).into(),
            );
        }
    }
    object
}
