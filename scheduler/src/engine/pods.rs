//! What is learnt of pods.

use std::sync::Arc;

use super::{
    Engine, Outcome, PodFacts, Stage,
    aside::{Aside, set_aside},
    ledger::{Entry, Standing},
};
use crate::{
    demand::PodDemand,
    moment::Moment,
    need::Need,
    resource::{Kind, Resources},
};

/// What is kept of a pod by its UID, until it is gone.
#[derive(Clone, Debug)]
pub(super) enum Whereabouts {
    /// It is in the ledger of this node.
    On(Arc<str>),
    /// It has ended or was refused, and holds nothing.
    Over,
}

impl Engine {
    pub(super) fn pod_seen(&mut self, pod: PodFacts, now: Moment) -> Vec<Outcome> {
        let PodDemand {
            uid,
            namespace,
            name,
            ..
        } = &pod.demand;
        if uid.is_empty() {
            let reason = format!(
                "pod {namespace}/{name} has no UID and cannot be told from others of its name"
            );
            return vec![Outcome::Ignored { reason }];
        }
        let known = self.pods.get(&**uid).cloned();
        let is_over = matches!(pod.stage, Stage::Ended | Stage::RefusedByKubelet);
        match (known, pod.node.as_deref()) {
            (Some(Whereabouts::Over), _) if is_over => Vec::new(),
            (Some(Whereabouts::Over), _) => {
                let reason =
                    format!("pod {namespace}/{name} ({uid}) is over and does not begin again");
                vec![Outcome::Ignored { reason }]
            }
            (known, node) if is_over => self.pod_over(&pod, known, node, now),
            (Some(Whereabouts::On(node)), None) => {
                let reason = format!(
                    "pod {namespace}/{name} ({uid}) is bound to {node}, which is never undone"
                );
                vec![Outcome::Ignored { reason }]
            }
            (None, None) => Vec::new(),
            (Some(Whereabouts::On(old)), Some(node)) if *old != *node => {
                let mut outcomes = self.forget(&pod.demand.uid, &old, now);
                outcomes.extend(self.bound(&pod, node, now));
                outcomes
            }
            (_, Some(node)) => self.bound(&pod, node, now),
        }
    }

    pub(super) fn pod_gone(&mut self, uid: &str, now: Moment) -> Vec<Outcome> {
        match self.pods.remove(uid) {
            Some(Whereabouts::On(node)) => self.forget(uid, &node, now),
            Some(Whereabouts::Over) | None => Vec::new(),
        }
    }

    /// A pod is bound to a node, or is further than it was there.
    fn bound(&mut self, pod: &PodFacts, node: &str, now: Moment) -> Vec<Outcome> {
        let demand = &pod.demand;
        let need = need(demand, &self.resources);
        let turn = self.turn;
        if !is_counted(&need) {
            return match self.pods.remove(&*demand.uid) {
                Some(_) => self.forget(&demand.uid, node, now),
                None => Vec::new(),
            };
        }
        let started = (pod.stage == Stage::Started).then_some(turn);
        let namespace = self.texts.intern(&demand.namespace);
        let owner = demand.owner.as_deref();
        let owner = owner.map(|owner| self.texts.intern(owner));
        let unnumbered = self.unnumbered(demand);
        let (site, was_open) = self.site(node, now);
        match site
            .ledger
            .iter_mut()
            .find(|entry| *entry.uid == *demand.uid)
        {
            Some(entry) => {
                entry.started = entry.started.or(started);
                if *entry.need == need {
                    return Vec::new();
                }
                *entry.need = need;
                entry.unnumbered = unnumbered;
            }
            None => {
                let uid: Arc<str> = (*demand.uid).into();
                // Nodes have few such pods, and there are many nodes.
                site.ledger.reserve_exact(1);
                site.ledger.push(Entry {
                    uid: Arc::clone(&uid),
                    namespace,
                    name: demand.name.clone(),
                    owner,
                    need: Box::new(need),
                    unnumbered,
                    since: now,
                    bound: turn,
                    started,
                    was_listed: false,
                    standing: Standing::Assumed,
                    prediction: None,
                    alternatives: Vec::new(),
                    placement: None,
                });
                let known = self.sites.get_key_value(node);
                let node = known.map_or_else(|| node.into(), |(name, _)| Arc::clone(name));
                self.pods.insert(uid, Whereabouts::On(node));
            }
        }
        self.settle(node, was_open, now)
    }

