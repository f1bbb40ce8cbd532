//! Follows how the agent is, and writes it where it is told.

use std::{path::Path, sync::Arc, time::Duration};

use api::node_inventory::NodeInventoryStatus;
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout},
};

use super::{
    cadence::Cadence,
    object::{Object, StatusError, Stored},
    wished::{Facts, wished},
};
use crate::{
    metrics::Metrics,
    readiness::{Readiness, Stage},
    topology::{Settings, Told},
};

/// What the metrics call it.
const WHAT: &str = "node-status";

/// How long the last word may take: who stops the process waits for it.
const LAST_WORD: Duration = Duration::from_millis(400);

/// What is needed to tell.
#[derive(Debug)]
pub struct Parts {
    /// Where it is told.
    pub object: Object,
    /// How far the process has come, and how the node's configuration stands.
    pub readiness: Arc<Readiness>,
    /// What came of looking at the node, and of publishing it.
    pub told: watch::Receiver<Told>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

impl Parts {
    /// Where it is told: with the NodeInventory in the API server. Nowhere where none is published there.
    #[must_use]
    pub fn object(
        settings: &Settings,
        folder: Option<&Path>,
        client: Option<&Client>,
    ) -> Option<Object> {
        let client = client.filter(|_| settings.inventory && folder.is_none())?;
        let node = settings.node.clone()?;
        Some(Object::new(client.clone(), node))
    }
}

/// Tells until the process is about to end, and that last of all.
pub async fn tell(parts: Parts) {
    let Parts {
        object,
        readiness,
        mut told,
        metrics,
    } = parts;
    let mut stage = readiness.stage();
    let mut installed = readiness.installed();
    let mut teller = Teller::new(object, metrics);
    loop {
        let (kubelet, uid) = {
            let told = told.borrow_and_update();
            (told.kubelet.clone(), told.inventory.clone())
        };
        let facts = Facts {
            stage: *stage.borrow_and_update(),
            installed: installed
                .as_mut()
                .map(|installed| installed.borrow_and_update().clone()),
            kubelet,
        };
        let is_last = facts.stage == Stage::Stopping;
        teller.hears(&facts, uid.as_deref());
        if is_last {
            return teller.say_last_word().await;
        }
        tokio::select! {
            () = changed(Some(&mut stage)) => {}
            () = changed(installed.as_mut()) => {}
            () = changed(Some(&mut told)) => {}
            () = at(teller.due(facts.is_settled())) => {
                // The last word does not wait for an API server that is silent.
                tokio::select! {
                    () = teller.say() => {}
                    () = changed(Some(&mut stage)) => {}
                }
            }
        }
    }
}

/// Waits for a change. Who is gone changes nothing any more.
async fn changed<T>(receiver: Option<&mut watch::Receiver<T>>) {
    if let Some(receiver) = receiver
        && receiver.changed().await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}

async fn at(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

struct Teller {
    object: Object,
    metrics: Arc<Metrics>,
    cadence: Cadence,
    /// The UID of the object, where this agent has written it.
    uid: Option<String>,
    /// What is to be there.
    wished: NodeInventoryStatus,
    /// What is there, once it was read.
    stored: Option<Stored>,
    /// The problem that was told.
    problem: Option<String>,
}

impl Teller {
    fn new(object: Object, metrics: Arc<Metrics>) -> Self {
        Self {
            object,
            metrics,
            cadence: Cadence::new(Instant::now()),
            uid: None,
            wished: NodeInventoryStatus::default(),
            stored: None,
            problem: None,
        }
    }

    /// Takes notice of what is so, and of the UID of the object that was written last.
    fn hears(&mut self, facts: &Facts, uid: Option<&str>) {
        // A change is as old as it is, however late it is written.
        self.wished = wished(facts, Timestamp::now()).keeping_times_of(&self.wished);
        if uid != self.uid.as_deref() {
            self.uid = uid.map(str::to_owned);
            if self
                .stored
                .as_ref()
                .is_none_or(|known| known.uid != self.uid)
            {
                self.stored = None;
                self.cadence.renewed();
            }
        }
        match self.unsaid() {
            Some(_) => self.cadence.differs(Instant::now()),
            None => self.cadence.agrees(),
        }
    }

    fn due(&self, is_settled: bool) -> Option<Instant> {
        self.cadence.due(is_settled)
    }

    /// What is to be written, unless it is there.
    fn unsaid(&self) -> Option<NodeInventoryStatus> {
        let Some(stored) = &self.stored else {
            return Some(self.wished.clone());
        };
        let status = self.wished.clone().keeping_times_of(&stored.status);
        (status != stored.status).then_some(status)
    }

    async fn say(&mut self) {
        let said = self.write().await;
        let now = Instant::now();
        match said {
            Ok(()) => {
                self.cadence.written(now);
                if self.problem.take().is_some() {
                    tracing::info!("The status of the node's NodeInventory is written again");
                }
            }
            Err(error) => {
                self.cadence.failed(now);
                if !matches!(error, StatusError::Absent { .. }) {
                    self.metrics.count_published(WHAT, "error");
                }
                if matches!(error, StatusError::Unsupported { .. }) {
                    self.stored = None;
                }
                self.complain(&error);
            }
        }
    }

    async fn say_last_word(&mut self) {
        if self.unsaid().is_some() && timeout(LAST_WORD, self.say()).await.is_err() {
            tracing::debug!("The API server was not told that this agent ends");
        }
    }

    /// Writes what is not there. Where the API server refuses it, somebody else has written: that is read, and the times in it
    /// are kept, once.
    async fn write(&mut self) -> Result<(), StatusError> {
        let mut is_read = false;
        if self.stored.is_none() {
            self.stored = Some(self.object.read().await?);
            is_read = true;
        }
        while let Some(status) = self.unsaid() {
            match self.object.write(&status).await {
                Ok(()) => {
                    self.metrics.count_published(WHAT, "ok");
                    if let Some(stored) = &mut self.stored {
                        stored.status = status;
                    }
                }
                Err(StatusError::Other { .. }) if !is_read => {
                    self.stored = Some(self.object.read().await?);
                    is_read = true;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Each problem once, until it is another one.
    fn complain(&mut self, error: &StatusError) {
        let problem = error.to_string();
        if self.problem.as_ref() == Some(&problem) {
            return;
        }
        match error {
            StatusError::Absent { .. } => tracing::debug!(problem, "No status of the node is told"),
            StatusError::Unsupported { .. }
            | StatusError::Other { .. }
            | StatusError::Failed { .. } => {
                tracing::warn!(problem, "No status of the node is told");
            }
        }
        self.problem = Some(problem);
    }
}

#[cfg(test)]
#[path = "tell_tests.rs"]
mod tests;
