//! Reports that are still to be published, so that no plugin waits for the API server.
//!
//! A report is tried until it is published, the pod is gone, or a newer one of its pod has come; and it is on disk so long.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{StreamExt, stream};
use spec::{
    bridge::{PodRef, Report},
    network::{Namespace, ObjectName},
};
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::sleep,
};
use tracing::Instrument;

use crate::{
    metrics::Metrics,
    publish::{PublishError, Publisher},
    span::report_span,
    spool::Spool,
};

/// Reports that wait at most. A node has a few hundred pods, and each has one that counts.
const WAITING: usize = 4096;

/// Reports that are written at the same time. Those that wait for their next try are not counted.
const AT_ONCE: usize = 8;

/// The pause after the first failure; each is twice the one before it, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The pause after an error that trying again will hardly change, such as annotations that are too large together.
const HARDLY: Duration = Duration::from_secs(300);

/// The entrance. When its last copy is dropped, the worker ends with the last report.
#[derive(Clone, Debug)]
pub struct PublishQueue {
    sender: mpsc::Sender<Waiting>,
    newest: Newest,
    spool: Option<Spool>,
}

#[derive(Debug)]
struct Waiting {
    number: u64,
    report: Report,
    published: oneshot::Sender<()>,
}

/// The number of each pod's newest report. An older one is not tried again: it would overwrite what is true by now.
#[derive(Clone, Debug, Default)]
struct Newest(Arc<Mutex<Numbers>>);

#[derive(Debug, Default)]
struct Numbers {
    last: u64,
    of_pods: BTreeMap<(Namespace, ObjectName), u64>,
}

/// A queue, and the worker that publishes what is put into it. What an agent before this one left in `spool` is in it.
pub fn queue(
    publisher: Publisher,
    spool: Option<Spool>,
    metrics: Arc<Metrics>,
) -> (PublishQueue, impl Future<Output = ()> + Send) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let newest = Newest::default();
    let queue = PublishQueue {
        sender,
        newest: newest.clone(),
        spool: spool.clone(),
    };
    for report in spool.as_ref().map(Spool::left).unwrap_or_default() {
        tracing::info!(pod = %report.pod, "Network-status was left to be published");
        queue.enter(report);
    }
    let worker = Worker {
        publisher,
        newest,
        spool,
        metrics,
        slots: Semaphore::new(AT_ONCE),
    };
    (queue, worker.work(receiver))
}

impl PublishQueue {
    /// Takes a report to be published. Never waits. The receiver is told when it is published, and is dropped when it will
    /// not be.
    pub fn put(&self, report: Report) -> oneshot::Receiver<()> {
        if let Some(spool) = &self.spool
            && let Err(error) = spool.keep(&report)
        {
            tracing::warn!(pod = %report.pod, %error, "A report is not kept on disk: a restart would lose it");
        }
        self.enter(report)
    }

    fn enter(&self, report: Report) -> oneshot::Receiver<()> {
        let pod = report.pod.clone();
        let number = self.newest.number(&pod);
        let (published, is_published) = oneshot::channel();
        let waiting = Waiting {
            number,
            report,
            published,
        };
        if let Err(error) = self.sender.try_send(waiting) {
            self.newest.forget(&pod, number);
            tracing::error!(%pod, %error, "Network-status is not published before the next start: too many reports wait already");
        }
        is_published
    }
}

struct Worker {
    publisher: Publisher,
    newest: Newest,
    spool: Option<Spool>,
    metrics: Arc<Metrics>,
    slots: Semaphore,
}

impl Worker {
    async fn work(self, receiver: mpsc::Receiver<Waiting>) {
        let reports = stream::unfold(receiver, async |mut receiver| {
            let report = receiver.recv().await?;
            Some((report, receiver))
        });
        reports
            .for_each_concurrent(None, |waiting| self.see_to(waiting))
            .await;
    }

