//! Kinds that an API server may not have. Without them nothing of them is there, and that stops nobody.

use std::{fmt::Debug, time::Duration};

use futures::{Stream, StreamExt, future::ready};
use kube::{
    Api,
    runtime::{
        WatchStreamExt,
        watcher::{self, Event, watcher},
    },
};
use serde::de::DeserializeOwned;
use tokio::time::sleep;
use tracing::{info, warn};

use crate::{indexed::Indexed, store::Store, watch::feed};

/// How long an API server without the kind is left alone: somebody may upgrade it, or grant the right to list.
pub(crate) const WITHOUT_KIND: Duration = Duration::from_secs(60);

/// Keeps a part of the store as the API server has it, for ever.
pub async fn follow<I: Indexed>(api: Api<I::Object>, store: &Store)
where
    I::Object: kube::Resource + Clone + DeserializeOwned + Debug + 'static,
{
    let mut is_told = false;
    loop {
        let events = watcher(api.clone(), watcher::Config::default()).default_backoff();
        let events = served(events, |refusal| {
            if !std::mem::replace(&mut is_told, true) {
                tell(
                    I::PART.as_str(),
                    refusal,
                    "claims of devices are not counted",
                );
            }
        });
        feed::<I>(events, store).await;
        store.list(I::PART, |cluster| *I::of(cluster) = I::default());
        sleep(WITHOUT_KIND).await;
    }
}

/// The events until the API server says that the kind is not there, or not for this service account.
pub(crate) fn served<K>(
    events: impl Stream<Item = watcher::Result<Event<K>>>,
    mut refused: impl FnMut(&kube::core::Status),
) -> impl Stream<Item = watcher::Result<Event<K>>> {
    events.take_while(move |event| {
        let refusal = match event {
            Err(watcher::Error::InitialListFailed(kube::Error::Api(status)))
                if matches!(status.code, 403 | 404) =>
            {
                Some(status)
            }
            _ => None,
        };
        refusal.inspect(|status| refused(status));
        ready(refusal.is_none())
    })
}

/// Tells why a kind is not there, and what follows of it.
pub(crate) fn tell(kind: &str, refusal: &kube::core::Status, consequence: &str) {
    match refusal.code {
        404 => info!(kind, "The API server does not have the kind; {consequence}"),
        _ => warn!(
            kind,
            error = refusal.message,
            "The webhook may not list the kind, so {consequence}; grant get, list and watch"
        ),
    }
}

#[cfg(test)]
mod tests;
