//! A question read, asked of the engine, and its answer written.

use std::collections::HashMap;

use scheduler::{
    align::Scratch,
    demand::{DemandError, PodDemand},
    engine::{AT_ONCE, Question},
    extender::{Candidates, ExtenderArgs, ExtenderFilterResult, HostPriorityList},
    placement::Refusal,
};

use super::{
    counts::Failure,
    scheduling::{Kind, Scheduling},
    verb::Verb,
};
use crate::traces::Traces;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// Whatever would be said might be wrong.
    #[error("the {0} are not known yet; ask again")]
    NotSynced(Kind),
    /// It is no question.
    #[error("reading ExtenderArgs: {0}")]
    Args(#[source] serde_json::Error),
    /// It is about a pod that cannot be counted.
    #[error("reading ExtenderArgs: {0}")]
    Demand(#[from] DemandError),
    /// The answer cannot be written, which is a defect.
    #[error("writing the answer: {0}")]
    Answer(#[source] serde_json::Error),
}

impl Unanswered {
    /// What it is counted as.
    #[must_use]
    pub const fn failure(&self) -> Failure {
        match self {
            Self::NotSynced(_) => Failure::NotSynced,
            Self::Args(_) | Self::Demand(_) => Failure::BadRequest,
            Self::Answer(_) => Failure::Defect,
        }
    }
}

/// The room of a refusal in an answer, beyond the name: quotes, a colon, a comma, and a reason as most are.
const REASON: usize = 64;

/// The room of a score in an answer, beyond the name.
const SCORE: usize = 24;

/// A question of a scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Which of these nodes fit.
    Filter,
    /// How good each of them is.
    Prioritize,
}

impl Ask {
    /// What it is counted as.
    #[must_use]
    pub const fn verb(self) -> Verb {
        match self {
            Self::Filter => Verb::Filter,
            Self::Prioritize => Verb::Prioritize,
        }
    }
}

/// Answers a question.
///
/// # Errors
/// There is no answer.
pub fn to(
    ask: Ask,
    scheduling: &Scheduling,
    traces: &Traces,
    body: &[u8],
) -> Result<Vec<u8>, Unanswered> {
    let begun = traces.moment();
    if let Some(kind) = scheduling.awaited() {
        return Err(Unanswered::NotSynced(kind));
    }
    let args = ExtenderArgs::read(body).map_err(Unanswered::Args)?;
    let _span = traces.question(ask.verb(), begun, &args.pod, args.candidates.len());
    let demand = PodDemand::of(&args.pod)?;
    scheduling.counts.ask(ask.verb(), args.candidates.len());
    match ask {
        Ask::Filter => filter(scheduling, &args, &demand, body.len()),
        Ask::Prioritize => prioritize(scheduling, &args, &demand, body.len()),
    }
}

fn filter(
    scheduling: &Scheduling,
    args: &ExtenderArgs<'_>,
    demand: &PodDemand,
    length: usize,
) -> Result<Vec<u8>, Unanswered> {
    let candidates = &args.candidates;
    let mut verdicts = Vec::with_capacity(candidates.len());
    // Many nodes, few reasons. They are put into words here so that the answer is written when others are asked.
    let mut reasons: HashMap<Refusal, String> = HashMap::new();
    scheduling.read(|engine, now| {
        let question = engine.question(demand, now);
        let mut scratch = Scratch::default();
        let names = fetched(candidates, &question);
        verdicts.extend(names.map(|node| question.filter(node, &mut scratch).err()));
        for refusal in verdicts.iter().flatten() {
            let reason = reasons.entry(*refusal);
            reason.or_insert_with(|| question.reason(*refusal).to_string());
        }
    });
    scheduling.counts.judge(&verdicts);
    let refused = verdicts.iter().flatten().count();
    // kube-scheduler asks for no scores then.
    if verdicts.len() == refused + 1 {
        let mut fits = candidates.names().zip(&verdicts);
        if let Some((node, _)) = fits.find(|(_, verdict)| verdict.is_none()) {
            scheduling.offered(&demand.uid, node);
        }
    }
    let reason = |refusal| reasons.get(&refusal).map_or("", String::as_str);
    let result = ExtenderFilterResult::new(candidates, &verdicts, reason);
    write(&result, length + refused * REASON)
}

fn prioritize(
    scheduling: &Scheduling,
    args: &ExtenderArgs<'_>,
    demand: &PodDemand,
    length: usize,
) -> Result<Vec<u8>, Unanswered> {
    let candidates = &args.candidates;
    let mut scores = Vec::with_capacity(candidates.len());
    // What is offered changes with every answer: whoever notes an offer should not wait for all scores.
    let weights: Vec<_> = {
        let tentative = scheduling.tentative();
        let weights = candidates.names();
        weights
            .map(|node| tentative.weight(node, &demand.uid))
            .collect()
    };
    scheduling.read(|engine, now| {
        let question = engine.question(demand, now);
        let mut scratch = Scratch::default();
        let nodes = fetched(candidates, &question).zip(weights);
        scores.extend(
            nodes.map(|(node, tentative)| question.score_beside(node, tentative, &mut scratch)),
        );
    });
    if let Some(node) = best(candidates, &scores) {
        scheduling.offered(&demand.uid, node);
    }
    let length = length + scores.len() * SCORE;
    write(&HostPriorityList::new(candidates, &scores), length)
}

/// The names of the candidates; before the turn of each comes, what is known of it is near.
fn fetched<'a>(
    candidates: &'a Candidates<'_>,
    question: &Question<'_>,
) -> impl Iterator<Item = &'a str> {
    let mut ahead = candidates.names();
    candidates.names().enumerate().map(move |(at, name)| {
        if at % AT_ONCE == 0 {
            question.fetch(ahead.by_ref().take(AT_ONCE));
        }
        name
    })
}

/// The node that is better than all others, if there is one.
fn best<'a>(candidates: &'a Candidates<'_>, scores: &[i64]) -> Option<&'a str> {
    let highest = scores.iter().max()?;
    let best = candidates.names().zip(scores);
    let mut best = best.filter(|(_, score)| *score == highest);
    let (node, _) = best.next()?;
    best.next().is_none().then_some(node)
}

fn write(answer: &impl serde::Serialize, room: usize) -> Result<Vec<u8>, Unanswered> {
    let mut text = Vec::with_capacity(room);
    serde_json::to_writer(&mut text, answer).map_err(Unanswered::Answer)?;
    Ok(text)
}
