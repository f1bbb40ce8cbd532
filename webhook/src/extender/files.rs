//! What the objects of files tell the engine.

use api::objects::{Object, ObjectsError};
use scheduler::{engine::Event, observed::ObservedError};
use tracing::warn;

use super::feed::bound_at;

/// What objects tell, in the order in which it is to be learnt.
#[derive(Debug, Default)]
pub struct Told {
    events: Vec<Event>,
    /// Pods, and when they were bound.
    pods: Vec<((String, String), Event)>,
    /// NodeResourceTopologies. Those that come after a pod was seen started are taken to have it in them, as those of one
    /// moment, which files are.
    topologies: Vec<Event>,
}

impl Told {
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
        for object in objects {
            let Object {
                api_version,
                kind,
                value,
                ..
            } = object;
            match Event::of_object(api_version, kind, value, default_namespace) {
                Ok(None) => {}
                Ok(Some(event @ Event::PodSeen(_))) => self.pods.push((bound_at(value), event)),
                Ok(Some(event)) if kind == "NodeResourceTopology" => self.topologies.push(event),
                Ok(Some(event)) => self.events.push(event),
                Err(error) if kind == "Pod" => {
                    let origin = &object.origin;
                    warn!(origin, "A pod is passed over");
                    tracing::debug!(origin, %error, "The pod that is passed over");
                }
                Err(error) => return Err(invalid(object, &error)),
            }
        }
        Ok(())
    }

    /// All of it. Pods come in the order in which they were bound.
    pub fn events(mut self) -> impl Iterator<Item = Event> {
        self.pods.sort_by(|(one, _), (other, _)| one.cmp(other));
        let pods = self.pods.into_iter().map(|(_, event)| event);
        self.events.into_iter().chain(pods).chain(self.topologies)
    }
}

fn invalid(object: &Object, error: &ObservedError) -> ObjectsError {
    ObjectsError::Invalid {
        origin: object.origin.clone(),
        kind: object.kind.clone(),
        problem: error.to_string(),
    }
}
