//! Which nodes are told of first.

use super::View;
use crate::{align::Scratch, engine::Question, placement::Refusal};

/// What was decided about a node. In order: where the pod is, the best that fit, those that nearly fit, all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Judged<'a> {
    rank: Rank,
    pub(super) name: &'a str,
    pub(super) outcome: Outcome,
}

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    /// The pod is there.
    Here,
    /// It fits.
    Fits,
    /// It does not.
    Refused(Hidden),
}

/// A refusal; those of one rank have no order of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hidden(pub(super) Refusal);

impl PartialOrd for Hidden {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Hidden {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}

/// The lower, the nearer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Here,
    /// By what is missing of the best score.
    Fits(i64),
    /// By kind, then by how much is missing.
    Refused(u8, i64),
}

impl<'a> Judged<'a> {
    pub(super) fn of(
        name: &'a str,
        bound_to: Option<&str>,
        question: &Question<'_>,
        view: &View<'_>,
        scratch: &mut Scratch,
    ) -> Self {
        let (rank, outcome) = if bound_to == Some(name) {
            (Rank::Here, Outcome::Here)
        } else {
            match question.filter(name, scratch) {
                Ok(()) => {
                    let tentative = tentative(name, question, view);
                    let parts = question.parts(name, &scratch.placement, tentative);
                    (Rank::Fits(-parts.score()), Outcome::Fits)
                }
                Err(refusal) => (rank(refusal), Outcome::Refused(Hidden(refusal))),
            }
        };
        Self {
            rank,
            name,
            outcome,
        }
    }

    /// Why the node is not for the pod, if it is not.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        match self.outcome {
            Outcome::Here | Outcome::Fits => None,
            Outcome::Refused(Hidden(refusal)) => Some(refusal),
        }
    }
}

/// How many other pods may be about to be bound to a node.
pub(super) fn tentative(name: &str, question: &Question<'_>, view: &View<'_>) -> u32 {
    let tentative = view.tentative;
    tentative.map_or(0, |tentative| {
        tentative.weight(name, &question.demand().uid)
    })
}

fn rank(refusal: Refusal) -> Rank {
    let (kind, missing) = match refusal {
        Refusal::SetAside => (0, 0),
        Refusal::Spread { found, wanted } => (1, i64::from(wanted) - i64::from(found)),
        Refusal::LinkDown { .. } => (2, 0),
        Refusal::Container { .. } | Refusal::Pod { .. } => (3, 0),
        Refusal::Short { free, needed, .. } => (4, needed.saturating_sub(free)),
        Refusal::Stale => (5, 0),
        Refusal::Faulty => (6, 0),
        Refusal::NoReport => (7, 0),
        Refusal::NoSuchResource => (8, 0),
        Refusal::UnknownNode => (9, 0),
    };
    Rank::Refused(kind, missing)
}
