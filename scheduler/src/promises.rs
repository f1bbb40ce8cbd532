//! Devices that were promised to pods on their way to a node.
//!
//! A pod whose gate was lifted may go to any of the nodes that were chosen for it, and until it is seen on one of them it
//! counts on each: the next pod must not be promised the same last device.

use std::collections::{BTreeMap, HashMap};

use crate::{demand::PodDemand, moment::Moment};

/// What was promised to whom.
#[derive(Clone, Debug, Default)]
pub struct Promises {
    pods: HashMap<Box<str>, Promise>,
    /// UIDs by node, in the order in which they were promised something.
    nodes: BTreeMap<Box<str>, Vec<Box<str>>>,
}

/// What was promised to a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    /// What it demands.
    pub demand: PodDemand,
    /// Where.
    pub nodes: Vec<Box<str>>,
    /// Until when, if it is not seen on one of them before.
    pub until: Moment,
}

impl Promises {
    /// Makes a promise, in place of an older one to the same pod.
    pub fn make(&mut self, promise: Promise) {
        let uid = promise.demand.uid.clone();
        self.end(&uid);
        for node in &promise.nodes {
            let pods = self.nodes.entry(node.clone()).or_default();
            pods.push(uid.clone());
        }
        self.pods.insert(uid, promise);
    }

    /// Ends the promise to a pod, and says what it was.
    pub fn end(&mut self, uid: &str) -> Option<Promise> {
        let promise = self.pods.remove(uid)?;
        for node in &promise.nodes {
            if let Some(pods) = self.nodes.get_mut(node) {
                pods.retain(|pod| **pod != *uid);
                if pods.is_empty() {
                    self.nodes.remove(node);
                }
            }
        }
        Some(promise)
    }

    /// Ends the promise to a pod at `moment`, unless it ends before.
    pub fn shorten(&mut self, uid: &str, moment: Moment) {
        if let Some(promise) = self.pods.get_mut(uid) {
            promise.until = promise.until.min(moment);
        }
    }

    /// Ends the promises that are over at `now`, and those to pods of which `is_kept` says that they are on their node.
    pub fn expire(&mut self, now: Moment, is_kept: impl Fn(&str) -> bool) -> Vec<Promise> {
        let over = self.pods.iter();
        let over = over.filter(|(uid, promise)| promise.until <= now || is_kept(uid));
        let over: Vec<Box<str>> = over.map(|(uid, _)| uid.clone()).collect();
        over.iter().filter_map(|uid| self.end(uid)).collect()
    }

    /// The pods that were promised something on a node.
    #[must_use]
    pub fn on(&self, node: &str) -> Vec<&PodDemand> {
        let pods = self.nodes.get(node).into_iter().flatten();
        let promises = pods.filter_map(|uid| self.pods.get(uid));
        promises.map(|promise| &promise.demand).collect()
    }

    /// Whether a pod was promised anything.
    #[must_use]
    pub fn is_made_to(&self, uid: &str) -> bool {
        self.pods.contains_key(uid)
    }

    /// How many pods were promised something.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pods.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pods.is_empty()
    }

    /// When the first one ends, if there is any.
    #[must_use]
    pub fn next(&self) -> Option<Moment> {
        self.pods.values().map(|promise| promise.until).min()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::demand::Qos;

    fn promise(uid: &str, nodes: &[&str], until: u64) -> Promise {
        Promise {
            demand: PodDemand {
                uid: uid.into(),
                namespace: "ns".into(),
                name: uid.into(),
                owner: None,
                qos: Qos::BestEffort,
                containers: Vec::new(),
                spread: None,
                total: BTreeMap::new(),
                has_pod_level_resources: false,
            },
            nodes: nodes.iter().copied().map(Box::from).collect(),
            until: Moment::after(Duration::from_secs(until)),
        }
    }

    fn on(promises: &Promises, node: &str) -> Vec<String> {
        let pods = promises.on(node).into_iter();
        pods.map(|demand| demand.uid.to_string()).collect()
    }

    #[test]
    fn a_pod_counts_on_each_node_until_it_is_seen_on_one() {
        let mut promises = Promises::default();
        promises.make(promise("a", &["n1", "n2"], 60));
        promises.make(promise("b", &["n2", "n3"], 60));
        assert_eq!(on(&promises, "n2"), ["a", "b"]);
        assert_eq!(on(&promises, "n1"), ["a"]);
        let now = Moment::after(Duration::from_secs(1));
        let ended = promises.expire(now, |uid| uid == "a");
        assert_eq!(ended, [promise("a", &["n1", "n2"], 60)]);
        assert_eq!(on(&promises, "n2"), ["b"]);
        assert_eq!(on(&promises, "n1"), [""; 0]);
        assert!(promises.is_made_to("b") && !promises.is_made_to("a"));
    }

    #[test]
    fn time_ends_promises() {
        let at = |seconds| Moment::after(Duration::from_secs(seconds));
        let mut promises = Promises::default();
        promises.make(promise("a", &["n1"], 10));
        promises.make(promise("b", &["n1"], 20));
        promises.shorten("b", at(5));
        promises.shorten("a", at(50));
        assert_eq!(promises.next(), Some(at(5)));
        assert_eq!(promises.expire(at(4), |_| false), []);
        assert_eq!(promises.expire(at(5), |_| false).len(), 1);
        assert_eq!(on(&promises, "n1"), ["a"]);
        assert_eq!(promises.expire(at(10), |_| false).len(), 1);
        assert!(promises.is_empty() && promises.next().is_none());
    }

    #[test]
    fn the_newest_promise_counts() {
        let mut promises = Promises::default();
        promises.make(promise("a", &["n1", "n2"], 10));
        promises.make(promise("a", &["n3"], 10));
        assert_eq!(promises.len(), 1);
        assert_eq!(on(&promises, "n1"), [""; 0]);
        assert_eq!(on(&promises, "n3"), ["a"]);
        assert_eq!(promises.end("b"), None);
    }
}
