//! Events that are still to be written, so that no plugin waits for the API server.

use std::{sync::Arc, time::Duration};

use futures::{StreamExt, stream};
use tokio::{
    sync::{Semaphore, mpsc},
    time::sleep,
};

use crate::{metrics::Metrics, pod_event::PodEvent, publish::Publisher};

/// Events that wait at most: a few for every pod of a node.
const WAITING: usize = 4096;

/// Events that are written at the same time. Those that wait for their next try are not counted.
const AT_ONCE: usize = 4;

/// The pauses between tries: they outlast a restart of the API server. Events are for people, and no pod depends on them.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(60),
];

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
    let slots = Semaphore::new(AT_ONCE);
    let events = stream::unfold(receiver, async |mut receiver| {
        let event = receiver.recv().await?;
        Some((event, receiver))
    });
    events
        .for_each_concurrent(WAITING, async |event| {
            let outcome = if write(&publisher, &slots, event).await {
                "ok"
            } else {
                "failed"
            };
            metrics.count_published("event", outcome);
        })
        .await;
}

/// Writes an Event; what may pass is tried again. Whether it is written.
async fn write(publisher: &Publisher, slots: &Semaphore, event: PodEvent) -> bool {
    let (pod, reason) = (event.pod.clone(), event.reason);
    let mut pauses = PAUSES.into_iter();
    loop {
        let told = {
            let _slot = slots.acquire().await;
            publisher.try_to_tell(event.clone()).await
        };
        let Err(error) = told else {
            return true;
        };
        match pauses.next().filter(|_| error.is_passing()) {
            Some(pause) => {
                tracing::debug!(%pod, reason, %error, ?pause, "An Event will be tried again");
                sleep(pause).await;
            }
            None => {
                tracing::warn!(%pod, reason, %error, "An Event is not written; it needs create and patch on events");
                return false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::report;

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_tried_again_and_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let status = folder.path().join("status");
        // In the place of the folder is a file, for a while.
        std::fs::write(&status, "").unwrap();
        let metrics: Arc<Metrics> = Arc::default();
        let (queue, worker) = event_queue(Publisher::Folder(status.clone()), Arc::clone(&metrics));
        let event = PodEvent::warning(&report("").pod, "NetworksMissing", "text".to_owned());
        queue.put(vec![event.clone(); 2 * AT_ONCE]);
        drop(queue);
        let mending = async {
            sleep(PAUSES[0] + PAUSES[1] / 2).await;
            std::fs::remove_file(&status).unwrap();
        };
        tokio::join!(worker, mending);
        let text = std::fs::read_to_string(status.join("default_p.events.jsonl")).unwrap();
        assert_eq!(text.lines().count(), 2 * AT_ONCE);
        let counted = r#"polypod_bridge_published_total{what="event",outcome="ok"} 8"#;
        assert!(metrics.render().unwrap().contains(counted));
    }
}