    async fn see_to(&self, waiting: Waiting) {
        let Waiting {
            number,
            report,
            published,
        } = waiting;
        let pod = &report.pod;
        let span = report_span(&report);
        if self
            .publish(&report, number)
            .instrument(span.clone())
            .await
            .is_published()
        {
            // Nobody need wait for it.
            let _told = published.send(());
        }
        if self.newest.forget(pod, number)
            && let Some(spool) = &self.spool
            && let Err(error) = spool.remove(pod)
        {
            let _entered = span.enter();
            tracing::warn!(%pod, %error, "A report stays on disk and will be published again");
        }
    }

    /// Publishes a report, however often it has to be tried.
    async fn publish(&self, report: &Report, number: u64) -> End {
        let mut pause = FIRST_PAUSE;
        while self.newest.is_newest(&report.pod, number) {
            let tried = {
                let _slot = self.slots.acquire().await;
                self.publisher.try_once(report).await
            };
            let Err(error) = tried else {
                self.metrics.count_published("network-status", "ok");
                return End::Published;
            };
            self.metrics.count_published("network-status", "failed");
            let wait = if error.is_passing() { pause } else { HARDLY };
            self.say(report, &error, wait);
            sleep(wait).await;
            pause = LONGEST_PAUSE.min(pause * 2);
        }
        End::Superseded
    }

    fn say(&self, report: &Report, error: &PublishError, wait: Duration) {
        tracing::warn!(pod = %report.pod, %error, pause = ?wait, "Network-status is not published yet and will be tried again");
    }
}

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The pod has it, or is gone.
    Published,
    /// There is a newer one.
    Superseded,
}

impl End {
    fn is_published(self) -> bool {
        self == Self::Published
    }
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

    /// Whether it was the newest.
    fn forget(&self, pod: &PodRef, number: u64) -> bool {
        let mut numbers = self.lock();
        let is_newest = numbers.of_pods.get(&key(pod)) == Some(&number);
        if is_newest {
            numbers.of_pods.remove(&key(pod));
        }
        is_newest
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
    use crate::fixture::report;

    fn status(folder: &tempfile::TempDir) -> String {
        std::fs::read_to_string(folder.path().join("status/default_p.json")).unwrap()
    }

    #[tokio::test]
    async fn the_worker_ends_with_the_last_report_and_the_newest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path().join("reports"));
        let publisher = Publisher::Folder(folder.path().join("status"));
        let (queue, worker) = queue(publisher, Some(spool.clone()), Arc::default());
        let older = queue.put(report("first"));
        let newer = queue.put(report("second"));
        assert_eq!(spool.left(), [report("second")]);
        let newest = queue.newest.clone();
        drop(queue);
        worker.await;
        assert!(status(&folder).contains("second"));
        assert!(newest.lock().of_pods.is_empty());
        assert!(spool.left().is_empty());
        assert!(older.await.is_err());
        assert!(newer.await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_published_is_tried_and_survives_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path().join("reports"));
        // In the place of the folder is a file.
        std::fs::write(folder.path().join("status"), "").unwrap();
        let publisher = || Publisher::Folder(folder.path().join("status"));
        let metrics: Arc<Metrics> = Arc::default();
        let (first, worker) = queue(publisher(), Some(spool.clone()), Arc::clone(&metrics));
        let published = first.put(report("a"));
        drop(first);
        tokio::time::timeout(Duration::from_secs(3600), worker)
            .await
            .unwrap_err();
        assert!(published.await.is_err());
        assert_eq!(spool.left(), [report("a")]);
        let tries = metrics.render().unwrap();
        assert!(!tries.contains(r#"outcome="failed"} 1"#), "{tries}");

        std::fs::remove_file(folder.path().join("status")).unwrap();
        let (second, worker) = queue(publisher(), Some(spool.clone()), metrics);
        drop(second);
        worker.await;
        assert!(status(&folder).contains("\"a\""));
        assert!(spool.left().is_empty());
    }
}
