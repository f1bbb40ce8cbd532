//! Publishes what a sandbox got: the annotation network-status on its pod and beside it how long that took, or a file in its
//! stead, which has network-status alone.

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use api::attachment_times::AttachmentTimes;
use kube::Client;
use spec::{
    bridge::{PodRef, Report},
    network::{NETWORK_STATUS, print_statuses},
};
use tokio::time::sleep;

use crate::annotate::{Outcome, annotate};

/// The pauses between tries. Together they outlast a restart of the API server's load balancer, not more: the status
/// describes, the networks work without it.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(4),
    Duration::from_secs(10),
];

/// Where network-status goes.
#[derive(Clone)]
pub enum Publisher {
    /// To the pod.
    Pod(Client),
    /// To a file of this folder.
    Folder(PathBuf),
    /// Nowhere but into the log.
    Log,
}

impl std::fmt::Debug for Publisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Pod(_) => f.write_str("Pod"),
            Self::Folder(folder) => f.debug_tuple("Folder").field(folder).finish(),
            Self::Log => f.write_str("Log"),
        }
    }
}

/// Why network-status is not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The API server refuses or cannot be asked.
    #[error("cannot write annotation {NETWORK_STATUS} of pod {pod}: {problem}")]
    Pod {
        /// The pod.
        pod: PodRef,
        /// What is wrong.
        problem: String,
        /// Whether trying again may help.
        is_passing: bool,
    },
    /// The file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl PublishError {
    /// Whether trying again soon may help.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        match self {
            Self::Pod { is_passing, .. } => *is_passing,
            Self::File { .. } => true,
        }
    }
}

impl Publisher {
    /// Publishes a report. What may pass is tried again a few times, while `is_wanted` says so.
    ///
    /// # Errors
    /// The last try's.
    pub async fn publish(
        &self,
        report: &Report,
        is_wanted: impl Fn() -> bool,
    ) -> Result<(), PublishError> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let Err(error) = self.try_once(report).await else {
                return Ok(());
            };
            let Some(pause) = pauses.next().filter(|_| error.is_passing()) else {
                return Err(error);
            };
            tracing::warn!(%error, ?pause, "Publishing is tried again");
            sleep(pause).await;
            if !is_wanted() {
                return Ok(());
            }
        }
    }

    /// Publishes a report, or finds the pod gone.
    ///
    /// # Errors
    /// It is not published.
    pub async fn try_once(&self, report: &Report) -> Result<(), PublishError> {
        if report.statuses.is_empty() {
            return Ok(());
        }
        let text = print_statuses(&report.statuses);
        let pod = &report.pod;
        match self {
            Self::Pod(client) => {
                let times = report.times.as_ref().map(AttachmentTimes::of);
                let times = times.and_then(AttachmentTimes::print);
                let outcome = annotate(client, pod, &text, times.as_deref()).await;
                match outcome.map_err(|error| PublishError::Pod {
                    pod: pod.clone(),
                    problem: error.problem,
                    is_passing: error.is_passing,
                })? {
                    Outcome::Published => tracing::info!(%pod, "Network-status published"),
                    Outcome::Gone => {
                        tracing::info!(%pod, "Network-status dropped, the pod is gone");
                    }
                    Outcome::Replaced => {
                        tracing::info!(%pod, "Network-status dropped, the pod of this name is another one");
                    }
                }
            }
            Self::Folder(folder) => {
                let path = folder.join(format!("{}_{}.json", pod.namespace, pod.name));
                write(folder, &path, &text)
                    .map_err(|source| PublishError::File { path, source })?;
                tracing::info!(%pod, "Network-status written");
            }
            Self::Log => tracing::info!(%pod, status = text, "Network-status"),
        }
        Ok(())
    }
}

/// Writes a file at once: who reads it sees the old text or the new one.
fn write(folder: &Path, path: &Path, text: &str) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::report;

    #[tokio::test]
    async fn a_file_holds_exactly_the_annotation() {
        let folder = tempfile::tempdir().unwrap();
        let publisher = Publisher::Folder(folder.path().join("status"));
        for name in ["first", "second"] {
            publisher.publish(&report(name), || true).await.unwrap();
        }
        let files: Vec<_> = fs::read_dir(folder.path().join("status"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(files, [folder.path().join("status/default_p.json")]);
        assert_eq!(
            fs::read_to_string(&files[0]).unwrap(),
            "[{\n    \"name\": \"second\",\n    \"dns\": {}\n}]"
        );
    }

    #[tokio::test]
    async fn an_empty_report_touches_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut report = report("a");
        report.statuses.clear();
        let publisher = Publisher::Folder(folder.path().to_owned());
        publisher.publish(&report, || true).await.unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_written_is_tried_until_it_is_wanted_no_more() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let publisher = Publisher::Folder(file.path().to_owned());
        let error = publisher.publish(&report("a"), || true).await.unwrap_err();
        assert!(error.to_string().contains("default_p.json"), "{error}");
        publisher.publish(&report("a"), || false).await.unwrap();
    }
}
