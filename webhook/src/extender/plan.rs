//! The extender's part of the command line, checked.

use std::path::PathBuf;

use scheduler::policy::Policy;

use super::args::SchedulerArgs;

/// All that is to be done about schedulers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchedulerPlan {
    /// How nodes are judged.
    pub policy: Policy,
    /// Whose certificates are demanded, if any are.
    pub client_ca: Option<PathBuf>,
}

impl SchedulerPlan {
    /// The plan; none where schedulers are not answered.
    #[must_use]
    pub fn new(args: SchedulerArgs) -> Option<Self> {
        let SchedulerArgs {
            scheduler_extender,
            scheduler_client_ca,
            scheduler_unreported,
            scheduler_stale,
            scheduler_stale_after,
            scheduler_assumed_for,
            scheduler_set_aside_for,
        } = args;
        scheduler_extender.then(|| Self {
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
