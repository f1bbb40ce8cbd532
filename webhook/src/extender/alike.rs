//! The demands of many pods in little memory: those of one owner demand the same, each under its own name.

use std::{collections::HashSet, sync::Arc};

use scheduler::demand::PodDemand;

/// Demands that pods have in common, each once.
#[derive(Debug, Default)]
pub(super) struct Alike(HashSet<Arc<PodDemand>>);

/// A pod that demands what others do.
#[derive(Debug)]
pub(super) struct Member {
    name: Box<str>,
    /// Without a UID and a name.
    common: Arc<PodDemand>,
}

impl Alike {
    /// A pod as one of those that demand the same.
    pub(super) fn member(&mut self, demand: &PodDemand) -> Member {
        let mut common = demand.clone();
        common.uid = Box::default();
        let name = std::mem::take(&mut common.name);
        let common = match self.0.get(&common) {
            Some(known) => Arc::clone(known),
            None => {
                let new = Arc::new(common);
                self.0.insert(Arc::clone(&new));
                new
            }
        };
        Member { name, common }
    }

    /// Forgets a pod, and what it demands where it was the last one.
    pub(super) fn forget(&mut self, member: Member) {
        let Member { common, .. } = member;
        // One here, one in the set.
        if Arc::strong_count(&common) == 2 {
            self.0.remove(&common);
        }
    }
}

impl Member {
    /// Whether it is the pod of this name.
    pub(super) fn is(&self, namespace: &str, name: &str) -> bool {
        *self.common.namespace == *namespace && *self.name == *name
    }

    /// What it demands, as it was told.
    pub(super) fn demand(&self, uid: &str) -> PodDemand {
        PodDemand {
            uid: uid.into(),
            name: self.name.clone(),
            ..(*self.common).clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn demand(name: &str, devices: &str) -> PodDemand {
        let pod = json!({
            "metadata": {"name": name, "namespace": "default", "uid": format!("uid of {name}")},
            "spec": {"containers": [{"name": "a", "resources": {"limits": {"intel.com/sriov": devices}}}]},
        });
        PodDemand::of(&serde_json::from_value(pod).unwrap()).unwrap()
    }

    #[test]
    fn each_is_itself_and_what_is_common_is_kept_once() {
        let mut alike = Alike::default();
        let demands = [demand("a", "1"), demand("b", "1"), demand("c", "2")];
        let members = demands.each_ref().map(|demand| alike.member(demand));
        assert_eq!(alike.0.len(), 2);
        for (demand, member) in demands.iter().zip(&members) {
            assert_eq!(member.demand(&demand.uid), *demand);
            assert!(member.is("default", &demand.name) && !member.is("other", &demand.name));
        }
        let [a, b, c] = members;
        for (member, left) in [(a, 2), (c, 1), (b, 0)] {
            alike.forget(member);
            assert_eq!(alike.0.len(), left);
        }
    }
}
