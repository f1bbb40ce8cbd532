//! Keeps the engine as the API server has its objects.

use std::{sync::Arc, time::Duration};

use admission::UsageIndex;
use futures::{StreamExt, future::pending, stream};
use kube::{
    Client,
    core::PartialObjectMeta,
    runtime::{
        WatchStreamExt,
        watcher::{self, Event, watcher},
    },
};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::{
    feed::{Feed, api, config},
    scheduling::{Kind, Scheduling},
    watched::Watched,
};
use crate::{apart::apart, indexed::WatchedPod, optional, store::Store, watch::feed};

/// How long NodeResourceTopologies are waited for once all else is listed.
const PATIENCE: Duration = Duration::from_secs(60);

/// How soon a kind is asked for again which could be listed before.
const FORBIDDEN: Duration = Duration::from_secs(5);

/// Watches everything that scheduling looks at, for ever, each kind in a task of its own. Pods come once, for the store as
/// well.
pub async fn watch(client: &Client, store: &Arc<Store>, scheduling: &Arc<Scheduling>) {
    let topologies = {
        let (client, scheduling) = (client.clone(), Arc::clone(scheduling));
        async move {
            // A topology that comes after a pod was seen started is taken to have that pod in it.
            scheduling.until_listed(Kind::Pods).await;
            reports(Kind::Topologies, client, scheduling).await;
        }
    };
    let pods = pods(client.clone(), Arc::clone(store), Arc::clone(scheduling));
    let inventories = reports(Kind::Inventories, client.clone(), Arc::clone(scheduling));
    // None ever ends; if one did, the engine would go on with what was true yesterday.
    tokio::select! {
        () = apart(nodes(client.clone(), Arc::clone(scheduling))) => {}
        () = apart(pods) => {}
        () = apart(inventories) => {}
        () = apart(topologies) => {}
        () = wait_no_longer(scheduling) => {}
    }
}

/// Whoever waits for topologies waits until this is over, and not for ever: a cluster may be without them, and their API
/// server need not be ours. Nodes without a NodeInventory are nodes that never reported, then.
async fn wait_no_longer(scheduling: &Scheduling) {
    for kind in [Kind::Nodes, Kind::Pods, Kind::Inventories] {
        scheduling.until_listed(kind).await;
    }
    let listed = scheduling.until_listed(Kind::Topologies);
    if timeout(PATIENCE, listed).await.is_err() {
        scheduling.waive(Kind::Topologies);
        warn!(
            "NodeResourceTopologies cannot be listed; schedulers are answered without them, as if nodes without a NodeInventory had never reported"
        );
    }
    pending::<()>().await;
}

async fn nodes(client: Client, scheduling: Arc<Scheduling>) {
    let mut feed = Feed::new(Kind::Nodes);
    let events = watcher(api(Kind::Nodes, client), config());
    let mut events = std::pin::pin!(events.default_backoff());
    while let Some(event) = events.next().await {
        take(&mut feed, Kind::Nodes, event, &scheduling).await;
    }
}

/// All pods: what a watch of those that have not ended tells of one that ends is how it was before, and not that the
/// kubelet refused it.
async fn pods(client: Client, store: Arc<Store>, scheduling: Arc<Scheduling>) {
    let events = watcher(api(Kind::Pods, client), config());
    let begin = (events.default_backoff().boxed(), Feed::new(Kind::Pods));
    let scheduling = &*scheduling;
    let users = stream::unfold(begin, move |(mut events, mut known)| async move {
        loop {
            let user = match events.next().await? {
                Ok(event) => {
                    tell(&mut known, Kind::Pods, &event, scheduling).await;
                    user(event).map(Ok)
                }
                Err(error) => Some(Err(error)),
            };
            if let Some(user) = user {
                return Some((user, (events, known)));
            }
        }
    });
    feed::<UsageIndex>(users, &store).await;
}

/// What is told to the store, for which a pod that has ended is gone.
fn user(event: Event<Watched>) -> Option<Event<WatchedPod>> {
    let has_ended = |pod: &Watched| {
        let phase = pod.object["status"]["phase"].as_str();
        matches!(phase, Some("Succeeded" | "Failed"))
    };
    let user = |pod: Watched| PartialObjectMeta {
        metadata: pod.metadata,
        ..PartialObjectMeta::default()
    };
    Some(match event {
        Event::Init => Event::Init,
        Event::InitDone => Event::InitDone,
        Event::InitApply(pod) if has_ended(&pod) => return None,
        Event::InitApply(pod) => Event::InitApply(user(pod)),
        Event::Apply(pod) if has_ended(&pod) => Event::Delete(user(pod)),
        Event::Apply(pod) => Event::Apply(user(pod)),
        Event::Delete(pod) => Event::Delete(user(pod)),
    })
}

/// Reports, of a kind that the API server may not have, or may not let us list.
///
/// Without the kind there are no reports. Where the right to list it is gone, what is known stays as after any other
/// failure: rights are applied anew, and API servers that have just begun do not know them yet.
async fn reports(kind: Kind, client: Client, scheduling: Arc<Scheduling>) {
    let mut feed = Feed::new(kind);
    let mut is_told = false;
    loop {
        let events = watcher(api(kind, client.clone()), config());
        let mut refused = None;
        let events = optional::served(events.default_backoff(), |refusal| {
            refused = Some(refusal.clone());
        });
        {
            let mut events = std::pin::pin!(events);
            while let Some(event) = events.next().await {
                is_told &= !matches!(event, Ok(Event::InitDone));
                take(&mut feed, kind, event, &scheduling).await;
            }
        }
        let is_forbidden = refused.as_ref().is_some_and(|refusal| refusal.code == 403);
        let stays = is_forbidden && scheduling.is_listed(kind) && feed.knows_any();
        let (consequence, pause) = match stays {
            true => ("what is known of it grows old", FORBIDDEN),
            false => ("no node reports by it", optional::WITHOUT_KIND),
        };
        if let Some(refusal) = refused.filter(|_| !std::mem::replace(&mut is_told, true)) {
            optional::tell(kind.as_str(), &refusal, consequence);
        }
        if !stays {
            scheduling.learn_by_turns(feed.without()).await;
            scheduling.listed(kind);
        }
        sleep(pause).await;
    }
}

async fn take(
    feed: &mut Feed,
    kind: Kind,
    event: watcher::Result<Event<Watched>>,
    scheduling: &Scheduling,
) {
    match event {
        Ok(event) => tell(feed, kind, &event, scheduling).await,
        // What is known stays: reports grow old by themselves.
        Err(error) => {
            warn!(%error, kind = kind.as_str(), "Watching for scheduling failed, trying again");
        }
    }
}

async fn tell(feed: &mut Feed, kind: Kind, event: &Event<Watched>, scheduling: &Scheduling) {
    scheduling.learn_by_turns(feed.take(event)).await;
    if matches!(event, Event::InitDone) {
        scheduling.listed(kind);
        info!(kind = kind.as_str(), "Listed for scheduling");
    }
}

#[cfg(test)]
mod tests;
