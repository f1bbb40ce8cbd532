//! Watches what webhook configurations tell API servers to trust.

use std::sync::Arc;

use futures::{StreamExt as _, future::join_all};
use kube::runtime::{
    WatchStreamExt as _,
    watcher::{self, Event, watcher},
};
use time::OffsetDateTime;
use tokio::sync::Notify;
use tracing::warn;

use super::{
    configurations::{Configuration, Configurations, told},
    status::Status,
};

/// Notes what the configurations say, whenever they change, and wakes the leader: it may have to be set right.
pub async fn watch(configurations: Option<&Configurations>, status: &Arc<Status>, wake: &Notify) {
    let Some(configurations) = configurations else {
        return std::future::pending().await;
    };
    let each = configurations.iter();
    join_all(each.map(|configuration| follow(configuration, status, wake))).await;
}

async fn follow(configuration: &Configuration, status: &Status, wake: &Notify) {
    let Configuration { api, name, title } = configuration;
    let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
    let mut events = std::pin::pin!(watcher(api.clone(), config).default_backoff());
    let mut listed = None;
    while let Some(event) = events.next().await {
        let now = OffsetDateTime::now_utc();
        match event {
            Ok(Event::Init) => listed = None,
            Ok(Event::InitApply(object)) => listed = Some(told(&object)),
            Ok(Event::InitDone) => status.told(title, listed.take(), now),
            Ok(Event::Apply(object)) => status.told(title, Some(told(&object)), now),
            Ok(Event::Delete(_)) => status.told(title, None, now),
            Err(error) => {
                warn!(%error, configuration = title, "Watching failed, trying again");
                continue;
            }
        }
        wake.notify_one();
    }
}
