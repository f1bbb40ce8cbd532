//! Keeps the store as the API server has it.
//!
//! Listing, watching, bookmarks, expired versions and backoff are kube's; here is what becomes of the events. An object
//! that cannot be read must not stop the others, and must not look as if it were not there.

use admission::{
    NamespaceIndex, NetworkIndex,
    device_claim::{ClaimIndex, ClassIndex, TemplateIndex},
};
use futures::{Stream, StreamExt};
use kube::{
    Api, Client,
    runtime::{
        WatchStreamExt,
        watcher::{self, Event, watcher},
    },
};
use tracing::{info, warn};

use crate::{
    indexed::{Indexed, WatchedNamespace, WatchedNetwork},
    optional,
    store::Store,
};

/// Watches everything that decisions look at, for ever.
pub async fn watch(client: Client, store: &Store) {
    let config = watcher::Config::default;
    let networks: Api<WatchedNetwork> = Api::all(client.clone());
    let networks = watcher(networks, config()).default_backoff();
    let namespaces: Api<WatchedNamespace> = Api::all(client.clone());
    let namespaces = watcher(namespaces, config()).default_backoff();
    tokio::join!(
        feed::<NetworkIndex>(networks, store),
        feed::<NamespaceIndex>(namespaces, store),
        optional::follow::<ClaimIndex>(Api::all(client.clone()), store),
        optional::follow::<TemplateIndex>(Api::all(client.clone()), store),
        optional::follow::<ClassIndex>(Api::all(client), store),
    );
}

/// Takes events until there are no more.
pub async fn feed<I: Indexed>(
    events: impl Stream<Item = watcher::Result<Event<I::Object>>>,
    store: &Store,
) {
    let mut events = std::pin::pin!(events);
    let mut listed = I::default();
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => take(event, &mut listed, store),
            // What is known stays: a pod is better judged by what was true a minute ago than by nothing.
            Err(error) => {
                warn!(%error, kind = I::PART.as_str(), "Watching failed, trying again");
            }
        }
    }
}

/// `listed` collects a list until it is complete, so that nobody sees half of it.
fn take<I: Indexed>(event: Event<I::Object>, listed: &mut I, store: &Store) {
    match event {
        Event::Init => *listed = I::default(),
        Event::InitApply(object) => listed.apply(&object),
        Event::InitDone => {
            info!(kind = I::PART.as_str(), "Listed");
            let listed = std::mem::take(listed);
            store.list(I::PART, |cluster| *I::of(cluster) = listed);
        }
        Event::Apply(object) => store.change(I::PART, |cluster| I::of(cluster).apply(&object)),
        Event::Delete(object) => store.change(I::PART, |cluster| I::of(cluster).delete(&object)),
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use serde_json::{Value, json};
    use spec::network::NetworkRef;

    use super::*;
    use crate::store::Part;

    fn object(name: &str, config: Value) -> WatchedNetwork {
        serde_json::from_value(json!({
            "apiVersion": "k8s.cni.cncf.io/v1",
            "kind": "NetworkAttachmentDefinition",
            "metadata": {"name": name, "namespace": "default", "resourceVersion": "7"},
            "spec": {"config": config},
        }))
        .unwrap()
    }

    fn known(networks: &Store) -> Option<Vec<String>> {
        networks.read(|networks| {
            networks.map(|cluster| {
                let there = |name: &&str| {
                    let (namespace, name) = ("default".parse().unwrap(), name.parse().unwrap());
                    cluster
                        .networks
                        .get(&NetworkRef { namespace, name })
                        .is_some()
                };
                let names = ["a", "b", "c"].iter().copied().filter(|name| there(name));
                names.map(str::to_owned).collect()
            })
        })
    }

    async fn take_all(networks: &Store, events: Vec<watcher::Result<Event<WatchedNetwork>>>) {
        feed::<NetworkIndex>(stream::iter(events), networks).await;
    }

    #[tokio::test]
    async fn lists_replace_and_events_change() {
        let networks = Store::awaiting([Part::Networks]);
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
        let networks = Store::awaiting([Part::Networks]);
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
            let reference = NetworkRef {
                namespace: "default".parse().unwrap(),
                name: "a".parse().unwrap(),
            };
            let network = networks.unwrap().networks.get(&reference).unwrap();
            network.conf.as_ref().unwrap_err().to_string()
        });
        assert!(fault.contains("an object at /spec/config"), "{fault}");
        take_all(&networks, vec![Ok(Event::Delete(malformed))]).await;
        assert_eq!(known(&networks).unwrap(), ["b"]);
    }
}
