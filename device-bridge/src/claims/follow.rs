//! This node's ResourceSlices, followed. Clusters without resource.k8s.io have none, and that stops nobody.

use std::{
    pin::pin,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use futures::StreamExt;
use k8s_openapi::api::resource::v1::ResourceSlice;
use kube::{
    Api, Client,
    runtime::{
        WatchStreamExt, watcher,
        watcher::{Config, Event},
    },
};
use tokio::time::sleep;

use super::slices::{Slice, Slices};
use crate::api_error;

/// How long a cluster without the kind is left alone: somebody may upgrade it.
const WITHOUT_KIND: Duration = Duration::from_secs(600);

/// Slices are large and few: this many at once, so that a node's first list does not fill memory.
const PAGE: u32 = 20;

/// The slices as they are known, once they are.
pub type Followed = Arc<RwLock<Option<Slices>>>;

/// Follows the slices of `node`. Ends never.
pub async fn follow(client: Client, node: String, slices: Followed) {
    let api: Api<ResourceSlice> = Api::all(client);
    let of_node = format!("spec.nodeName={node}");
    let mut told = false;
    loop {
        let config = Config::default().fields(&of_node).page_size(PAGE);
        let events = watcher(api.clone(), config).default_backoff();
        let error = until_unknown(pin!(events), &slices).await;
        *write(&slices) = Some(Slices::default());
        if !std::mem::replace(&mut told, true) {
            tracing::info!(
                error,
                "The API server has no ResourceSlices of resource.k8s.io/v1; devices of claims are not known"
            );
        }
        sleep(WITHOUT_KIND).await;
    }
}

/// Follows until the API server says that it does not know the kind.
async fn until_unknown(
    mut events: std::pin::Pin<
        &mut impl futures::Stream<Item = watcher::Result<Event<ResourceSlice>>>,
    >,
    slices: &Followed,
) -> String {
    let mut all = Slices::default();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => all = Slices::default(),
            Ok(Event::InitApply(object)) => all.apply(Slice::of(&object)),
            Ok(Event::InitDone) => {
                tracing::info!(kind = "ResourceSlice", objects = all.len(), "Listed");
                *write(slices) = Some(std::mem::take(&mut all));
            }
            Ok(Event::Apply(object)) => {
                write(slices)
                    .get_or_insert_default()
                    .apply(Slice::of(&object));
            }
            Ok(Event::Delete(object)) => {
                write(slices)
                    .get_or_insert_default()
                    .delete(&Slice::of(&object));
            }
            Err(watcher::Error::InitialListFailed(error))
                if api_error::status_code(&error) == Some(404) =>
            {
                return api_error::describe(&error);
            }
            Err(error) => {
                tracing::warn!(
                    kind = "ResourceSlice",
                    error = %error,
                    "The watch failed and is started again; check that polypod-device-bridge may list and watch resourceslices"
                );
            }
        }
    }
    "the watch ended".to_owned()
}

fn write(slices: &Followed) -> std::sync::RwLockWriteGuard<'_, Option<Slices>> {
    // A panic elsewhere leaves an index that is whole.
    slices.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "follow_tests.rs"]
mod tests;
