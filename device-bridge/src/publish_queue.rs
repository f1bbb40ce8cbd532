//! Reports that are still to be published, so that no plugin waits for the API server.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::{StreamExt, stream};
use spec::{
    bridge::{PodRef, Report},
    network::{Namespace, ObjectName},
};
use tokio::sync::mpsc;
use tracing::Instrument;

use crate::{publish::Publisher, span::report_span};

/// Reports that wait at most. A node has a few hundred pods; more would mean that nothing was published for hours.
const WAITING: usize = 1024;

/// Reports that are published at the same time.
const AT_ONCE: usize = 8;

/// The entrance. When its last copy is dropped, the worker ends with the last report.
#[derive(Clone, Debug)]
pub struct PublishQueue {
    sender: mpsc::Sender<(u64, Report)>,
    newest: Newest,
}

/// The number of each pod's newest report. An older one is not tried again: it would overwrite what is true by now.
#[derive(Clone, Debug, Default)]
struct Newest(Arc<Mutex<Numbers>>);

#[derive(Debug, Default)]
struct Numbers {
    last: u64,
    of_pods: BTreeMap<(Namespace, ObjectName), u64>,
}

/// A queue, and the worker that publishes what is put into it.
pub fn queue(publisher: Publisher) -> (PublishQueue, impl Future<Output = ()> + Send) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let newest = Newest::default();
    let queue = PublishQueue {
        sender,
        newest: newest.clone(),
    };
    (queue, work(receiver, publisher, newest))
}

impl PublishQueue {
    /// Takes a report to be published. Never waits.
    pub fn put(&self, report: Report) {
        let pod = report.pod.clone();
        let number = self.newest.number(&pod);
        if let Err(error) = self.sender.try_send((number, report)) {
            self.newest.forget(&pod, number);
            tracing::error!(%pod, %error, "Network-status is not published: too many reports wait already");
        }
    }
}

async fn work(receiver: mpsc::Receiver<(u64, Report)>, publisher: Publisher, newest: Newest) {
    let reports = stream::unfold(receiver, async |mut receiver| {
        let report = receiver.recv().await?;
        Some((report, receiver))
    });
    reports
        .for_each_concurrent(AT_ONCE, async |(number, report)| {
            let pod = &report.pod;
            let is_newest = || newest.is_newest(pod, number);
            if is_newest() {
                let span = report_span(&report);
                let publishing = publisher.publish(&report, is_newest);
                if let Err(error) = publishing.instrument(span.clone()).await {
                    let _entered = span.enter();
                    tracing::error!(%pod, %error, "Network-status is not published");
                }
            }
            newest.forget(pod, number);
        })
        .await;
}

impl Newest {
    fn number(&self, pod: &PodRef) -> u64 {
        let mut numbers = self.lock();
        numbers.last += 1;
        let number = numbers.last;
        numbers.of_pods.insert(key(pod), number);
        number
    }

    fn is_newest(&self, pod: &PodRef, number: u64) -> bool {
        self.lock().of_pods.get(&key(pod)) == Some(&number)
    }

    fn forget(&self, pod: &PodRef, number: u64) {
        let mut numbers = self.lock();
        if numbers.of_pods.get(&key(pod)) == Some(&number) {
            numbers.of_pods.remove(&key(pod));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Numbers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(pod: &PodRef) -> (Namespace, ObjectName) {
    (pod.namespace.clone(), pod.name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::bare_question;

    #[tokio::test]
    async fn the_worker_ends_with_the_last_report_and_the_newest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (queue, worker) = queue(Publisher::Folder(folder.path().to_owned()));
        for name in ["first", "second"] {
            let question = bare_question();
            queue.put(Report {
                pod: question.pod,
                container_id: question.container_id,
                statuses: vec![spec::network::NetworkStatus {
                    name: name.to_owned(),
                    ..Default::default()
                }],
                added: Vec::new(),
                traceparent: None,
            });
        }
        let newest = queue.newest.clone();
        drop(queue);
        worker.await;
        let text = std::fs::read_to_string(folder.path().join("default_p.json")).unwrap();
        assert!(text.contains("second"), "{text}");
        assert!(newest.lock().of_pods.is_empty());
    }
}
