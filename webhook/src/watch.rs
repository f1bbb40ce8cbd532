//! Keeps the store as the API server has it.
//!
//! Listing, watching, bookmarks, expired versions and backoff are kube's; here is what becomes of the events. An object
//! that cannot be read must not stop the others, and must not look as if it were not there.

use std::sync::Arc;

use admission::{
    NamespaceIndex, NetworkIndex, UsageIndex,
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
    extender::{self, scheduling::Scheduling},
    indexed::{Indexed, WatchedNamespace, WatchedNetwork, WatchedPod},
    optional,
    store::Store,
};

/// Pods that have networks. The API server tells of one that ends as if it were deleted.
const NOT_ENDED: &str = "status.phase!=Succeeded,status.phase!=Failed";

/// Watches everything that decisions look at, for ever, those about scheduling among them where there are such.
pub async fn watch(client: Client, store: Arc<Store>, scheduling: Option<Arc<Scheduling>>) {
    let shared = Arc::clone(&store);
    let store = &*store;
    let config = watcher::Config::default;
    let networks: Api<WatchedNetwork> = Api::all(client.clone());
    let networks = watcher(networks, config()).default_backoff();
    let namespaces: Api<WatchedNamespace> = Api::all(client.clone());
    let namespaces = watcher(namespaces, config()).default_backoff();
    let pods = async {
        let Some(scheduling) = &scheduling else {
            let pods: Api<WatchedPod> = Api::all(client.clone());
            let pods = watcher(pods, config().fields(NOT_ENDED)).default_backoff();
            return feed::<UsageIndex>(pods, store).await;
        };
        extender::watch::watch(&client, &shared, scheduling).await;
    };
    tokio::join!(
        feed::<NetworkIndex>(networks, store),
        feed::<NamespaceIndex>(namespaces, store),
        pods,
        optional::follow::<ClaimIndex>(Api::all(client.clone()), store),
        optional::follow::<TemplateIndex>(Api::all(client.clone()), store),
        optional::follow::<ClassIndex>(Api::all(client.clone()), store),
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

    fn pod(name: &str, networks: &str, is_going: bool) -> WatchedPod {
        let mut pod = json!({
            "metadata": {"name": name, "namespace": "default", "annotations": {"k8s.v1.cni.cncf.io/networks": networks}},
        });
        if is_going {
            pod["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        }
        serde_json::from_value(pod).unwrap()
    }

    #[tokio::test]
    async fn pods_are_known_by_what_they_use() {
        let store = Store::awaiting([Part::Pods]);
        let users = |store: &Store| {
            store.read(|cluster| {
                let reference = NetworkRef {
                    namespace: "default".parse().unwrap(),
                    name: "a".parse().unwrap(),
                };
                let system = "kube-system".parse().unwrap();
                let users = cluster?.usage.users(&reference, &system)?;
                Some(users.to_string())
            })
        };
        let events = vec![
            Ok(Event::Init),
            Ok(Event::InitApply(pod("p", "a", false))),
            Ok(Event::InitApply(pod("q", "a,b", false))),
            Ok(Event::InitApply(pod("r", "a", true))),
            Ok(Event::InitDone),
        ];
        feed::<UsageIndex>(stream::iter(events), &store).await;
        assert_eq!(
            users(&store).unwrap(),
            "2 pods use it, default/p, default/q"
        );
        let events = vec![
            Ok(Event::Apply(pod("p", "a", true))),
            Ok(Event::Apply(pod("q", "b", false))),
            Ok(Event::Apply(pod("s", "a", false))),
        ];
        feed::<UsageIndex>(stream::iter(events), &store).await;
        assert_eq!(users(&store).unwrap(), "pod default/s uses it");
        let events = vec![Ok(Event::Delete(pod("s", "a", false)))];
        feed::<UsageIndex>(stream::iter(events), &store).await;
        assert_eq!(users(&store), None);
    }

    #[tokio::test]
    async fn namespaces_that_are_going_are_known() {
        let store = Store::awaiting([Part::Namespaces]);
        let namespace = |is_going: bool| -> WatchedNamespace {
            let mut object = json!({"metadata": {"name": "ns1"}});
            if is_going {
                object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
            }
            serde_json::from_value(object).unwrap()
        };
        let is_going = |store: &Store| {
            let namespace = "ns1".parse().unwrap();
            store.read(|cluster| cluster.unwrap().namespaces.is_terminating(&namespace))
        };
        let events = vec![
            Ok(Event::Init),
            Ok(Event::InitApply(namespace(false))),
            Ok(Event::InitDone),
        ];
        feed::<NamespaceIndex>(stream::iter(events), &store).await;
        assert!(!is_going(&store));
        let events = vec![Ok(Event::Apply(namespace(true)))];
        feed::<NamespaceIndex>(stream::iter(events), &store).await;
        assert!(is_going(&store));
    }
}
