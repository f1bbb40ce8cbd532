//! What pods demand, for explanations: the engine keeps it of those that are bound alone, and only as numbers.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use scheduler::{
    demand::{PodDemand, Qos},
    engine::{Event, Stage},
    resource::Kind,
};

use super::alike::{Alike, Member};

/// The demands of pods that scheduling is about.
#[derive(Debug, Default)]
pub struct Demands(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// By UID.
    pods: HashMap<Box<str>, Member>,
    alike: Alike,
}

impl Demands {
    /// Notes what an event tells of a pod.
    pub fn learn(&self, event: &Event) {
        match event {
            Event::PodSeen(pod) if pod.stage != Stage::Ended && is_counted(&pod.demand) => {
                let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                let Known { pods, alike } = &mut *known;
                let member = alike.member(&pod.demand);
                if let Some(before) = pods.insert(pod.demand.uid.clone(), member) {
                    alike.forget(before);
                }
            }
            Event::PodSeen(pod) => self.forget(&pod.demand.uid),
            Event::PodGone { uid } => self.forget(uid),
            _ => {}
        }
    }

    /// The demands of all pods of a name: more than one while one that is gone is still ending.
    #[must_use]
    pub fn of(&self, namespace: &str, name: &str) -> Vec<PodDemand> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pods = known.pods.iter();
        pods.filter(|(_, member)| member.is(namespace, name))
            .map(|(uid, member)| member.demand(uid))
            .collect()
    }

    fn forget(&self, uid: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(member) = known.pods.remove(uid) {
            known.alike.forget(member);
        }
    }
}

/// Whether the kubelet could refuse the pod: every other one fits wherever kube-scheduler finds room.
pub(super) fn is_counted(demand: &PodDemand) -> bool {
    let mut resources = demand
        .containers
        .iter()
        .flat_map(|container| container.amounts.keys());
    demand.qos == Qos::Guaranteed || resources.any(|name| Kind::of(name) == Kind::Device)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seen(uid: &str, devices: &str, phase: &str) -> Event {
        let pod = json!({
            "metadata": {"name": "p", "namespace": "default", "uid": uid},
            "spec": {"containers": [{"name": "a", "resources": {"limits": {"intel.com/sriov": devices}}}]},
            "status": {"phase": phase},
        });
        let event = Event::of_object("v1", "Pod", &pod, "").unwrap();
        event.unwrap()
    }

    #[test]
    fn pods_that_demand_something_are_known_while_they_last() {
        let demands = Demands::default();
        let count = || demands.of("default", "p").len();
        demands.learn(&seen("a", "1", "Pending"));
        demands.learn(&seen("a", "1", "Running"));
        demands.learn(&seen("b", "2", "Pending"));
        demands.learn(&seen("c", "0", "Pending"));
        assert_eq!((count(), demands.of("other", "p").len()), (2, 0));
        demands.learn(&seen("a", "1", "Succeeded"));
        assert_eq!(count(), 1);
        demands.learn(&Event::PodGone { uid: "b".into() });
        assert_eq!(count(), 0);
    }
}
