//! How good a node is for a pod that fits there.
//!
//! | what | weight | best | for pods that |
//! |---|---|---|---|
//! | `alignment` | 8 | all of a container in one zone; fewer, nearer zones are better | have something to align |
//! | `best_fit` | 6 | what is left in the pod's zones is of no use to anybody | have something to align, or devices |
//! | `root` | 6 | every free device has an accelerator on its PCIe root | demand several kinds of devices |
//! | `apart` | 4 | no two devices of a resource share a physical function, or a switch | demand several devices of a resource |
//! | `spare` | 4 | the node has no free devices but those the pod demands | are any |
//! | `link` | 3 | every free device has a link | demand devices |
//! | `headroom` | 1 | no other pod has devices of the same physical functions | demand devices |
//!
//! Each is a share in thousandths; they are summed by weight, over those that concern the pod, so that scores of different
//! nodes for one pod can be compared and the whole range is used. Where the kubelet's decision is not certain the sum is
//! halved; a node to which others were sent a moment ago loses points; and a node of which too little is known comes last.
//! All of it is integer arithmetic on what is known of the node: nothing is allocated.

mod alignment;
mod apart;
mod best_fit;
mod headroom;
mod link;
mod root;
mod share;
mod spare;

use crate::{
    extender::MAX_SCORE, need::Need, node::Node, placement::Placement, resource::Resources,
};
use share::{FULL, Mean};

/// What is not of the node alone, and matters for its score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Circumstances {
    /// How far what is known of the node can be relied on.
    pub knowledge: Knowledge,
    /// How many other pods were offered the node as the best a moment ago, and may be about to be bound to it.
    pub tentative: u32,
}

/// How far what is known of a node can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Knowledge {
    /// It never reported.
    Unreported,
    /// Its report is too old.
    Stale,
    /// Its report holds.
    Fresh,
}

/// Points that a node loses for each pod that was offered it a moment ago, and the most it loses so.
const TENTATIVE: (i64, i64) = (2, 6);

/// How good a node is for a pod that fits there, from 0 to [`MAX_SCORE`].
#[must_use]
pub fn score(
    node: &Node,
    need: &Need,
    placement: &Placement,
    resources: &Resources,
    circumstances: Circumstances,
) -> i64 {
    parts(node, need, placement, resources, circumstances).score()
}

/// A score and what it is made of, in thousandths; nothing where a part does not concern the pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// See [the table](self).
    pub alignment: Option<i64>,
    /// See [the table](self).
    pub best_fit: Option<i64>,
    /// See [the table](self).
    pub root: Option<i64>,
    /// See [the table](self).
    pub apart: Option<i64>,
    /// See [the table](self).
    pub spare: Option<i64>,
    /// See [the table](self).
    pub link: Option<i64>,
    /// See [the table](self).
    pub headroom: Option<i64>,
    /// Whether the kubelet's decision is certain.
    pub is_certain: bool,
    /// Points that the node loses to pods that were sent there a moment ago.
    pub tentative: i64,
    /// The node comes last, because too little is known of it.
    pub is_last: bool,
}

/// What a score is made of. See [`score`].
#[must_use]
pub fn parts(
    node: &Node,
    need: &Need,
    placement: &Placement,
    resources: &Resources,
    circumstances: Circumstances,
) -> Parts {
    let is_aligned = !need.aligned.is_empty();
    let has_devices = !need.devices.is_empty();
    let is_several = need.devices.iter().any(|(_, amount)| *amount > 1);
    Parts {
        alignment: is_aligned.then(|| alignment::share(node, need, placement)),
        best_fit: (is_aligned || has_devices).then(|| best_fit::share(node, need, placement)),
        root: (need.devices.len() > 1).then(|| root::share(node, need, placement)),
        apart: is_several.then(|| apart::share(node, need, placement)),
        spare: Some(spare::share(node, need, resources)),
        link: has_devices.then(|| link::share(node, need, placement)),
        headroom: has_devices.then(|| headroom::share(node, need, placement)),
        is_certain: !is_aligned || placement.is_certain && !node.is_fuzzy,
        tentative: (i64::from(circumstances.tentative) * TENTATIVE.0).min(TENTATIVE.1),
        is_last: circumstances.knowledge != Knowledge::Fresh && (is_aligned || has_devices),
    }
}

impl Parts {
    /// The parts by name, with their weights.
    #[must_use]
    pub const fn weighted(&self) -> [(&'static str, i64, Option<i64>); 7] {
        [
            ("alignment", 8, self.alignment),
            ("bestFit", 6, self.best_fit),
            ("root", 6, self.root),
            ("apart", 4, self.apart),
            ("spare", 4, self.spare),
            ("link", 3, self.link),
            ("headroom", 1, self.headroom),
        ]
    }

    /// The score, from 0 to [`MAX_SCORE`].
    #[must_use]
    pub fn score(&self) -> i64 {
        if self.is_last {
            return 0;
        }
        let mut mean = Mean::default();
        for (_, weight, part) in self.weighted() {
            if let Some(part) = part {
                mean.add(part, weight);
            }
        }
        let sum = mean.value().unwrap_or(FULL) / if self.is_certain { 1 } else { 2 };
        let step = FULL / MAX_SCORE;
        ((sum + step / 2) / step - self.tentative).clamp(0, MAX_SCORE)
    }
}

#[cfg(test)]
mod tests;
