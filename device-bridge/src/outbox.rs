//! What is still to be written of what sandboxes got.

use std::sync::Arc;

use crate::{
    event_queue::{EventQueue, event_queue},
    metrics::Metrics,
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

/// Both queues, and the worker that empties them. It ends when the last copy of the outbox is dropped and all is written.
pub fn outbox(
    publisher: Publisher,
    spool: Option<Spool>,
    metrics: Arc<Metrics>,
) -> (Outbox, impl Future<Output = ()> + Send) {
    let (reports, publishing) = queue(publisher.clone(), spool, Arc::clone(&metrics));
    let (events, telling) = event_queue(publisher, metrics);
    let work = async move {
        tokio::join!(publishing, telling);
    };
    (Outbox { reports, events }, work)
}
