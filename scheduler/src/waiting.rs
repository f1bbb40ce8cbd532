//! Which of the pods without a node to look at when.
//!
//! A pod is looked at when it begins to wait, when a node has got more of what it demands, and otherwise after pauses that
//! grow. Being looked at costs a question to the engine; what follows from it costs a write to the API server and work for
//! kube-scheduler, so there is a limit to both, by pod, by node and in all. The table has a row for every pod that waits and
//! nothing for any other; what a pod waits for is in its object, so the table is whole again after a restart.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use crate::{
    moment::Moment,
    unbound::{Unbound, Wait},
};

/// The first pause after which a pod is looked at again, and the shortest time between two writes to one pod.
const FIRST: Duration = Duration::from_secs(1);

/// The longest.
const LONGEST: Duration = Duration::from_secs(60);

/// How many pods are helped because of one node before it is looked at what became of them. A device that is free serves one
/// of them, and the others are refused again.
const BY_NODE: u32 = 8;

/// How many questions are asked for one round. The rest have their turn in the next one.
const QUESTIONS: usize = 4096;

/// Of them, how many may be about all nodes.
const SWEEPS: usize = 32;

/// The pods that wait.
#[derive(Clone, Debug, Default)]
pub struct Waiting {
    pods: HashMap<Box<str>, Row>,
    freed: BTreeMap<Box<str>, Freed>,
    /// How often something was freed; tells what was freed before a pod was helped from what was freed since.
    count: u64,
}

#[derive(Clone, Debug)]
struct Row {
    pod: Unbound,
    /// When it is looked at for all nodes.
    next: Moment,
    /// The pause after that.
    pause: Duration,
    /// When it was helped last.
    helped: Option<Moment>,
    /// The count of what was freed then.
    seen: u64,
}

/// A node that has more than it had.
#[derive(Clone, Debug)]
struct Freed {
    count: u64,
    /// Of which resources; of none in particular where there are none.
    resources: Vec<Box<str>>,
    /// Before when nobody else is helped because of it.
    after: Moment,
}

/// Which nodes a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nodes<'a> {
    /// All.
    All,
    /// One that has more than it had.
    One(&'a str),
}

/// A pod that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// Its UID.
    pub uid: Box<str>,
    /// Whether there is a node for it now.
    pub fits: bool,
}

impl Waiting {
    /// Notes a pod as it is now. One that begins to wait is looked at at once.
    pub fn insert(&mut self, pod: Unbound, now: Moment) {
        let uid = pod.demand.uid.clone();
        match self.pods.get_mut(&uid) {
            Some(row) => {
                let is_new = row.pod.wait != pod.wait || row.pod.constraints != pod.constraints;
                row.pod = pod;
                if is_new {
                    row.next = now;
                    row.pause = FIRST;
                }
            }
            None => {
                let row = Row {
                    pod,
                    next: now,
                    pause: FIRST,
                    helped: None,
                    seen: 0,
                };
                self.pods.insert(uid, row);
            }
        }
    }

    /// Forgets a pod, and says what was known of it.
    pub fn remove(&mut self, uid: &str) -> Option<Unbound> {
        self.pods.remove(uid).map(|row| row.pod)
    }

