//! The newest document, for everybody who shows it.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::Serialize;
use tokio::sync::watch;

use super::{
    delta::Delta,
    document::Document,
    page::{self, Data},
};

/// A document, and what is to be known of it.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    /// Grows with every snapshot, also over restarts of the command.
    pub(super) version: u64,
    /// Why the document is not of now.
    pub(super) stale: Option<String>,
    /// Where the objects are from, for people.
    source: Arc<str>,
    pub(super) document: Arc<Document>,
}

/// What a page is told that shows another snapshot already.
#[derive(Debug, Serialize)]
struct Told<'a> {
    version: u64,
    stale: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    whole: Option<&'a Document>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delta: Option<Delta<'a>>,
}

/// Takes what is newer.
#[derive(Debug)]
pub(super) struct Sender(watch::Sender<Snapshot>);

/// The beginning of a line of snapshots.
pub(super) fn channel(first: Document, source: String) -> (Sender, watch::Receiver<Snapshot>) {
    // Numbers below 2^53 are whole in JavaScript; milliseconds since 1970 are for a long time.
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let version = since.map_or(1, |since| u64::try_from(since.as_millis()).unwrap_or(1));
    let (sender, receiver) = watch::channel(Snapshot {
        version,
        stale: None,
        source: source.into(),
        document: Arc::new(first),
    });
    (Sender(sender), receiver)
}

impl Sender {
    /// Publishes a document, unless it is the one that is there.
    pub(super) fn publish(&self, document: Document, stale: Option<String>) {
        self.0.send_if_modified(|snapshot| {
            let is_new = *snapshot.document != document;
            if !is_new && snapshot.stale == stale {
                return false;
            }
            if is_new {
                snapshot.document = Arc::new(document);
            }
            snapshot.stale = stale;
            snapshot.version += 1;
            true
        });
    }

    /// Says that the document is not of now any more, and why.
    pub(super) fn stale(&self, why: String) {
        self.0.send_if_modified(|snapshot| {
            let is_new = snapshot.stale.as_ref() != Some(&why);
            if is_new {
                snapshot.stale = Some(why);
                snapshot.version += 1;
            }
            is_new
        });
    }

    /// Returns when nobody shows it any more.
    pub(super) async fn closed(&self) {
        self.0.closed().await;
    }
}

impl Snapshot {
    /// The page that shows it.
    pub(super) fn page(&self, live: bool) -> serde_json::Result<String> {
        page::html(&Data {
            source: &self.source,
            made: &humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            live,
            version: self.version,
            stale: self.stale.as_deref(),
            document: &self.document,
        })
    }

    /// What a page is told, as JSON, that shows `before`; one of which nothing is known is told everything.
    pub(super) fn told(&self, before: Option<&Self>) -> serde_json::Result<String> {
        let delta = before.map(|before| Delta::between(&before.document, &self.document));
        serde_json::to_string(&Told {
            version: self.version,
            stale: self.stale.as_deref(),
            whole: delta.is_none().then_some(&*self.document),
            delta,
        })
    }
}
