//! The rounds of comparing, and what is done about what they find.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc, time::Duration};

use spec::cni::ContainerId;
use tokio::time::{MissedTickBehavior, interval};

use super::{
    clean::Cleaner,
    find::find,
    finding::Finding,
    sandbox::{self, Seen},
    status,
};
use crate::{lookup::Lookup, metrics::Metrics, outbox::Outbox};

/// What was changed less than this ago is let alone: the plugin may be at work on it, and gives up on itself after 200 s.
const GRACE: Duration = Duration::from_secs(240);

/// Pods of one round that the API server is asked about.
const QUESTIONS: usize = 16;

/// What the rounds need.
#[derive(Debug)]
pub struct Reconciler {
    /// The plugin's `cniDir`.
    pub cni_dir: PathBuf,
    /// Pods.
    pub lookup: Lookup,
    /// Where reports and Events go.
    pub outbox: Outbox,
    /// Where it is counted.
    pub metrics: Arc<Metrics>,
    /// Whether network-status is an annotation of the pods.
    pub tells_status: bool,
    /// What undoes what is left of sandboxes.
    pub cleaner: Cleaner,
    /// How old a record must be to be judged.
    pub grace: Duration,
}

impl Reconciler {
    /// With the usual grace.
    #[must_use]
    pub const fn new(
        cni_dir: PathBuf,
        lookup: Lookup,
        outbox: Outbox,
        metrics: Arc<Metrics>,
        tells_status: bool,
        cleaner: Cleaner,
    ) -> Self {
        Self {
            cni_dir,
            lookup,
            outbox,
            metrics,
            tells_status,
            cleaner,
            grace: GRACE,
        }
    }
}

/// Compares at once and then every `pause`, without end.
pub async fn run(reconciler: Reconciler, pause: Duration) {
    let mut ticks = interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut known = BTreeSet::new();
    loop {
        ticks.tick().await;
        known = reconciler.round(&known).await;
    }
}

impl Reconciler {
    /// One round. Tells of what is not `known`, and gives back what is known now.
    pub async fn round(&self, known: &BTreeSet<Finding>) -> BTreeSet<Finding> {
        let seen = match sandbox::read(&self.cni_dir) {
            Ok(seen) => seen,
            Err(error) => {
                tracing::error!(%error, folder = %self.cni_dir.display(), "Sandbox records cannot be read; check --cni-dir and that the folder is mounted");
                return known.clone();
            }
        };
        let found = self.confirmed(&seen, known).await;
        for finding in found.difference(known) {
            self.metrics.count_discrepancy(finding.kind());
            finding.log();
            self.outbox.events.put(finding.events());
        }
        for finding in &found {
            self.mend(finding, known.contains(finding)).await;
        }
        found
    }

    async fn confirmed(&self, seen: &[Seen], known: &BTreeSet<Finding>) -> BTreeSet<Finding> {
        let pods = self.lookup.known_pods();
        let mut found = BTreeSet::new();
        let mut questions = 0;
        for finding in find(seen, &pods, self.grace, self.tells_status) {
            if let Finding::NoRecord { pod, .. } = &finding
                && !known.contains(&finding)
            {
                // A pod that is new, waits for its image or has the host's network has no sandbox of ours and lacks nothing.
                if questions == QUESTIONS {
                    continue;
                }
                questions += 1;
                if !self.lookup.runs_for(pod, self.grace).await {
                    continue;
                }
            }
            found.insert(finding);
        }
        found
    }

    /// Mends what can be mended without harm. What would be undone must have been found `before`, too.
    async fn mend(&self, finding: &Finding, before: bool) {
        match finding {
            Finding::StatusMissing { pod, container_id } => {
                let report = sandbox::one(&self.cni_dir, container_id)
                    .and_then(|record| status::report(pod.clone(), &record));
                if let Some(report) = report {
                    drop(self.outbox.reports.put(report));
                }
            }
            Finding::RecordWithoutSandbox {
                container_id,
                pod: Some(pod),
                pod_is_gone: true,
            } if before && self.lookup.is_gone(pod).await => self.clean(container_id).await,
            Finding::RecordWithoutSandbox { .. }
            | Finding::UnreadableRecord(_)
            | Finding::NetworksMissing { .. }
            | Finding::NoRecord { .. }
            | Finding::DeviceClaimedTwice { .. } => {}
        }
    }
}

impl Reconciler {
    /// The plugin takes the sandbox's lock, and so undoes nothing that somebody is still at work on.
    async fn clean(&self, container_id: &ContainerId) {
        let Some(record) = sandbox::one(&self.cni_dir, container_id) else {
            return;
        };
        let container = container_id.as_str();
        match self.cleaner.clean(&record).await {
            Ok(()) => {
                tracing::info!(container, "What was left of a sandbox is undone");
            }
            Err(error) => {
                tracing::warn!(container, %error, "What is left of a sandbox is not undone");
            }
        }
    }
}

#[cfg(test)]
#[path = "round_tests.rs"]
mod tests;