    /// Forgets all pods but these, and says what was known of them: a list is complete.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) -> Vec<Unbound> {
        let gone = self.pods.extract_if(|uid, _| !keep(uid));
        gone.map(|(_, row)| row.pod).collect()
    }

    /// A pod.
    #[must_use]
    pub fn get(&self, uid: &str) -> Option<&Unbound> {
        self.pods.get(uid).map(|row| &row.pod)
    }

    /// All pods, in no order.
    pub fn pods(&self) -> impl Iterator<Item = &Unbound> {
        self.pods.values().map(|row| &row.pod)
    }

    /// Notes that a node has more of these resources, of none in particular where there are none.
    pub fn freed(&mut self, node: &str, resources: &[Box<str>], now: Moment) {
        self.count += 1;
        match self.freed.get_mut(node) {
            Some(freed) => {
                freed.count = self.count;
                if resources.is_empty() {
                    freed.resources.clear();
                } else if !freed.resources.is_empty() {
                    let new = resources
                        .iter()
                        .filter(|one| !freed.resources.contains(one));
                    let new: Vec<Box<str>> = new.cloned().collect();
                    freed.resources.extend(new);
                }
            }
            None => {
                let freed = Freed {
                    count: self.count,
                    resources: resources.to_vec(),
                    after: now,
                };
                self.freed.insert(node.into(), freed);
            }
        }
    }

    /// Notes that anything may have been freed: all pods are looked at soon, at most so many in a round.
    pub fn freed_anything(&mut self, now: Moment) {
        for row in self.pods.values_mut() {
            row.next = row.next.min(now);
            row.pause = FIRST;
        }
    }

    /// A round: the pods whose turn it is, those of higher priority and older ones first; at most `most` of them fit.
    /// `fits` says whether there is a node for a pod among some. Whoever is told of a pod that fits tries to help it, and
    /// says what came of it: [`Waiting::helped`].
    pub fn round(
        &mut self,
        now: Moment,
        most: usize,
        mut fits: impl FnMut(&Unbound, Nodes<'_>) -> bool,
    ) -> Vec<Looked> {
        let mut looked = Vec::new();
        let mut order: Vec<Box<str>> = self.pods.keys().cloned().collect();
        order.sort_by_cached_key(|uid| {
            let pod = &self.pods[uid].pod;
            (Reverse(pod.priority), pod.created.clone(), uid.clone())
        });
        let (mut sweeps, mut questions) = (SWEEPS, QUESTIONS);
        let mut by_node: HashMap<Box<str>, u32> = HashMap::new();
        let mut left = most;
        let mut is_complete = true;
        for uid in order {
            if left == 0 {
                is_complete = false;
                break;
            }
            let Some(row) = self.pods.get_mut(&uid) else {
                continue;
            };
            if row.pod.wait == Wait::Others {
                continue;
            }
            if let Some(again) = row.helped.map(|then| then.plus(FIRST))
                && again > now
            {
                // What is freed meanwhile is not forgotten.
                if self.freed.values().any(|freed| freed.count > row.seen) {
                    row.next = row.next.min(again);
                }
                continue;
            }
            let is_due = row.next <= now;
            if is_due && sweeps > 0 {
                sweeps -= 1;
                let fits = fits(&row.pod, Nodes::All);
                // Whoever helps says when to look again.
                match fits {
                    true => row.next = now.plus(row.pause),
                    false => row.put_off(now),
                }
                left -= usize::from(fits);
                looked.push(Looked { uid, fits });
                continue;
            }
            let of_interest = self.freed.iter().filter(|(_, freed)| {
                freed.count > row.seen
                    && freed.after <= now
                    && row.pod.demands_any(&freed.resources)
            });
            for (node, _) in of_interest {
                let helped = by_node.entry(node.clone()).or_default();
                is_complete &= questions > 0;
                if *helped >= BY_NODE || questions == 0 {
                    continue;
                }
                questions -= 1;
                if fits(&row.pod, Nodes::One(node)) {
                    *helped += 1;
                    left -= 1;
                    row.next = now.plus(FIRST);
                    row.pause = FIRST;
                    looked.push(Looked { uid, fits: true });
                    break;
                }
            }
        }
        // A node that has helped as many as it may is looked at again when it can be seen what became of them.
        self.freed.retain(|node, freed| {
            let is_full = by_node.get(node).is_some_and(|helped| *helped >= BY_NODE);
            if is_full {
                freed.after = now.plus(FIRST);
            }
            is_full || freed.after > now || !is_complete
        });
        looked
    }

    /// Notes that a pod was helped: its object was written.
    pub fn helped(&mut self, uid: &str, now: Moment) {
        let count = self.count;
        if let Some(row) = self.pods.get_mut(uid) {
            row.helped = Some(now);
            row.seen = count;
            row.put_off(now);
        }
    }

    /// Notes that helping a pod failed: it is tried again after a pause that grows.
    pub fn failed(&mut self, uid: &str, now: Moment) {
        if let Some(row) = self.pods.get_mut(uid) {
            row.put_off(now);
        }
    }

    /// When there is something to look at, if ever.
    #[must_use]
    pub fn next(&self) -> Option<Moment> {
        let waiting = self
            .pods
            .values()
            .filter(|row| row.pod.wait != Wait::Others);
        let pods = waiting.map(|row| row.next).min();
        let nodes = self.freed.values().map(|freed| freed.after).min();
        pods.into_iter().chain(nodes).min()
    }
}

impl Row {
    /// Looks again after a pause, and after a longer one the next time.
    fn put_off(&mut self, now: Moment) {
        self.next = now.plus(self.pause);
        self.pause = (self.pause * 2).min(LONGEST);
    }
}

#[cfg(test)]
mod tests;
