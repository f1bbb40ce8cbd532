//! The store fed by the API server: NetworkAttachmentDefinitions of all namespaces, and the pods of this node.
//!
//! Listing, watching, starting over and backing off is kube's. Of pods only the metadata is asked for.

use std::{fmt::Debug, pin::pin, sync::Arc};

use api::{network::Network, network_attachment_definition::NetworkAttachmentDefinition};
use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client,
    core::{DeserializeGuard, PartialObjectMeta},
    runtime::{
        WatchStreamExt, watcher,
        watcher::{Config, Event},
    },
};
use tokio::sync::oneshot;

use crate::{api_error, parsed, pod_facts::PodFacts, store::Store};

/// What a watch changes.
trait Sink {
    /// An object as the API server gives it.
    type Object;
    /// What the store keeps of it.
    type Kept;
    /// For the log.
    const KIND: &'static str;

    fn keep(object: &Self::Object) -> Option<Self::Kept>;
    fn reset(&self, all: Vec<Self::Kept>);
    fn apply(&self, one: Self::Kept);
    fn delete(&self, one: &Self::Kept);
}

struct Networks(Arc<Store>);

impl Sink for Networks {
    type Object = DeserializeGuard<NetworkAttachmentDefinition>;
    type Kept = Network;
    const KIND: &'static str = "NetworkAttachmentDefinition";

    fn keep(object: &Self::Object) -> Option<Network> {
        parsed::network(object)
    }
    fn reset(&self, all: Vec<Network>) {
        self.0.reset_networks(all);
    }
    fn apply(&self, one: Network) {
        self.0.apply_network(one);
    }
    fn delete(&self, one: &Network) {
        self.0.delete_network(&one.reference);
    }
}

struct Pods(Arc<Store>);

impl Sink for Pods {
    type Object = PartialObjectMeta<Pod>;
    type Kept = PodFacts;
    const KIND: &'static str = "Pod";

    fn keep(object: &Self::Object) -> Option<PodFacts> {
        parsed::pod(object)
    }
    fn reset(&self, all: Vec<PodFacts>) {
        self.0.reset_pods(all);
    }
    fn apply(&self, one: PodFacts) {
        self.0.apply_pod(one);
    }
    fn delete(&self, one: &PodFacts) {
        self.0.delete_pod(one);
    }
}

/// Follows the NetworkAttachmentDefinitions of all namespaces. `synced` is told when the store holds them all. Ends never.
pub async fn networks(client: Client, store: Arc<Store>, synced: oneshot::Sender<()>) {
    let api: Api<DeserializeGuard<NetworkAttachmentDefinition>> = Api::all(client);
    follow(watcher(api, Config::default()), Networks(store), synced).await;
}

/// Follows the pods of `node`. `synced` is told when the store holds them all. Ends never.
pub async fn pods(client: Client, node: &str, store: Arc<Store>, synced: oneshot::Sender<()>) {
    let api: Api<PartialObjectMeta<Pod>> = Api::all(client);
    let of_node = Config::default().fields(&format!("spec.nodeName={node}"));
    follow(watcher(api, of_node), Pods(store), synced).await;
}

async fn follow<S: Sink>(
    events: impl Stream<Item = watcher::Result<Event<S::Object>>>,
    sink: S,
    synced: oneshot::Sender<()>,
) where
    S::Object: Debug,
{
    let mut events = pin!(events.default_backoff());
    let mut synced = Some(synced);
    let mut all = Vec::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => all = Vec::new(),
            Ok(Event::InitApply(object)) => all.extend(S::keep(&object)),
            Ok(Event::InitDone) => {
                tracing::info!(kind = S::KIND, objects = all.len(), "Listed");
                sink.reset(std::mem::take(&mut all));
                if let Some(synced) = synced.take() {
                    // Who waited may be gone: then the process is ending.
                    let _told = synced.send(());
                }
            }
            Ok(Event::Apply(object)) => {
                if let Some(one) = S::keep(&object) {
                    sink.apply(one);
                }
            }
            Ok(Event::Delete(object)) => {
                if let Some(one) = S::keep(&object) {
                    sink.delete(&one);
                }
            }
            Err(error) => {
                tracing::warn!(
                    kind = S::KIND,
                    error = describe(&error),
                    "The watch failed and is started again"
                );
                // A cluster of an old release has no such kind. There is nothing to wait for then.
                if is_of_unknown_kind(&error)
                    && let Some(synced) = synced.take()
                {
                    let _told = synced.send(());
                }
            }
        }
    }
}

fn is_of_unknown_kind(error: &watcher::Error) -> bool {
    use watcher::Error;
    match error {
        Error::InitialListFailed(error) => api_error::status_code(error) == Some(404),
        Error::WatchStartFailed(_)
        | Error::WatchFailed(_)
        | Error::WatchError(_)
        | Error::NoResourceVersion => false,
    }
}

fn describe(error: &watcher::Error) -> String {
    use watcher::Error;
    match error {
        Error::InitialListFailed(error) => format!("listing: {}", api_error::describe(error)),
        Error::WatchStartFailed(error) | Error::WatchFailed(error) => {
            format!("watching: {}", api_error::describe(error))
        }
        Error::WatchError(status) => format!(
            "watching: the API server answered {}: {}",
            status.code, status.message
        ),
        Error::NoResourceVersion => error.to_string(),
    }
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
