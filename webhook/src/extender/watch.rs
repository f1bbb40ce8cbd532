//! Keeps the engine as the API server has its objects.

use admission::UsageIndex;
use futures::{StreamExt, future::ready};
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
use crate::{indexed::WatchedPod, optional, store::Store, watch::feed};

/// Watches everything that scheduling looks at, for ever. Pods come once, for the store as well.
pub async fn watch(client: Client, store: &Store, scheduling: &Scheduling) {
    tokio::join!(
        nodes(client.clone(), scheduling),
        pods(client.clone(), store, scheduling),
        reports(Kind::Inventories, client.clone(), scheduling),
        async {
            // A topology that comes after a pod was seen started is taken to have that pod in it.
            scheduling.until_listed(Kind::Pods).await;
            reports(Kind::Topologies, client.clone(), scheduling).await;
        },
    );
}

async fn nodes(client: Client, scheduling: &Scheduling) {
    let mut feed = Feed::new(Kind::Nodes);
    let events = watcher(api(Kind::Nodes, client), watcher::Config::default());
    let mut events = std::pin::pin!(events.default_backoff());
    while let Some(event) = events.next().await {
        take(&mut feed, Kind::Nodes, event, scheduling);
    }
}

/// All pods: what a watch of those that have not ended tells of one that ends is how it was before, and not that the
/// kubelet refused it.
async fn pods(client: Client, store: &Store, scheduling: &Scheduling) {
    let mut known = Feed::new(Kind::Pods);
    let events = watcher(api(Kind::Pods, client), watcher::Config::default());
    let users = events.default_backoff().filter_map(move |event| {
        ready(match event {
            Ok(event) => {
                tell(&mut known, Kind::Pods, &event, scheduling);
                user(event).map(Ok)
            }
            Err(error) => Some(Err(error)),
        })
    });
    feed::<UsageIndex>(users, store).await;
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
async fn reports(kind: Kind, client: Client, scheduling: &Scheduling) {
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
            take(&mut feed, kind, event, scheduling);
        }
        scheduling.learn(feed.without());
        scheduling.listed(kind);
        sleep(optional::WITHOUT_KIND).await;
    }
}

fn take(
    feed: &mut Feed,
    kind: Kind,
    event: watcher::Result<Event<Watched>>,
    scheduling: &Scheduling,
) {
    match event {
        Ok(event) => tell(feed, kind, &event, scheduling),
        // What is known stays: reports grow old by themselves.
        Err(error) => {
            warn!(%error, kind = kind.as_str(), "Watching for scheduling failed, trying again");
        }
    }
}

fn tell(feed: &mut Feed, kind: Kind, event: &Event<Watched>, scheduling: &Scheduling) {
    scheduling.learn(feed.take(event));
    if matches!(event, Event::InitDone) {
        scheduling.listed(kind);
        info!(kind = kind.as_str(), "Listed for scheduling");
    }
}
