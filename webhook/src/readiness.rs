//! Whether requests should be sent here.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    http::{HeaderValue, Version, header},
    response::Response,
};
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::{
    certificate::status::Status,
    configured::Configured,
    extender::scheduling::{Kind, Scheduling},
    store::{Part, Store},
};

/// How long readiness waits for what schedulers ask about. From then on they are told that it is not known yet, and API
/// servers, which need none of it, are answered.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// What the process knows of itself.
#[derive(Debug, Default)]
pub struct Readiness {
    is_serving: AtomicBool,
    is_ending: AtomicBool,
    certificate: OnceLock<Arc<Status>>,
    /// What schedulers are answered from, and since when it is waited for.
    scheduling: OnceLock<(Arc<Scheduling>, Instant)>,
}

impl Readiness {
    /// TLS is up, with a certificate that clients accept.
    pub fn begin(&self) {
        self.is_serving.store(true, Ordering::Release);
    }

    /// The process is about to end: no new requests, please.
    pub fn end(&self) {
        self.is_ending.store(true, Ordering::Release);
        self.is_serving.store(false, Ordering::Release);
    }

    /// Whether the process is about to end. Requests that come all the same are answered.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.is_ending.load(Ordering::Acquire)
    }

    /// Whether TLS is up.
    #[must_use]
    pub fn is_serving(&self) -> bool {
        self.is_serving.load(Ordering::Acquire)
    }

    /// From here on there must be a certificate, too, which API servers accept.
    pub fn awaits(&self, certificate: Arc<Status>) {
        // The first one stays: a process has one certificate.
        let _is_first = self.certificate.set(certificate);
    }

    /// From here on schedulers' questions must find answers, too, for [`PATIENCE`].
    pub fn awaits_scheduling(&self, scheduling: Arc<Scheduling>) {
        // The first one stays: a process has one engine.
        let _is_first = self.scheduling.set((scheduling, Instant::now()));
    }

    /// Tells a client of HTTP/1 to go elsewhere with its next request, while there is time, where this process is about to
    /// end.
    pub fn part(&self, version: Version, response: &mut Response) {
        if version <= Version::HTTP_11 && self.is_ending() {
            let headers = response.headers_mut();
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    }

    /// Why not, or nothing.
    #[must_use]
    pub fn obstacle(&self, store: &Store, configured: &Configured) -> Option<String> {
        if self.is_ending() {
            return Some("this webhook is about to end".to_owned());
        }
        if !self.is_serving() {
            return Some("TLS is not served yet".to_owned());
        }
        let certificate = self.certificate.get();
        let now = OffsetDateTime::now_utc();
        if let Some(obstacle) = certificate.and_then(|status| status.obstacle(now)) {
            return Some(obstacle);
        }
        if let Some(obstacle) = configured.awaited() {
            return Some(obstacle);
        }
        let awaited = store.awaited().map(Part::as_str).or_else(|| {
            let (scheduling, since) = self.scheduling.get()?;
            let awaited = scheduling.awaited().filter(|_| since.elapsed() < PATIENCE);
            awaited.map(Kind::as_str)
        });
        awaited.map(|kind| format!("the {kind} are not known yet"))
    }
}

#[cfg(test)]
mod tests {
    use scheduler::policy::Policy as SchedulerPolicy;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn schedulers_are_waited_for_and_not_for_ever() {
        let readiness = Readiness::default();
        readiness.begin();
        let (store, configured) = (
            Store::awaiting([]),
            Configured::new(admission::Policy::default()),
        );
        assert_eq!(readiness.obstacle(&store, &configured), None);
        let scheduling = Scheduling::awaiting(&[Kind::Nodes], SchedulerPolicy::default());
        let scheduling = Arc::new(scheduling);
        readiness.awaits_scheduling(Arc::clone(&scheduling));
        let words = "the Nodes are not known yet";
        let obstacle = || readiness.obstacle(&store, &configured);
        assert_eq!(obstacle().as_deref(), Some(words));
        tokio::time::advance(PATIENCE - Duration::from_secs(1)).await;
        assert_eq!(obstacle().as_deref(), Some(words));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(obstacle(), None);
        assert_eq!(
            scheduling.awaited(),
            Some(Kind::Nodes),
            "schedulers are told so"
        );
    }
}
