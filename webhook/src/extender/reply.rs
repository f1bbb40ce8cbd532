//! A question read, asked of the engine, and its answer written.

use scheduler::{
    align::Scratch,
    demand::{DemandError, PodDemand},
    engine::{AT_ONCE, Question},
    extender::{Candidates, ExtenderArgs, ExtenderFilterResult, HostPriorityList},
};

use super::{
    counts::Failure,
    scheduling::{Kind, Scheduling},
    verb::Verb,
};

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

/// Answers a question.
///
/// # Errors
/// There is no answer.
pub fn to(verb: Verb, scheduling: &Scheduling, body: &[u8]) -> Result<Vec<u8>, Unanswered> {
    if let Some(kind) = scheduling.awaited() {
        return Err(Unanswered::NotSynced(kind));
    }
    let args = ExtenderArgs::read(body).map_err(Unanswered::Args)?;
    let demand = PodDemand::of(&args.pod)?;
    scheduling.counts.ask(verb, args.candidates.len());
    match verb {
        Verb::Filter => filter(scheduling, &args, &demand, body.len()),
        Verb::Prioritize => prioritize(scheduling, &args, &demand, body.len()),
    }
}

fn filter(
    scheduling: &Scheduling,
    args: &ExtenderArgs<'_>,
    demand: &PodDemand,
    length: usize,
) -> Result<Vec<u8>, Unanswered> {
    let candidates = &args.candidates;
    scheduling.read(|engine, now| {
        let question = engine.question(demand, now);
        let mut scratch = Scratch::default();
        let mut verdicts = Vec::with_capacity(candidates.len());
        let names = fetched(candidates, &question);
        verdicts.extend(names.map(|node| question.filter(node, &mut scratch).err()));
        scheduling.counts.judge(&verdicts);
        let refused = verdicts.iter().flatten().count();
        // kube-scheduler asks for no scores then.
        if verdicts.len() == refused + 1 {
            let mut fits = candidates.names().zip(&verdicts);
            if let Some((node, _)) = fits.find(|(_, verdict)| verdict.is_none()) {
                scheduling.offered(&demand.uid, node);
            }
        }
        let reason = |refusal| question.reason(refusal);
        let result = ExtenderFilterResult::new(candidates, &verdicts, reason);
        write(&result, length + refused * REASON)
    })
}

fn prioritize(
    scheduling: &Scheduling,
    args: &ExtenderArgs<'_>,
    demand: &PodDemand,
    length: usize,
) -> Result<Vec<u8>, Unanswered> {
    let candidates = &args.candidates;
    let mut scores = Vec::with_capacity(candidates.len());
    scheduling.read(|engine, now| {
        let question = engine.question(demand, now);
        let mut scratch = Scratch::default();
        let tentative = scheduling.tentative();
        scores.extend(fetched(candidates, &question).map(|node| {
            let tentative = tentative.weight(node, &demand.uid);
            question.score_beside(node, tentative, &mut scratch)
        }));
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
