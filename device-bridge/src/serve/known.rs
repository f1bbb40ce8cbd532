//! Pods, networks and claims: from files, or followed in the API server.

use std::sync::Arc;

use kube::Client;
use tokio::{
    sync::oneshot,
    task::{JoinError, JoinSet},
};

use super::ServeError;
use crate::{
    claims::ClaimSource, client, config::ServedObjects, live::Live, lookup::Lookup, objects,
    store::Store, watch,
};

/// What is known of the cluster, and how more is learnt.
pub(super) struct Known {
    pub(super) lookup: Lookup,
    pub(super) store: Arc<Store>,
    pub(super) claims: ClaimSource,
    /// The API server's client, if there is an API server.
    pub(super) client: Option<Client>,
}

/// Gathers it; with an API server this is over when everything was listed once. What follows it is among `watches`.
pub(super) async fn gather(
    objects: ServedObjects,
    watches: &mut JoinSet<()>,
) -> Result<Known, ServeError> {
    match objects {
        ServedObjects::Files(paths) => {
            let (store, claims) = objects::read(&paths)?;
            let (networks, pods) = store.counts();
            tracing::info!(networks, pods, "Objects read");
            let store = Arc::new(store);
            Ok(Known {
                lookup: Lookup::in_files(Arc::clone(&store)),
                store,
                claims: ClaimSource::Files(Arc::new(claims)),
                client: None,
            })
        }
        ServedObjects::Watched { kubeconfig, node } => {
            let client = client::connect(kubeconfig.as_deref()).await?;
            let synced = start_watches(&client, &node, watches);
            let store = tokio::select! {
                store = synced => store,
                Some(ended) = watches.join_next() => return Err(watch_ended(ended)),
            };
            let live = Live::new(client.clone());
            Ok(Known {
                lookup: Lookup::watched(Arc::clone(&store), live),
                store,
                claims: ClaimSource::follow(&client, node, watches),
                client: Some(client),
            })
        }
    }
}

/// Starts the watches; the future gives the store once it holds everything.
fn start_watches(
    client: &Client,
    node: &str,
    watches: &mut JoinSet<()>,
) -> impl Future<Output = Arc<Store>> + use<> {
    let store = Arc::new(Store::default());
    let (networks_synced, networks) = oneshot::channel();
    let (pods_synced, pods) = oneshot::channel();
    watches.spawn(watch::networks(
        client.clone(),
        Arc::clone(&store),
        networks_synced,
    ));
    let (client, node) = (client.clone(), node.to_owned());
    let of_pods = Arc::clone(&store);
    watches.spawn(async move { watch::pods(client, &node, of_pods, pods_synced).await });
    async move {
        // An error means that a watch has ended, which is seen elsewhere.
        if let (Ok(()), Ok(())) = tokio::join!(networks, pods) {
            return store;
        }
        std::future::pending().await
    }
}

pub(super) fn watch_ended(ended: Result<(), JoinError>) -> ServeError {
    ServeError::Watch(match ended {
        Ok(()) => "its stream is over".to_owned(),
        Err(error) => error.to_string(),
    })
}
