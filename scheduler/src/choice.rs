//! Which nodes are chosen for a pod before a scheduler looks for one.

use std::{
    collections::HashMap,
    fmt::Write,
    hash::{DefaultHasher, Hash, Hasher},
};

use crate::{
    align::Scratch, candidate::Candidate, constraints::Barrier, engine::Question,
    placement::Refusal, promises::Promises, unbound::Unbound,
};

/// The nodes for a pod, and why the others are none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// The best ones, the best first.
    pub nodes: Vec<Box<str>>,
    /// Whether the pod's own spec names these nodes and no other, so that nothing has to be said to its scheduler. Where it
    /// does not, another node may come that nobody has judged.
    pub is_all: bool,
    /// How many nodes were refused for which reason.
    pub refused: HashMap<Reason, usize>,
}

/// Why a node is not for a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The pod's spec does not let it go there.
    Barrier(Barrier),
    /// Its kubelet would refuse it.
    Refusal(Refusal),
    /// What it needs is promised to others, who are on their way.
    Promised,
}

/// How many reasons are told.
const TOLD: usize = 5;

/// Chooses the `most` best nodes for a pod that are not promised to others. Equally good ones are in an order of the pod's
/// own, so that pods that come together do not all go to the same.
pub fn choose<'n>(
    question: &Question<'_>,
    pod: &Unbound,
    nodes: impl Iterator<Item = &'n Candidate>,
    promises: &Promises,
    most: usize,
    scratch: &mut Scratch,
) -> Choice {
    let mut choice = Choice::default();
    let mut fitting: Vec<(i64, u64, &'n Candidate)> = Vec::new();
    for node in nodes {
        match judge(question, pod, node, promises, scratch) {
            Ok(()) => {
                let score = question.score(&node.name, scratch);
                fitting.push((score, shuffled(pod, node), node));
            }
            Err(reason) => *choice.refused.entry(reason).or_default() += 1,
        }
    }
    fitting.sort_by_key(|(score, order, node)| (std::cmp::Reverse(*score), *order, &node.name));
    fitting.truncate(most.max(1));
    choice.nodes = fitting
        .into_iter()
        .map(|(_, _, node)| node.name.clone())
        .collect();
    choice.is_all = pod.constraints.named().is_some_and(|named| {
        let mut named = named.into_iter();
        named.all(|name| choice.nodes.iter().any(|node| **node == *name))
    });
    choice
}

/// Whether a node is for a pod now.
///
/// # Errors
/// It is not, and why.
pub fn judge(
    question: &Question<'_>,
    pod: &Unbound,
    node: &Candidate,
    promises: &Promises,
    scratch: &mut Scratch,
) -> Result<(), Reason> {
    pod.constraints.allow(node).map_err(Reason::Barrier)?;
    question
        .filter(&node.name, scratch)
        .map_err(Reason::Refusal)?;
    let mut promised = promises.on(&node.name);
    promised.retain(|demand| demand.uid != pod.demand.uid);
    if promised.is_empty() {
        return Ok(());
    }
    question
        .filter_beside(&node.name, &promised, scratch)
        .map_err(|_| Reason::Promised)
}

/// An order of nodes that is another for each pod.
fn shuffled(pod: &Unbound, node: &Candidate) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&pod.demand.uid, &node.name).hash(&mut hasher);
    hasher.finish()
}

impl Choice {
    /// Why no node was chosen, in words: the commonest reasons first.
    #[must_use]
    pub fn told(&self, question: &Question<'_>) -> String {
        let nodes: usize = self.refused.values().sum();
        let mut reasons: Vec<(usize, String)> = self
            .refused
            .iter()
            .map(|(reason, count)| (*count, reason.told(question)))
            .collect();
        // Refusals that differ in the node alone read alike.
        reasons.sort_by(|one, other| one.1.cmp(&other.1));
        reasons.dedup_by(|next, kept| {
            let is_same = next.1 == kept.1;
            if is_same {
                kept.0 += next.0;
            }
            is_same
        });
        reasons.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
        let more = reasons.len().saturating_sub(TOLD);
        let mut text = match nodes {
            0 => "the cluster has no nodes".to_owned(),
            nodes => format!("0/{nodes} nodes have devices for the pod"),
        };
        for (index, (count, reason)) in reasons.iter().take(TOLD).enumerate() {
            let sign = if index == 0 { ':' } else { ',' };
            // Writing into a String does not fail.
            let _infallible = write!(text, "{sign} {count} {reason}");
        }
        if more > 0 {
            let _infallible = write!(text, ", and {more} more reasons");
        }
        text
    }
}

impl Reason {
    fn told(self, question: &Question<'_>) -> String {
        match self {
            Self::Barrier(barrier) => barrier.to_string(),
            Self::Refusal(refusal) => question.reason(refusal).to_string(),
            Self::Promised => "promised to pods on their way".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
