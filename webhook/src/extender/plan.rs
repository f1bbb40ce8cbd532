//! The extender's part of the command line, checked.

use std::path::PathBuf;

use scheduler::policy::Policy;

use super::args::SchedulerArgs;

/// All that is to be done about schedulers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchedulerPlan {
    /// Whether schedulers are answered. Where they are not, nodes are chosen by the same engine for pods at the gate.
    pub answers: bool,
    /// How nodes are judged.
    pub policy: Policy,
    /// Whose certificates are demanded, if any are.
    pub client_ca: Option<PathBuf>,
}

impl SchedulerPlan {
    /// The plan; none where schedulers are not answered and nobody else needs the engine (`is_needed`).
    #[must_use]
    pub fn new(args: SchedulerArgs, is_needed: bool) -> Option<Self> {
        let SchedulerArgs {
            scheduler_extender,
            scheduler_client_ca,
            scheduler_unreported,
            scheduler_stale,
            scheduler_stale_after,
            scheduler_assumed_for,
            scheduler_set_aside_for,
        } = args;
        (scheduler_extender || is_needed).then(|| Self {
            answers: scheduler_extender,
            policy: Policy {
                unreported: scheduler_unreported.into(),
                stale: scheduler_stale.into(),
                stale_after: scheduler_stale_after,
                assumed_for: scheduler_assumed_for,
                set_aside_for: scheduler_set_aside_for,
                ..Policy::default()
            },
            client_ca: scheduler_client_ca,
        })
    }
}
