//! Events that are still to be written, so that no plugin waits for the API server.

use std::sync::Arc;

use futures::{StreamExt, stream};
use tokio::sync::mpsc;

use crate::{metrics::Metrics, pod_event::PodEvent, publish::Publisher};

/// Events that wait at most: a few for every pod of a node.
const WAITING: usize = 4096;

/// Events that are written at the same time.
const AT_ONCE: usize = 4;

/// The entrance. When its last copy is dropped, the worker ends with the last Event.
#[derive(Clone, Debug)]
pub struct EventQueue(mpsc::Sender<PodEvent>);

/// A queue, and the worker that writes what is put into it.
pub fn event_queue(
    publisher: Publisher,
    metrics: Arc<Metrics>,
) -> (EventQueue, impl Future<Output = ()> + Send) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (EventQueue(sender), work(receiver, publisher, metrics))
}

impl EventQueue {
    /// Takes Events to be written. Never waits.
    pub fn put(&self, events: Vec<PodEvent>) {
        for event in events {
            let pod = event.pod.clone();
            if let Err(error) = self.0.try_send(event) {
                tracing::warn!(%pod, %error, "An Event is not written: too many wait already");
            }
        }
    }
}

async fn work(receiver: mpsc::Receiver<PodEvent>, publisher: Publisher, metrics: Arc<Metrics>) {
    let events = stream::unfold(receiver, async |mut receiver| {
        let event = receiver.recv().await?;
        Some((event, receiver))
    });
    events
        .for_each_concurrent(AT_ONCE, async |event| {
            let outcome = if publisher.tell(event).await {
                "ok"
            } else {
                "failed"
            };
            metrics.count_published("event", outcome);
        })
        .await;
}
