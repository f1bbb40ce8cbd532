//! Why a pod is where it is, or nowhere: node by node what was free, who holds the rest, what refused the pod, and what
//! would have to change.
//!
//! The JSON of an [`Explanation`] is described in `docs/scheduling-why.md`: fields are added to it, none changes its meaning.

mod change;
mod demanded;
mod holding;
mod node;
mod rank;
mod text;

use std::collections::BTreeMap;

use serde::Serialize;

pub use self::{
    change::Change,
    demanded::{Container, Demanded},
    holding::{Held, HeldBy},
    node::{Free, FreeCell, NodeExplained, Part, Placed, Reported, Score, Verdict},
};
use crate::{
    align::Scratch, demand::PodDemand, engine::Engine, moment::Moment, tentative::Tentative,
};

/// The version of the JSON's structure.
const VERSION: u8 = 1;

/// How much is told.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Only of this node.
    pub node: Option<&'a str>,
    /// Of so many nodes in detail: the best that fit and those that nearly fit. Of all others the counts.
    pub nodes: usize,
    /// Of so many pods that hold what the pod demands, for each node.
    pub pods: usize,
    /// Which nodes were offered to other pods a moment ago.
    pub tentative: Option<&'a Tentative>,
}

impl Default for View<'_> {
    fn default() -> Self {
        Self {
            node: None,
            nodes: 10,
            pods: 20,
            tentative: None,
        }
    }
}

/// Why a pod is where it is, or nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The version of this structure.
    pub version: u8,
    /// The pod and what it demands.
    pub pod: Demanded,
    /// The node it is bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bound_to: Option<String>,
    /// How many nodes were looked at.
    pub nodes: usize,
    /// How many of them fit, the one that it is bound to among them.
    pub fitting: usize,
    /// How many were refused, by [`crate::placement::Refusal::as_str`].
    pub refused: BTreeMap<&'static str, usize>,
    /// The best of those that fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best: Option<String>,
    /// Nodes in detail: the one that it is bound to, the best that fit, then those that nearly fit.
    pub details: Vec<NodeExplained>,
    /// How many nodes are not among them.
    pub omitted: usize,
}

/// Explains a pod. One that is bound is found by its UID.
#[must_use]
pub fn explain(engine: &Engine, demand: &PodDemand, now: Moment, view: &View<'_>) -> Explanation {
    let question = engine.question(demand, now);
    let mut scratch = Scratch::default();
    let bound_to = engine.node_of(&demand.uid);
    let mut judged: Vec<rank::Judged<'_>> = engine
        .nodes()
        .chain(bound_to)
        .filter(|name| view.node.is_none_or(|only| only == *name))
        .map(|name| rank::Judged::of(name, bound_to, &question, view, &mut scratch))
        .collect();
    if let Some(only) = view.node.filter(|_| judged.is_empty()) {
        judged.push(rank::Judged::of(
            only,
            bound_to,
            &question,
            view,
            &mut scratch,
        ));
    }
    judged.sort_unstable();
    judged.dedup_by(|a, b| a.name == b.name);
    let mut refused = BTreeMap::new();
    for refusal in judged.iter().filter_map(rank::Judged::refusal) {
        *refused.entry(refusal.as_str()).or_insert(0) += 1;
    }
    let fitting = judged
        .iter()
        .take_while(|one| one.refusal().is_none())
        .count();
    let is_best = |one: &&rank::Judged<'_>| one.refusal().is_none() && Some(one.name) != bound_to;
    let best = judged.iter().find(is_best).map(|one| one.name.to_owned());
    let nodes = judged.len();
    // Of those that fit a half at most, while there are others to tell of.
    let of_others = (nodes - fitting).min(view.nodes / 2);
    let of_fitting = fitting.min(view.nodes - of_others);
    let others = judged[fitting..].iter().take(view.nodes - of_fitting);
    let details: Vec<NodeExplained> = judged[..of_fitting]
        .iter()
        .chain(others)
        .map(|one| node::explained(one, engine, &question, now, view, &mut scratch))
        .collect();
    Explanation {
        version: VERSION,
        pod: Demanded::of(demand, &question, engine.resources()),
        bound_to: bound_to.map(str::to_owned),
        nodes,
        fitting,
        refused,
        best,
        omitted: nodes - details.len(),
        details,
    }
}

#[cfg(test)]
mod tests;
