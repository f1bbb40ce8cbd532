//! The rounds of comparing, and what is done about what they find.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use spec::{cni::ContainerId, record::Record};
use tokio::time::{MissedTickBehavior, interval};

use super::{
    clean::Cleaner,
    find::{Rules, find, left_by_multus},
    finding::Finding,
    of_multus::{self, OfMultus},
    sandbox::{self, Seen},
    status,
};
use crate::{lookup::Lookup, metrics::Metrics, outbox::Outbox};

/// What was changed less than this ago is let alone: the plugin may be at work on it, and gives up on itself after 200 s.
const GRACE: Duration = Duration::from_secs(240);

/// Pods of one round that the API server is asked about.
const QUESTIONS: usize = 16;

/// What the rounds so far have found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// What is told already.
    pub found: BTreeSet<Finding>,
    /// Pods without a record, with the round in which the API server was last asked about each: 0 is never.
    suspected: BTreeMap<Finding, u64>,
    rounds: u64,
}

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
    /// What undoes what is left of sandboxes, if that is wanted.
    pub cleaner: Option<Cleaner>,
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
        cleaner: Option<Cleaner>,
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
    let mut known = Known::default();
    loop {
        ticks.tick().await;
        known = reconciler.round(&known).await;
    }
}

impl Reconciler {
    /// One round. Tells of what is not `known`, and gives back what is known now.
    pub async fn round(&self, known: &Known) -> Known {
        let seen = match sandbox::read(&self.cni_dir) {
            Ok(seen) => seen,
            Err(error) => {
                tracing::error!(%error, folder = %self.cni_dir.display(), "Sandbox records cannot be read; check --cni-dir and that the folder is mounted");
                return known.clone();
            }
        };
        if seen.is_none() && known.rounds == 0 {
            tracing::info!(folder = %self.cni_dir.display(), "There are no sandbox records, so that pods are not compared with them; where sandboxes were made, check --cni-dir and that the folder is mounted");
        }
        let of_multus = of_multus::read(&self.cni_dir);
        let now = self.compare(seen.as_deref(), &of_multus, known).await;
        for finding in now.found.difference(&known.found) {
            self.metrics.count_discrepancy(finding.kind());
            finding.log();
            self.outbox.events.put(finding.events());
        }
        for finding in &now.found {
            self.mend(finding, known.found.contains(finding)).await;
        }
        now
    }

    async fn compare(&self, seen: Option<&[Seen]>, of_multus: &[OfMultus], known: &Known) -> Known {
        let rules = Rules {
            grace: self.grace,
            tells_status: self.tells_status,
            cni_name: &|network| self.lookup.cni_name(network),
        };
        let mut now = Known {
            rounds: known.rounds + 1,
            ..Known::default()
        };
        let pods = self.lookup.known_pods();
        let mut findings = find(seen, &pods, rules);
        findings.extend(left_by_multus(of_multus, &pods, self.grace));
        for finding in findings {
            let is_doubtful = matches!(finding, Finding::NoRecord { .. });
            if is_doubtful && !known.found.contains(&finding) {
                let asked = known.suspected.get(&finding).copied();
                now.suspected.insert(finding, asked.unwrap_or_default());
            } else {
                now.found.insert(finding);
            }
        }
        self.ask(&mut now, known).await;
        now
    }

    /// A pod that is new, waits for its image, has ended or has the host's network has no sandbox of ours and lacks nothing.
    /// Who was suspected before is asked about, those first who were not asked about for the longest time.
    async fn ask(&self, now: &mut Known, known: &Known) {
        let mut suspected: Vec<(u64, Finding)> = now
            .suspected
            .iter()
            .filter(|(finding, _)| known.suspected.contains_key(finding))
            .map(|(finding, asked)| (*asked, finding.clone()))
            .collect();
        suspected.sort();
        for (_, finding) in suspected.into_iter().take(QUESTIONS) {
            let Finding::NoRecord { pod, .. } = &finding else {
                continue;
            };
            if self.lookup.runs_for(pod, self.grace).await {
                now.suspected.remove(&finding);
                now.found.insert(finding);
            } else {
                now.suspected.insert(finding, now.rounds);
            }
        }
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
            } if before && self.lookup.is_gone(pod).await => {
                if let Some(cleaner) = &self.cleaner {
                    self.clean(cleaner, container_id).await;
                }
            }
            Finding::LeftByMultus {
                container_id,
                pod: Some(pod),
                pod_is_gone: true,
            } if before && self.lookup.is_gone(pod).await => {
                if let Some(cleaner) = &self.cleaner {
                    // The plugin goes by Multus's files where there is no record.
                    let known = Record {
                        pod: Some(pod.clone()),
                        ..Record::new(container_id.clone())
                    };
                    undo(cleaner, &known).await;
                }
            }
            Finding::RecordWithoutSandbox { .. }
            | Finding::LeftByMultus { .. }
            | Finding::UnreadableRecord(_)
            | Finding::NetworksMissing { .. }
            | Finding::NoRecord { .. }
            | Finding::DeviceClaimedTwice { .. } => {}
        }
    }
}

impl Reconciler {
    /// The plugin takes the sandbox's lock, and so undoes nothing that somebody is still at work on.
    async fn clean(&self, cleaner: &Cleaner, container_id: &ContainerId) {
        let Some(record) = sandbox::one(&self.cni_dir, container_id) else {
            return;
        };
        undo(cleaner, &record).await;
    }
}

async fn undo(cleaner: &Cleaner, record: &Record) {
    let container = record.container_id.as_str();
    match cleaner.clean(record).await {
        Ok(()) => {
            tracing::info!(container, "What was left of a sandbox is undone");
        }
        Err(error) => {
            tracing::warn!(container, %error, "What is left of a sandbox is not undone");
        }
    }
}

#[cfg(test)]
#[path = "round_tests.rs"]
mod tests;
