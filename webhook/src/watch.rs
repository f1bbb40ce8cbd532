//! Keeps the networks as the API server has them.
//!
//! Listing, watching, bookmarks, expired versions and backoff are kube's; here is what becomes of the events. An object
//! that cannot be read must not stop the others, and must not look as if it were not there.

use admission::NetworkIndex;
use api::{network::Network, network_attachment_definition::NetworkAttachmentDefinition};
use futures::{Stream, StreamExt};
use kube::{
    Api, Client,
    core::DeserializeGuard,
    runtime::{
        WatchStreamExt,
        watcher::{self, Event, watcher},
    },
};
use spec::network::NetworkRef;
use tracing::{info, warn};

use crate::networks::Networks;

/// An object of the watch, readable or not.
pub type Watched = DeserializeGuard<NetworkAttachmentDefinition>;

/// Watches the NetworkAttachmentDefinitions of all namespaces, for ever.
pub async fn watch(client: Client, networks: &Networks) {
    let all: Api<Watched> = Api::all(client);
    let events = watcher(all, watcher::Config::default()).default_backoff();
    feed(events, networks).await;
}

/// Takes events until there are no more.
pub async fn feed(
    events: impl Stream<Item = watcher::Result<Event<Watched>>>,
    networks: &Networks,
) {
    let mut events = std::pin::pin!(events);
    let mut listed = NetworkIndex::default();
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => take(event, &mut listed, networks),
            // What is known stays: a pod is better judged by the networks of a minute ago than by none.
            Err(error) => {
                warn!(%error, "Watching NetworkAttachmentDefinitions failed, trying again");
            }
        }
    }
}

/// `listed` collects a list until it is complete, so that nobody sees half of it.
fn take(event: Event<Watched>, listed: &mut NetworkIndex, networks: &Networks) {
    match event {
        Event::Init => *listed = NetworkIndex::default(),
        Event::InitApply(object) => {
            if let Some(network) = read(&object) {
                listed.insert(network);
            }
        }
        Event::InitDone => {
            info!(networks = listed.len(), "Networks listed");
            networks.replace(std::mem::take(listed));
        }
        Event::Apply(object) => {
            if let Some(network) = read(&object) {
                networks.insert(network);
            }
        }
        Event::Delete(object) => {
            if let Some(reference) = reference(&object) {
                networks.remove(&reference);
            }
        }
    }
}

/// The network. Only an object whose metadata is none cannot be read at all.
fn read(watched: &Watched) -> Option<Network> {
    let network = match &watched.0 {
        Ok(object) => Network::parse(object, "").map_err(|error| error.to_string()),
        Err(invalid) => Err(invalid.error.clone()),
    };
    network
        .inspect_err(|error| warn!(%error, "A network is passed over"))
        .ok()
}

fn reference(watched: &Watched) -> Option<NetworkRef> {
    read(watched).map(|network| network.reference)
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use serde_json::{Value, json};

    use super::*;

    fn object(name: &str, config: Value) -> Watched {
        serde_json::from_value(json!({
            "apiVersion": "k8s.cni.cncf.io/v1",
            "kind": "NetworkAttachmentDefinition",
            "metadata": {"name": name, "namespace": "default", "resourceVersion": "7"},
            "spec": {"config": config},
        }))
        .unwrap()
    }

    fn known(networks: &Networks) -> Option<Vec<String>> {
        networks.read(|networks| {
            networks.map(|networks| {
                let there = |name: &&str| {
                    let (namespace, name) = ("default".parse().unwrap(), name.parse().unwrap());
                    networks.get(&NetworkRef { namespace, name }).is_some()
                };
                let names = ["a", "b", "c"].iter().copied().filter(|name| there(name));
                names.map(str::to_owned).collect()
            })
        })
    }

    async fn take_all(networks: &Networks, events: Vec<watcher::Result<Event<Watched>>>) {
        feed(stream::iter(events), networks).await;
    }

    #[tokio::test]
    async fn lists_replace_and_events_change() {
        let networks = Networks::default();
        let bridge = || json!(r#"{"type":"bridge"}"#);
        take_all(
            &networks,
            vec![
                Ok(Event::Init),
                Ok(Event::InitApply(object("a", bridge()))),
                Err(watcher::Error::NoResourceVersion),
                Ok(Event::Init),
                Ok(Event::InitApply(object("b", bridge()))),
            ],
        )
        .await;
        assert_eq!(
            known(&networks),
            None,
            "a list that is not complete is not known"
        );
        take_all(
            &networks,
            vec![
                Ok(Event::Init),
                Ok(Event::InitApply(object("a", bridge()))),
                Ok(Event::InitDone),
                Ok(Event::Apply(object("b", bridge()))),
            ],
        )
        .await;
        assert_eq!(known(&networks).unwrap(), ["a", "b"]);
        take_all(&networks, vec![Ok(Event::Delete(object("a", bridge())))]).await;
        assert_eq!(known(&networks).unwrap(), ["b"]);
        take_all(
            &networks,
            vec![
                Ok(Event::Init),
                Ok(Event::InitApply(object("c", bridge()))),
                Ok(Event::InitDone),
            ],
        )
        .await;
        assert_eq!(known(&networks).unwrap(), ["c"]);
    }

    #[tokio::test]
    async fn an_object_that_cannot_be_read_is_there_with_its_fault() {
        let networks = Networks::default();
        let malformed = object("a", json!({"type": "bridge"}));
        take_all(
            &networks,
            vec![
                Ok(Event::Init),
                Ok(Event::InitApply(malformed.clone())),
                Ok(Event::InitApply(object("A B", json!("")))),
                Ok(Event::InitApply(object("b", json!("{}")))),
                Ok(Event::InitDone),
            ],
        )
        .await;
        assert_eq!(known(&networks).unwrap(), ["a", "b"]);
        let fault = networks.read(|networks| {
            let reference = reference(&malformed).unwrap();
            let network = networks.unwrap().get(&reference).unwrap();
            network.conf.as_ref().unwrap_err().to_string()
        });
        assert!(fault.contains("an object at /spec/config"), "{fault}");
        take_all(&networks, vec![Ok(Event::Delete(malformed))]).await;
        assert_eq!(known(&networks).unwrap(), ["b"]);
    }
}
