//! A round: which pods are helped now, and what is written.

use std::time::SystemTime;

use scheduler::{
    align::Scratch,
    choice::{Choice, choose, judge},
    engine::Engine,
    moment::Moment,
    narrowing::{Narrowed, narrow},
    promises::Promise,
    unbound::{Unbound, Wait},
    waiting::Nodes,
};

use super::{
    Helper,
    counts::Act,
    plan::GatesPlan,
    state::State,
    told::{self, Reason},
    write::{self, Outcome, write},
};

/// What becomes of a pod at the gate.
#[derive(Debug)]
enum Lift {
    /// These nodes are chosen.
    To {
        nodes: Vec<Box<str>>,
        narrowed: Option<Narrowed>,
    },
    /// None is, and why.
    Nowhere(String),
}

/// One round.
pub(super) async fn round(helper: &Helper, state: &mut State) {
    let scheduling = &helper.scheduling;
    let broken = scheduling.read(|engine, now| state.expire(engine, now));
    for promise in &broken {
        strand(helper, state, promise).await;
    }
    let now = scheduling.now();
    let most = state.budget.left(now);
    let State {
        waiting,
        promises,
        candidates,
        ..
    } = state;
    let mut scratch = Scratch::default();
    let looked = waiting.round(now, most as usize, |pod, nodes| {
        // The lock is taken for each pod: a question is asked for it, and others have their turn.
        scheduling.read(|engine, now| match pod.wait {
            Wait::Gate if helper.plan.gates.is_some() => {
                let question = engine.question(&pod.demand, now);
                let mut fits = |node| judge(&question, pod, node, promises, &mut scratch).is_ok();
                match nodes {
                    Nodes::All => candidates.all.values().any(fits),
                    Nodes::One(name) => candidates.all.get(name).is_some_and(&mut fits),
                }
            }
            Wait::Retry if helper.plan.wakes => fits(engine, pod, nodes, now, &mut scratch),
            Wait::Gate | Wait::Retry | Wait::Others => false,
        })
    });
    for looked in looked {
        let Some(pod) = state.waiting.get(&looked.uid).cloned() else {
            continue;
        };
        match (pod.wait, helper.plan.gates) {
            (Wait::Gate, Some(plan)) => lift(helper, state, &pod, plan).await,
            (Wait::Retry, _) if looked.fits => {
                let patch = write::wake_up(&pod, SystemTime::now());
                act(helper, state, Act::WakeUp, &pod, &patch).await;
            }
            _ => {}
        }
    }
}

/// Whether the kubelet of a node would take a pod that its scheduler found none for. Where its spec lets it go is the
/// scheduler's to know: it tried all nodes, and the extender refused some.
fn fits(
    engine: &Engine,
    pod: &Unbound,
    nodes: Nodes<'_>,
    now: Moment,
    scratch: &mut Scratch,
) -> bool {
    let question = engine.question(&pod.demand, now);
    match nodes {
        Nodes::All => engine
            .nodes()
            .any(|node| question.filter(node, scratch).is_ok()),
        Nodes::One(node) => question.filter(node, scratch).is_ok(),
    }
}

/// Lifts the gate of a pod if there are nodes for it, or says why there are none.
async fn lift(helper: &Helper, state: &mut State, pod: &Unbound, plan: GatesPlan) {
    let lift = helper.scheduling.read(|engine, now| {
        let question = engine.question(&pod.demand, now);
        let nodes = state.candidates.all.values();
        let mut scratch = Scratch::default();
        let promises = &state.promises;
        let choice = choose(&question, pod, nodes, promises, plan.nodes, &mut scratch);
        match choice.nodes.is_empty() {
            true => Lift::Nowhere(choice.told(&question)),
            false => narrowed(state, pod, choice),
        }
    });
    match lift {
        Lift::To { nodes, narrowed } => {
            let patch = write::lift(pod, &nodes, narrowed.as_ref());
            if act(helper, state, Act::Lift, pod, &patch).await == Outcome::Written {
                state.promise(pod, nodes, helper.scheduling.now());
            }
        }
        Lift::Nowhere(why) => {
            let now = helper.scheduling.now();
            if state.told.is_news(&pod.demand.uid, &why, now) {
                let note =
                    format!("{why}; the pod is looked at again as soon as devices are released");
                told::tell(&helper.client, pod, Reason::WaitingForDevices, &note).await;
            }
        }
    }
}

fn narrowed(state: &State, pod: &Unbound, choice: Choice) -> Lift {
    if choice.is_all {
        return Lift::To {
            nodes: choice.nodes,
            narrowed: None,
        };
    }
    let chosen = choice.nodes.iter();
    let chosen: Vec<_> = chosen
        .filter_map(|name| state.candidates.all.get(name))
        .collect();
    let is_unique = |hostname: &str| state.candidates.is_unique(hostname);
    match narrow(&pod.affinity, &chosen, is_unique) {
        Some(narrowed) => Lift::To {
            nodes: narrowed.nodes.clone(),
            narrowed: Some(narrowed),
        },
        None => Lift::Nowhere("the nodes that were chosen are gone".to_owned()),
    }
}

/// Writes to a pod, and notes what came of it.
async fn act(
    helper: &Helper,
    state: &mut State,
    act: Act,
    pod: &Unbound,
    patch: &serde_json::Value,
) -> Outcome {
    state.budget.spend();
    let outcome = write(&helper.client, act, pod, patch).await;
    helper.counts.count(act, outcome);
    let now = helper.scheduling.now();
    let uid = &pod.demand.uid;
    match outcome {
        Outcome::Written => state.waiting.helped(uid, now),
        // The watch tells what has become of it.
        Outcome::Conflict | Outcome::Gone | Outcome::Failed => state.waiting.failed(uid, now),
    }
    outcome
}

/// A pod whose gate was lifted is not on a node in time. Nothing can be done for it: a gate cannot be closed again, and an
/// affinity cannot be made wider.
async fn strand(helper: &Helper, state: &mut State, promise: &Promise) {
    let uid = &promise.demand.uid;
    let Some(pod) = state.waiting.get(uid).cloned() else {
        return;
    };
    let can_go = helper.scheduling.read(|engine, now| {
        let question = engine.question(&pod.demand, now);
        let mut scratch = Scratch::default();
        let mut nodes = promise.nodes.iter();
        nodes.any(|name| {
            let node = state.candidates.all.get(name);
            node.is_some_and(|node| {
                judge(&question, &pod, node, &state.promises, &mut scratch).is_ok()
            })
        })
    });
    if can_go {
        return;
    }
    helper.counts.stranded.inc();
    let note = format!(
        "none of the nodes that were chosen for the pod ({}) can take it any more, and what a pod was let go with cannot be taken back; delete it, so that whoever made it makes another one",
        promise.nodes.join(", ")
    );
    if state.told.is_news(uid, &note, helper.scheduling.now()) {
        told::tell(&helper.client, &pod, Reason::ChosenNodesUnfit, &note).await;
    }
}
