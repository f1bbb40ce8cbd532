//! The leader's work: watches and rounds.

use std::{convert::Infallible, future::pending, time::Duration};

use futures::{Stream, StreamExt};
use kube::runtime::{
    WatchStreamExt,
    watcher::{self, Event, watcher},
};
use scheduler::{moment::Moment, unbound::Wait};
use tokio::{sync::broadcast::error::RecvError, time::sleep};
use tracing::warn;

use super::{Helper, round::round, state::State};
use crate::extender::{
    feed::{self, api},
    scheduling::Kind,
    watched::Watched,
};

/// Pods without a node.
const UNBOUND: &str = "spec.nodeName=";

/// The shortest time between two rounds: what happens together is looked at together.
const PAUSE: Duration = Duration::from_millis(100);

/// The longest, and how often it is looked whether everything is known.
const LONGEST: Duration = Duration::from_millis(500);

/// Watches and helps, for ever.
pub(super) async fn work(helper: &Helper) -> Infallible {
    let scheduling = &helper.scheduling;
    // Before anything is listed: what is freed from here on is heard of.
    let mut outcomes = scheduling.outcomes();
    let config = feed::config;
    let pods = watcher(
        api(Kind::Pods, helper.client.clone()),
        config().fields(UNBOUND),
    );
    let mut pods = std::pin::pin!(events(pods, "Pods"));
    let nodes = watcher(api(Kind::Nodes, helper.client.clone()), config());
    let mut nodes = std::pin::pin!(events(nodes, "Nodes"));
    let mut state = State::new(helper.plan.gates, scheduling.now());
    let mut earliest = scheduling.now();
    loop {
        let is_known = scheduling.awaited().is_none() && state.is_complete();
        let next = match is_known {
            true => next(&state, earliest),
            false => scheduling.now().plus(LONGEST),
        };
        tokio::select! {
            Some(event) = pods.next() => state.take_pod(event, scheduling.now()),
            Some(event) = nodes.next() => state.take_node(event, scheduling.now()),
            heard = outcomes.recv() => match heard {
                Ok(outcomes) => scheduling.read(|engine, now| state.take_outcomes(&outcomes, engine, now)),
                Err(RecvError::Lagged(_)) => state.waiting.freed_anything(scheduling.now()),
                // The engine lives as long as this does.
                Err(RecvError::Closed) => pending().await,
            },
            () = sleep(next.since(scheduling.now())), if is_known => {
                round(helper, &mut state).await;
                earliest = scheduling.now().plus(PAUSE);
                tell(helper, &state);
            }
            () = sleep(LONGEST), if !is_known => {}
        }
    }
}

/// When the next round is due.
fn next(state: &State, earliest: Moment) -> Moment {
    let due = state.waiting.next().into_iter();
    let due = due.chain(state.promises.next()).min();
    // Promises are kept when the engine hears of it, which nobody tells.
    let looked = earliest.plus(LONGEST);
    due.map_or(looked, |due| due.min(looked)).max(earliest)
}

fn tell(helper: &Helper, state: &State) {
    let count = |wait| state.waiting.pods().filter(|pod| pod.wait == wait).count();
    helper.counts.set_waiting(
        count(Wait::Gate) + state.uncounted.len(),
        count(Wait::Retry),
    );
    let promises = i64::try_from(state.promises.len()).unwrap_or(i64::MAX);
    helper.counts.promises.set(promises);
}

/// The events of a watch; failures are told, and tried again.
fn events(
    events: impl Stream<Item = watcher::Result<Event<Watched>>>,
    kind: &'static str,
) -> impl Stream<Item = Event<Watched>> {
    events.default_backoff().filter_map(move |event| async move {
        event
            .inspect_err(|error| warn!(%error, kind, "Watching for pods without a node failed, trying again"))
            .ok()
    })
}
