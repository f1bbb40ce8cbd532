//! Writes the Events of pods: to the API server, or beside the file that stands for network-status.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use k8s_openapi::{api::core::v1::Event, apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};
use kube::{
    Api, Client,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{api_error, live::Live, pod_event::PodEvent, publish::Publisher};

/// How long one request may take.
const REQUEST: Duration = Duration::from_secs(3);

/// The largest file of Events: a pod that is tried for days tells the same all the time.
const LARGEST_FILE: u64 = 1 << 20;

/// Why an Event is not written.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// The API server refuses.
    #[error("{}", api_error::describe(.0))]
    Refused(#[from] Box<kube::Error>),
    /// The API server does not answer.
    #[error("the API server did not answer within {} seconds", REQUEST.as_secs())]
    Slow,
    /// The pod's UID is not known.
    #[error("{0}")]
    Pod(String),
    /// The file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl EventError {
    /// Whether trying again may help: the API server may be starting, its roles not yet bound, a folder not yet there.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Refused(error) => {
                !matches!(api_error::status_code(error), Some(400 | 404 | 405 | 422))
            }
            Self::Slow | Self::Pod(_) | Self::File { .. } => true,
        }
    }
}

impl Publisher {
    /// Writes an Event to where network-status goes. One that cannot be written is told of in the log: Events are for
    /// people, and no pod depends on them. Whether it is written.
    pub async fn tell(&self, event: PodEvent) -> bool {
        let (pod, reason) = (event.pod.clone(), event.reason);
        match self.try_to_tell(event).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%pod, reason, %error, "An Event is not written; it needs create and patch on events");
                false
            }
        }
    }

    /// Writes an Event, or finds its pod gone.
    ///
    /// # Errors
    /// It is not written.
    pub async fn try_to_tell(&self, event: PodEvent) -> Result<(), EventError> {
        let now = Time(Timestamp::now());
        match self {
            Self::Pod(client) => create(client, event, &now).await,
            Self::Folder(folder) => {
                let path = folder.join(format!(
                    "{}_{}.events.jsonl",
                    event.pod.namespace, event.pod.name
                ));
                append(folder, &path, &event.object(&now))
                    .map_err(|source| EventError::File { path, source })
            }
            Self::Log => {
                let PodEvent {
                    pod,
                    kind,
                    reason,
                    message,
                } = event;
                tracing::info!(%pod, ?kind, reason, text = message, "Event");
                Ok(())
            }
        }
    }
}

async fn create(client: &Client, mut event: PodEvent, now: &Time) -> Result<(), EventError> {
    if event.pod.uid.is_none() {
        // Without the UID nobody sees the Event at its pod.
        let found = Live::new(client.clone()).pod(&event.pod).await;
        match found.map_err(|failure| EventError::Pod(failure.message))? {
            Some(pod) => event.pod.uid = pod.uid,
            None => {
                tracing::info!(pod = %event.pod, reason = event.reason, "An Event is dropped, the pod is gone");
                return Ok(());
            }
        }
    }
    let api: Api<Event> = Api::namespaced(client.clone(), event.pod.namespace.as_str());
    let object = event.object(now);
    match within(api.create(&PostParams::default(), &object)).await {
        Err(EventError::Refused(error)) if api_error::status_code(&error) == Some(409) => {
            count(&api, &event.name(), now).await
        }
        created => created.map(drop),
    }
}

/// Counts one more of an Event that is there already. The first patch makes the Event live on, and brings the count.
async fn count(api: &Api<Event>, name: &str, now: &Time) -> Result<(), EventError> {
    let known = patch(api, name, json!({"lastTimestamp": now})).await?;
    let count = known.count.unwrap_or(1).saturating_add(1);
    patch(api, name, json!({"count": count})).await.map(drop)
}

async fn patch(api: &Api<Event>, name: &str, patch: Value) -> Result<Event, EventError> {
    within(api.patch(name, &PatchParams::default(), &Patch::Merge(patch))).await
}

async fn within<T>(request: impl Future<Output = Result<T, kube::Error>>) -> Result<T, EventError> {
    match timeout(REQUEST, request).await {
        Ok(answered) => answered.map_err(|error| Box::new(error).into()),
        Err(_) => Err(EventError::Slow),
    }
}

/// Adds a line. One write, so that lines of several processes do not mix.
fn append(folder: &Path, path: &Path, event: &Event) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    if file.metadata()?.len() > LARGEST_FILE {
        file.set_len(0)?;
    }
    let mut line = serde_json::to_string(event)?;
    line.push('\n');
    file.write_all(line.as_bytes())
}

#[cfg(test)]
#[path = "event_writer_tests.rs"]
mod tests;
