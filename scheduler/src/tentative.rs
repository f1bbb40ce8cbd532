//! Nodes that were just offered as the best for a pod. Whether the pod goes there is known when it is bound; until then
//! the node is a little less attractive for others, so that pods that come together are not all sent to the same node.
//! Nothing is ever refused for this: kube-scheduler may well have chosen another node.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use crate::moment::Moment;

/// More pods than a scheduler places within the seconds for which an offer counts.
const MOST: usize = 4096;

/// Offers that may still be taken.
#[derive(Clone, Debug)]
pub struct Tentative {
    lasts: Duration,
    /// By pod. A pod has one.
    offers: HashMap<Arc<str>, Offer>,
    /// How many pods there are by node.
    nodes: HashMap<Arc<str>, u32>,
    /// In the order in which they were made; those that were replaced are still in it.
    made: VecDeque<(Arc<str>, u64)>,
    number: u64,
}

#[derive(Clone, Debug)]
struct Offer {
    node: Arc<str>,
    until: Moment,
    number: u64,
}

impl Tentative {
    /// Offers that count for so long ([`crate::policy::Policy::tentative_for`]).
    #[must_use]
    pub fn new(lasts: Duration) -> Self {
        Self {
            lasts,
            offers: HashMap::new(),
            nodes: HashMap::new(),
            made: VecDeque::new(),
            number: 0,
        }
    }

    /// A node was offered as the best for a pod. It replaces what was offered to the pod before.
    pub fn note(&mut self, uid: &str, node: &str, now: Moment) {
        self.gone(uid);
        self.expire(now);
        self.number += 1;
        let uid: Arc<str> = uid.into();
        let node = match self.nodes.get_key_value(node) {
            Some((known, _)) => Arc::clone(known),
            None => node.into(),
        };
        *self.nodes.entry(Arc::clone(&node)).or_default() += 1;
        self.made.push_back((Arc::clone(&uid), self.number));
        let offer = Offer {
            node,
            until: now.plus(self.lasts),
            number: self.number,
        };
        self.offers.insert(uid, offer);
    }

    /// The pod is bound, to whatever node, or gone.
    pub fn gone(&mut self, uid: &str) {
        let Some(offer) = self.offers.remove(uid) else {
            return;
        };
        if let Some(count) = self.nodes.get_mut(&offer.node) {
            *count -= 1;
            if *count == 0 {
                self.nodes.remove(&offer.node);
            }
        }
    }

    /// Forgets what is too old. To be called before weights are asked for.
    pub fn expire(&mut self, now: Moment) {
        while let Some((uid, number)) = self.made.front() {
            let offer = self.offers.get(uid).filter(|offer| offer.number == *number);
            let is_alive = offer.is_some_and(|offer| offer.until > now);
            if is_alive && self.made.len() < MOST {
                return;
            }
            let was_replaced = offer.is_none();
            if let Some((uid, _)) = self.made.pop_front()
                && !was_replaced
            {
                self.gone(&uid);
            }
        }
    }

    /// For how many pods there is one.
    #[must_use]
    pub fn len(&self) -> usize {
        self.offers.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.offers.is_empty()
    }

    /// How many pods other than this one may be about to be bound to a node.
    #[must_use]
    pub fn weight(&self, node: &str, besides: &str) -> u32 {
        if self.offers.is_empty() {
            return 0;
        }
        let all = self.nodes.get(node).copied().unwrap_or(0);
        let own = self
            .offers
            .get(besides)
            .is_some_and(|offer| *offer.node == *node);
        all - u32::from(own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Moment {
        Moment::after(Duration::from_millis(milliseconds))
    }

    #[test]
    fn an_offer_counts_for_others_until_it_is_taken_replaced_or_old() {
        let mut tentative = Tentative::new(Duration::from_secs(2));
        tentative.note("a", "n1", at(0));
        tentative.note("b", "n1", at(100));
        assert_eq!(tentative.weight("n1", "c"), 2);
        assert_eq!(tentative.weight("n1", "a"), 1);
        assert_eq!(tentative.weight("n2", "c"), 0);
        tentative.note("b", "n2", at(200));
        assert_eq!(
            (tentative.weight("n1", "c"), tentative.weight("n2", "c")),
            (1, 1)
        );
        tentative.gone("b");
        tentative.gone("nobody");
        assert_eq!(tentative.weight("n2", "c"), 0);
        tentative.expire(at(1_999));
        assert_eq!(tentative.weight("n1", "c"), 1);
        tentative.expire(at(2_000));
        assert_eq!(tentative.weight("n1", "c"), 0);
        assert!(tentative.nodes.is_empty() && tentative.offers.is_empty());
    }

    #[test]
    fn no_more_than_so_many_are_remembered() {
        let mut tentative = Tentative::new(Duration::from_secs(2));
        for number in 0..2 * MOST {
            tentative.note(&format!("pod-{number}"), "n1", at(0));
            tentative.note("the same", "n2", at(0));
        }
        assert!(tentative.made.len() <= MOST);
        assert_eq!(tentative.weight("n2", ""), 1);
        let counted = tentative.offers.len();
        assert!(counted <= MOST && tentative.weight("n1", "") as usize == counted - 1);
    }
}
