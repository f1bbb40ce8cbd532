//! Keeps the engine as the API server has its objects.

use std::sync::Arc;

use admission::UsageIndex;
use futures::{StreamExt, stream};
use kube::{
    Client,
    core::PartialObjectMeta,
    runtime::{
        WatchStreamExt,
        watcher::{self, Event, watcher},
    },
};
use tokio::time::sleep;
use tracing::{info, warn};

use super::{
    feed::{Feed, api},
    scheduling::{Kind, Scheduling},
    watched::Watched,
};
use crate::{apart::apart, indexed::WatchedPod, optional, store::Store, watch::feed};

/// Watches everything that scheduling looks at, for ever, each kind in a task of its own. Pods come once, for the store as
/// well.
pub async fn watch(client: &Client, store: &Arc<Store>, scheduling: &Arc<Scheduling>) {
    let reports_of = |kind| {
        let (client, scheduling) = (client.clone(), Arc::clone(scheduling));
        async move {
            // A topology that comes after a pod was seen started is taken to have that pod in it. Whoever is in an inventory
            // and not known is thought to be gone.
            scheduling.until_listed(Kind::Pods).await;
            reports(kind, client, scheduling).await;
        }
    };
    let pods = pods(client.clone(), Arc::clone(store), Arc::clone(scheduling));
    // None ever ends; if one did, the engine would go on with what was true yesterday.
    tokio::select! {
        () = apart(nodes(client.clone(), Arc::clone(scheduling))) => {}
        () = apart(pods) => {}
        () = apart(reports_of(Kind::Inventories)) => {}
        () = apart(reports_of(Kind::Topologies)) => {}
    }
}

async fn nodes(client: Client, scheduling: Arc<Scheduling>) {
    let mut feed = Feed::new(Kind::Nodes);
    let events = watcher(api(Kind::Nodes, client), watcher::Config::default());
    let mut events = std::pin::pin!(events.default_backoff());
    while let Some(event) = events.next().await {
        take(&mut feed, Kind::Nodes, event, &scheduling).await;
    }
}

/// All pods: what a watch of those that have not ended tells of one that ends is how it was before, and not that the
/// kubelet refused it.
async fn pods(client: Client, store: Arc<Store>, scheduling: Arc<Scheduling>) {
    let events = watcher(api(Kind::Pods, client), watcher::Config::default());
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

/// Reports, of a kind that the API server may not have.
async fn reports(kind: Kind, client: Client, scheduling: Arc<Scheduling>) {
    let mut feed = Feed::new(kind);
    let mut is_told = false;
    loop {
        let events = watcher(api(kind, client.clone()), watcher::Config::default());
        let events = optional::served(events.default_backoff(), |refusal| {
            if !std::mem::replace(&mut is_told, true) {
                optional::tell(kind.as_str(), refusal, "no node reports by it");
            }
        });
        let mut events = std::pin::pin!(events);
        while let Some(event) = events.next().await {
            take(&mut feed, kind, event, &scheduling).await;
        }
        scheduling.learn_by_turns(feed.without()).await;
        scheduling.listed(kind);
        sleep(optional::WITHOUT_KIND).await;
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
