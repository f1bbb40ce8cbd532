//! Reports that are still to be published, so that no plugin waits for the API server.
//!
//! A report is tried until it is published, the pod is gone, or a newer one of its pod has come; and it is on disk so long.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{StreamExt, stream};
use prometheus_client::metrics::gauge::Gauge;
use spec::{
    bridge::{PodRef, Report},
    network::{Namespace, ObjectName},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::sleep,
};
use tracing::Instrument;

use crate::{
    lookup::Lookup,
    metrics::Metrics,
    publish::{PublishError, Publisher},
    span::report_span,
    spool::Spool,
    turns::Turns,
};

/// Pods whose reports wait at most. A node has a few hundred pods.
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

/// A queue, and the worker that publishes what is put into it. `lookup` knows which pods are gone.
pub fn queue(
    publisher: Publisher,
    spool: Option<Spool>,
    lookup: Option<Lookup>,
    metrics: Arc<Metrics>,
) -> (PublishQueue, impl Future<Output = ()> + Send) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let newest = Newest::default();
    let queue = PublishQueue {
        sender,
        newest: newest.clone(),
        spool: spool.clone(),
    };
    let worker = Worker {
        publisher,
        newest,
        spool,
        metrics,
        lookup,
        turns: Turns::new(AT_ONCE, usize::MAX, Gauge::default()),
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

    /// Takes a report that is kept already.
    pub fn enter(&self, report: Report) -> oneshot::Receiver<()> {
        let pod = report.pod.clone();
        let (published, is_published) = oneshot::channel();
        let Some(number) = self.newest.number(&pod) else {
            tracing::error!(%pod, "Network-status is not published before the next start: too many reports wait already");
            return is_published;
        };
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
    lookup: Option<Lookup>,
    /// Of one pod, one report is written at a time: which of two would be the last nobody could say.
    turns: Turns,
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
                let _turn = self.turns.take(key(&report.pod)).await;
                // It may have become an old one while it waited.
                if !self.newest.is_newest(&report.pod, number) {
                    break;
                }
                self.publisher.try_once(report).await
            };
            let Err(error) = tried else {
                self.metrics.count_published("network-status", "ok");
                return End::Published;
            };
            self.metrics.count_published("network-status", "failed");
            // Who may not write to pods is not told either that one is gone.
            if let Some(lookup) = &self.lookup
                && lookup.is_gone(&report.pod).await
            {
                tracing::info!(pod = %report.pod, %error, "Network-status dropped, the pod is gone");
                return End::Published;
            }
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
    /// A number for a pod's report; none where too many pods have one.
    fn number(&self, pod: &PodRef) -> Option<u64> {
        let mut numbers = self.lock();
        if numbers.of_pods.len() >= WAITING && !numbers.of_pods.contains_key(&key(pod)) {
            return None;
        }
        numbers.last += 1;
        let number = numbers.last;
        numbers.of_pods.insert(key(pod), number);
        Some(number)
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
    use crate::{fixture::report, outbox::outbox, store::Store};

    fn status(folder: &tempfile::TempDir) -> String {
        std::fs::read_to_string(folder.path().join("status/default_p.json")).unwrap()
    }

    #[tokio::test]
    async fn the_worker_ends_with_the_last_report_and_the_newest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path().join("reports"));
        let publisher = Publisher::Folder(folder.path().join("status"));
        let (queue, worker) = queue(publisher, Some(spool.clone()), None, Arc::default());
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
        let (first, worker) = queue(publisher(), Some(spool.clone()), None, Arc::clone(&metrics));
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
        let (second, worker) = outbox(publisher(), Some(spool.clone()), None, metrics);
        drop(second);
        worker.await;
        assert!(status(&folder).contains("\"a\""));
        assert!(spool.left().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_pod_that_is_gone_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path().join("reports"));
        std::fs::write(folder.path().join("status"), "").unwrap();
        let store = Store::default();
        store.reset_pods([crate::fixture::pod("u2", "")]);
        let lookup = Some(Lookup::in_files(Arc::new(store)));
        let publisher = Publisher::Folder(folder.path().join("status"));
        let (queue, worker) = queue(publisher, Some(spool.clone()), lookup, Arc::default());
        drop(queue.put(report("a")));
        drop(queue);
        worker.await;
        assert!(spool.left().is_empty());
    }
}
