//! One node beside a pod.

use serde::Serialize;

use super::{
    Change, HeldBy, View, change,
    rank::{Judged, Outcome, tentative},
};
use crate::{
    align::Scratch,
    engine::{Account, Engine, Question, Reporting},
    moment::Moment,
    need::Need,
    node::Node,
    placement::Placement,
    report::Source,
    resource::{Kind, ResourceId},
    score::Parts,
    words::Amount,
    zones::ZoneMask,
};

/// A node beside a pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeExplained {
    /// Its name.
    pub name: String,
    /// What was decided.
    pub verdict: Verdict,
    /// Why it is not for the pod, as a word for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<&'static str>,
    /// The same for people, as the scheduler is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What would have to change for the pod to fit: any one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// Where its containers would be, or are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub placement: Vec<Placed>,
    /// How good it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<Score>,
    /// The kubelet's topology manager policy, as it was reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<&'static str>,
    /// The kubelet's topology manager scope, as it was reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<&'static str>,
    /// Something is held of which the zones can only be guessed: in zones more may be free than is said.
    pub is_fuzzy: bool,
    /// What there is of what the pod demands.
    pub free: Vec<Free>,
    /// What the pod has there, if it is bound to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub here: Option<HeldBy>,
    /// Who has the rest.
    pub held_by: Vec<HeldBy>,
    /// How many pods are not among them.
    pub held_by_more: usize,
    /// The report that all this is from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<Reported>,
}

/// What was decided about a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// The pod is bound to it.
    Here,
    /// It fits.
    Fits,
    /// It does not.
    Refused,
}

/// Where a container would be, or is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Placed {
    /// The container.
    pub container: String,
    /// The kernel's numbers of its zones; none where nothing of it is aligned.
    pub zones: Vec<u32>,
}

/// A score and what it is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Score {
    /// From 0 to 10.
    pub value: i64,
    /// The parts that concern the pod.
    pub parts: Vec<Part>,
    /// Whether the kubelet's decision is certain; the sum is halved otherwise.
    pub is_certain: bool,
    /// Points lost to pods that may be about to come.
    pub tentative: i64,
    /// The node comes last because too little is known of it.
    pub is_last: bool,
}

/// A part of a score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Part {
    /// Its name, as in the table of scores.
    pub name: &'static str,
    /// Its weight.
    pub weight: i64,
    /// From 0 to 1000.
    pub share: i64,
}

/// What there is of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Free {
    /// The resource.
    pub resource: String,
    /// What pods may get on the whole node.
    pub allocatable: String,
    /// What of it is free.
    pub free: String,
    /// The same by zones; nothing where the kubelet does not align it on this node.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub by_zones: Vec<FreeCell>,
}

/// What there is of a resource in the same zones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FreeCell {
    /// The kernel's numbers of the zones.
    pub zones: Vec<u32>,
    /// What pods may get.
    pub allocatable: String,
    /// What of it is free.
    pub free: String,
}

/// A report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reported {
    /// `NodeInventory` or `NodeResourceTopology`.
    pub source: &'static str,
    /// Grows with every start of the node's device-bridge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// Grows with every report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// How long ago it came, in seconds.
    pub age_seconds: u64,
    /// Whether it is too old to be relied on.
    pub is_stale: bool,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
}

pub(super) fn explained(
    judged: &Judged<'_>,
    engine: &Engine,
    question: &Question<'_>,
    now: Moment,
    view: &View<'_>,
    scratch: &mut Scratch,
) -> NodeExplained {
    let name = judged.name;
    let account = engine.account(name);
    let nothing = Node::default();
    let node = account.map_or(&nothing, |account| account.node());
    let report = account.and_then(|account| account.report(now));
    let (placement, score) = match judged.outcome {
        Outcome::Fits => {
            // It has fitted before, and nothing has changed since.
            let _ = question.filter(name, scratch);
            let parts = question.parts(name, &scratch.placement, tentative(name, question, view));
            (
                placed(&scratch.placement, node, question),
                Some(Score::of(&parts)),
            )
        }
        Outcome::Here | Outcome::Refused(_) => (Vec::new(), None),
    };
    let refusal = judged.refusal();
    let (here, held_by, held_by_more) = held(account, engine, question, view);
    NodeExplained {
        name: name.to_owned(),
        verdict: match judged.outcome {
            Outcome::Here => Verdict::Here,
            Outcome::Fits => Verdict::Fits,
            Outcome::Refused(_) => Verdict::Refused,
        },
        refusal: refusal.map(|refusal| refusal.as_str()),
        reason: refusal.map(|refusal| question.reason(refusal).to_string()),
        changes: refusal.map_or_else(Vec::new, |refusal| {
            change::changes(refusal, account, engine, question, now)
        }),
        placement,
        score,
        policy: report.is_some().then(|| node.policy.as_str()),
        scope: report.is_some().then(|| node.scope.as_str()),
        is_fuzzy: node.is_fuzzy,
        free: free(node, engine, question),
        here,
        held_by,
        held_by_more,
        report: report.map(|report| Reported::of(&report, now)),
    }
}

