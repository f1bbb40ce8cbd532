//! A round: which pods are helped now, and what is written.

use std::time::SystemTime;

use scheduler::{
    align::Scratch,
    candidate::Candidate,
    choice::{Choice, choose, judge},
    narrowing::{Narrowed, narrow},
    unbound::{Unbound, Wait},
    waiting::Nodes,
};

use super::{
    Helper,
    counts::Act,
    overdue::Verdict,
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
    state.believe(scheduling.now());
    scheduling.read(|engine, now| state.expire(engine, now));
    for (uid, nodes) in state.overdue.due(scheduling.now()) {
        overdue(helper, state, &uid, nodes).await;
    }
    if helper.plan.gates.is_some() {
        tell_uncounted(helper, state).await;
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
        scheduling.read(|engine, now| {
            let question = engine.question(&pod.demand, now);
            let mut fits = |node: &Candidate| match pod.wait {
                Wait::Gate => judge(&question, pod, node, promises, &mut scratch).is_ok(),
                // The extender is asked about nodes that the spec allows; any other would not be taken.
                _ => {
                    pod.constraints.allow(node).is_ok()
                        && question.filter(&node.name, &mut scratch).is_ok()
                }
            };
            let is_ours = match pod.wait {
                Wait::Gate => helper.plan.gates.is_some(),
                Wait::Retry => helper.plan.wakes,
                Wait::Others => false,
            };
            is_ours
                && match nodes {
                    _ if !pod.is_aligned => true,
                    Nodes::All => candidates.all.values().any(fits),
                    Nodes::One(name) => candidates.all.get(name).is_some_and(&mut fits),
                }
        })
    });
    for looked in looked {
        let Some(pod) = state.waiting.get(&looked.uid).cloned() else {
            continue;
        };
        match (pod.wait, helper.plan.gates) {
            (Wait::Gate, Some(_)) if !pod.is_aligned => {
                act(helper, state, Act::Lift, &pod, &write::let_go(&pod)).await;
            }
            (Wait::Gate, Some(plan)) => lift(helper, state, &pod, plan).await,
            (Wait::Retry, _) if looked.fits => {
                let patch = write::wake_up(&pod, SystemTime::now());
                act(helper, state, Act::WakeUp, &pod, &patch).await;
            }
            _ => {}
        }
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
                told::tell(
                    &helper.client,
                    &pod.into(),
                    Reason::WaitingForDevices,
                    &note,
                )
                .await;
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

/// A pod whose gate was lifted is not on a node in time. While one of its nodes can take it, it is on its way. When none can,
/// nothing can be done for it: a gate cannot be closed again, and an affinity cannot be made wider.
async fn overdue(helper: &Helper, state: &mut State, uid: &str, nodes: Vec<Box<str>>) {
    let Some(pod) = state.waiting.get(uid).cloned() else {
        return;
    };
    let can_go = helper.scheduling.read(|engine, now| {
        let question = engine.question(&pod.demand, now);
        let mut scratch = Scratch::default();
        nodes.iter().any(|name| {
            let node = state.candidates.all.get(name);
            node.is_some_and(|node| {
                judge(&question, &pod, node, &state.promises, &mut scratch).is_ok()
            })
        })
    });
    let now = helper.scheduling.now();
    match state.look_again(uid, can_go, now) {
        Verdict::Nothing => return,
        Verdict::Renew => return state.promise(&pod, nodes, now),
        Verdict::Stranded => {}
    }
    helper.counts.stranded.inc();
    let note = format!(
        "none of the nodes that were chosen for the pod ({}) can take it any more, and what a pod was let go with cannot be taken back; delete it, so that whoever made it makes another one",
        nodes.join(", ")
    );
    if state.told.is_news(uid, &note, now) {
        let about = (&pod).into();
        told::tell(&helper.client, &about, Reason::ChosenNodesUnfit, &note).await;
    }
}

/// Pods at the gate of which nobody can say what they demand: their authors wrote it, and can mend it.
async fn tell_uncounted(helper: &Helper, state: &mut State) {
    let now = helper.scheduling.now();
    let State {
        told, uncounted, ..
    } = state;
    for (uid, (about, why)) in uncounted {
        if told.is_news(uid, why, now) {
            let note = format!("{why}; the pod waits at the scheduling gate until that is mended");
            told::tell(&helper.client, about, Reason::DemandUnreadable, &note).await;
        }
    }
}
