//! What is still to be written of what sandboxes got.

use std::sync::Arc;

use crate::{
    event_queue::{EventQueue, event_queue},
    lookup::Lookup,
    metrics::Metrics,
    pod_event::PodEvent,
    publish::Publisher,
    publish_queue::{PublishQueue, queue},
    spool::Spool,
};

/// The entrances of both queues.
#[derive(Clone, Debug)]
pub struct Outbox {
    /// Network-status.
    pub reports: PublishQueue,
    /// Events.
    pub events: EventQueue,
}

/// Both queues, and the worker that empties them. What an agent before this one left in `spool` is in them: whether it told
/// the Events nobody knows, and one that is told twice is one that counts. The worker ends when the last copy of the outbox
/// is dropped and all is written.
pub fn outbox(
    publisher: Publisher,
    spool: Option<Spool>,
    lookup: Option<Lookup>,
    metrics: Arc<Metrics>,
) -> (Outbox, impl Future<Output = ()> + Send) {
    let left = spool.as_ref().map(Spool::left).unwrap_or_default();
    let (reports, publishing) = queue(publisher.clone(), spool, lookup, Arc::clone(&metrics));
    let (events, telling) = event_queue(publisher, metrics);
    for report in left {
        tracing::info!(pod = %report.pod, "Network-status was left to be published");
        events.put(PodEvent::added(&report));
        drop(reports.enter(report));
    }
    let work = async move {
        tokio::join!(publishing, telling);
    };
    (Outbox { reports, events }, work)
}
