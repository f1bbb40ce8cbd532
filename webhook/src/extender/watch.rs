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
use tracing::warn;

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
        reports(Kind::Topologies, client, scheduling),
    );
}

async fn nodes(client: Client, scheduling: &Scheduling) {
    let mut feed = Feed::new(Kind::Nodes, scheduling);
    let events = watcher(api(Kind::Nodes, client), watcher::Config::default());
    let mut events = std::pin::pin!(events.default_backoff());
    while let Some(event) = events.next().await {
        take(&mut feed, Kind::Nodes, event);
    }
}

/// All pods: what a watch of those that have not ended tells of one that ends is how it was before, and not that the
/// kubelet refused it.
async fn pods(client: Client, store: &Store, scheduling: &Scheduling) {
    let mut known = Feed::new(Kind::Pods, scheduling);
    let events = watcher(api(Kind::Pods, client), watcher::Config::default());
    let users = events.default_backoff().filter_map(move |event| {
        ready(match event {
            Ok(event) => {
                known.take(&event);
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
    let mut feed = Feed::new(kind, scheduling);
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
            take(&mut feed, kind, event);
        }
        feed.is_absent();
        sleep(optional::WITHOUT_KIND).await;
    }
}

fn take(feed: &mut Feed<'_>, kind: Kind, event: watcher::Result<Event<Watched>>) {
    match event {
        Ok(event) => feed.take(&event),
        // What is known stays: reports grow old by themselves.
        Err(error) => {
            warn!(%error, kind = kind.as_str(), "Watching for scheduling failed, trying again");
        }
    }
}
