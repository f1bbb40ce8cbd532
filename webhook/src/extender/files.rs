//! What the objects of files tell the engine.

use std::sync::Arc;

use api::objects::{Object, ObjectsError};
use scheduler::{
    engine::{Event, PodFacts, Stage},
    observed::ObservedError,
};
use tracing::warn;

use super::{
    alike::{Alike, Member},
    feed::bound_at,
    scheduling::Scheduling,
};

/// What objects tell: at once what has no order, in the end the rest.
#[derive(Debug)]
pub struct Told {
    scheduling: Arc<Scheduling>,
    pods: Vec<Bound>,
    alike: Alike,
    /// NodeResourceTopologies. Those that come after a pod was seen started are taken to have it in them, as those of one
    /// moment, which files are.
    topologies: Vec<Event>,
}

/// A pod that waits for its turn.
#[derive(Debug)]
struct Bound {
    at: (String, String),
    uid: Box<str>,
    member: Member,
    node: Option<Box<str>>,
    stage: Stage,
}

impl Told {
    /// Nothing yet, of what this is to be told.
    #[must_use]
    pub fn new(scheduling: Arc<Scheduling>) -> Self {
        Self {
            scheduling,
            pods: Vec::new(),
            alike: Alike::default(),
            topologies: Vec::new(),
        }
    }

    /// Takes what these objects tell. Kinds that scheduling is not concerned with are passed over, and so are pods that
    /// cannot be counted: who writes manifests has such that never were in a cluster.
    ///
    /// # Errors
    /// A Node, NodeInventory or NodeResourceTopology cannot be read.
    pub fn take(
        &mut self,
        objects: &[Object],
        default_namespace: &str,
    ) -> Result<(), ObjectsError> {
        let mut events = Vec::new();
        for object in objects {
            let Object {
                api_version,
                kind,
                value,
                ..
            } = object;
            match Event::of_object(api_version, kind, value, default_namespace) {
                Ok(None) => {}
                Ok(Some(Event::PodSeen(pod))) => self.pods.push(Bound {
                    at: bound_at(value),
                    member: self.alike.member(&pod.demand),
                    uid: pod.demand.uid,
                    node: pod.node,
                    stage: pod.stage,
                }),
                Ok(Some(event)) if kind == "NodeResourceTopology" => self.topologies.push(event),
                Ok(Some(event)) => events.push(event),
                Err(error) if kind == "Pod" => {
                    let origin = &object.origin;
                    warn!(origin, "A pod is passed over");
                    tracing::debug!(origin, %error, "The pod that is passed over");
                }
                Err(error) => return Err(invalid(object, &error)),
            }
        }
        self.scheduling.learn(events);
        Ok(())
    }

    /// There is no more. Pods are told of in the order in which they were bound.
    pub fn end(mut self) {
        self.pods.sort_by(|one, other| one.at.cmp(&other.at));
        let pods = self.pods.into_iter().map(|pod| {
            Event::PodSeen(Box::new(PodFacts {
                demand: pod.member.demand(&pod.uid),
                node: pod.node,
                stage: pod.stage,
            }))
        });
        let events = pods.chain(self.topologies);
        self.scheduling.learn(events.chain([Event::AllListed]));
    }
}

fn invalid(object: &Object, error: &ObservedError) -> ObjectsError {
    ObjectsError::Invalid {
        origin: object.origin.clone(),
        kind: object.kind.clone(),
        problem: error.to_string(),
    }
}