/// What is told of: devices, and what is aligned.
pub(super) fn relevant(need: &Need) -> Vec<ResourceId> {
    let all = need.devices.iter().chain(&need.aligned);
    let mut all: Vec<ResourceId> = all.map(|(resource, _)| *resource).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// What the pod itself has there, what others have, and how many others there are beside them.
fn held(
    account: Option<Account<'_>>,
    engine: &Engine,
    question: &Question<'_>,
    view: &View<'_>,
) -> (Option<HeldBy>, Vec<HeldBy>, usize) {
    let Some(account) = account else {
        return (None, Vec::new(), 0);
    };
    let relevant = relevant(question.need());
    let uid = Some(&*question.demand().uid);
    let (mut here, mut others) = (None, Vec::new());
    for holding in account.holdings() {
        let held = HeldBy::of(&holding, &account, &relevant, engine.resources());
        if holding.uid == uid {
            here = held;
        } else {
            others.extend(held);
        }
    }
    let more = others.len().saturating_sub(view.pods);
    others.truncate(view.pods);
    (here, others, more)
}

/// The kernel's numbers of zones.
pub(super) fn numbers(node: &Node, zones: ZoneMask) -> Vec<u32> {
    let known = zones.indexes().filter_map(|at| node.zones.get(at));
    known.copied().collect()
}

fn placed(placement: &Placement, node: &Node, question: &Question<'_>) -> Vec<Placed> {
    let containers = question.demand().containers.iter().zip(&placement.zones);
    let placed = containers.map(|(container, zones)| Placed {
        container: container.name.to_string(),
        zones: numbers(node, *zones),
    });
    placed.collect()
}

fn free(node: &Node, engine: &Engine, question: &Question<'_>) -> Vec<Free> {
    let resources = engine.resources();
    let of = |resource: &ResourceId| {
        let kind = resources.kind(*resource);
        let amount = |amount: i64| Amount(kind, amount).to_string();
        let Some(stock) = node.stock(*resource) else {
            // Of CPUs and memory that are not aligned kube-scheduler keeps account.
            return (kind == Kind::Device).then(|| Free {
                resource: resources.name(*resource).to_owned(),
                allocatable: amount(0),
                free: amount(0),
                by_zones: Vec::new(),
            });
        };
        let cells = node.cells(stock).iter().map(|cell| FreeCell {
            zones: numbers(node, cell.zones),
            allocatable: amount(cell.allocatable),
            free: amount(cell.free),
        });
        Some(Free {
            resource: resources.name(*resource).to_owned(),
            allocatable: amount(stock.allocatable),
            free: amount(stock.free),
            by_zones: cells.collect(),
        })
    };
    relevant(question.need()).iter().filter_map(of).collect()
}

impl Score {
    fn of(parts: &Parts) -> Self {
        let weighted = parts.weighted().into_iter();
        let parts_told = weighted.filter_map(|(name, weight, share)| {
            let share = share?;
            Some(Part {
                name,
                weight,
                share,
            })
        });
        Self {
            value: parts.score(),
            parts: parts_told.collect(),
            is_certain: parts.is_certain,
            tentative: parts.tentative,
            is_last: parts.is_last,
        }
    }
}

impl Reported {
    fn of(report: &Reporting<'_>, now: Moment) -> Self {
        let (source, sequence) = match report.source {
            Source::Inventory(sequence) => ("NodeInventory", Some(sequence)),
            Source::Topology => ("NodeResourceTopology", None),
        };
        Self {
            source,
            epoch: sequence.map(|sequence| sequence.epoch),
            sequence: sequence.map(|sequence| sequence.number),
            age_seconds: now.since(report.arrived).as_secs(),
            is_stale: report.is_stale,
            faults: report.faults.to_vec(),
        }
    }
}