    /// A pod holds nothing any more, unless its node's report still lists it.
    fn pod_over(
        &mut self,
        pod: &PodFacts,
        known: Option<Whereabouts>,
        node: Option<&str>,
        now: Moment,
    ) -> Vec<Outcome> {
        let demand = &pod.demand;
        let mut outcomes = Vec::new();
        // One that was over before anything else was heard of it may have been so for days.
        let is_news = known.is_some();
        match known {
            Some(Whereabouts::On(node)) => {
                outcomes.extend(self.forget(&demand.uid, &node, now));
            }
            Some(Whereabouts::Over) => {}
            None => {
                let need = need(demand, &self.resources);
                if !is_counted(&need) {
                    return outcomes;
                }
            }
        }
        self.pods.insert((*demand.uid).into(), Whereabouts::Over);
        if let (Stage::RefusedByKubelet, true, Some(node), Some(owner)) =
            (pod.stage, is_news, node, &demand.owner)
        {
            let aside = Aside {
                namespace: self.texts.intern(&demand.namespace),
                owner: self.texts.intern(owner),
                until: now.plus(self.policy.set_aside_for),
            };
            let (site, _) = self.site(node, now);
            set_aside(&mut site.set_aside, aside);
            outcomes.push(Outcome::SetAside {
                node: node.into(),
                namespace: demand.namespace.clone(),
                name: demand.name.clone(),
            });
        }
        outcomes
    }

    /// Takes a pod out of the ledger of a node.
    fn forget(&mut self, uid: &str, node: &str, now: Moment) -> Vec<Outcome> {
        let (site, was_open) = self.site(node, now);
        site.ledger.retain(|entry| *entry.uid != *uid);
        self.settle(node, was_open, now)
    }

    /// Finds out anew what pods need of which no node was heard to have something, now that there are more resources.
    pub(super) fn renumber(&mut self, now: Moment) -> Vec<Outcome> {
        let mut changed = Vec::new();
        for (name, site) in &mut self.sites {
            let was_open = site.is_open(&self.policy, now);
            let mut is_changed = false;
            for entry in &mut site.ledger {
                let Some(demand) = entry.unnumbered.as_deref() else {
                    continue;
                };
                let need = need(demand, &self.resources);
                if *entry.need != need {
                    *entry.need = need;
                    entry.alternatives.clear();
                    is_changed = true;
                }
                if is_numbered(demand, &self.resources) {
                    entry.unnumbered = None;
                }
            }
            if is_changed {
                changed.push((Arc::clone(name), was_open));
            }
        }
        let changed = changed.into_iter();
        changed
            .flat_map(|(name, was_open)| self.settle(&name, was_open, now))
            .collect()
    }

    /// A demand that is kept, because some of it has no number.
    fn unnumbered(&self, demand: &PodDemand) -> Option<Box<PodDemand>> {
        (!is_numbered(demand, &self.resources)).then(|| Box::new(demand.clone()))
    }
}

/// What a pod needs. Resources that pods alone want are not numbered: whoever makes pods could use up all numbers.
fn need(demand: &PodDemand, resources: &Resources) -> Need {
    let mut need = Need::of(demand, resources);
    need.shrink();
    need
}

/// Whether all that is counted of a pod has a number.
fn is_numbered(demand: &PodDemand, resources: &Resources) -> bool {
    let containers = demand.containers.iter();
    let mut names = containers.flat_map(|container| container.amounts.keys());
    names.all(|name| Kind::of(name) == Kind::HostLevel || resources.get(name).is_some())
}

/// Whether a node's account depends on a pod. Those that share CPUs and memory with everybody are kube-scheduler's own
/// business, and there are many.
pub(super) fn is_counted(need: &Need) -> bool {
    let mut containers = need.containers.iter();
    !need.unknown.is_empty()
        || !need.devices.is_empty()
        || containers.any(|container| !container.aligned.is_empty())
}
