//! The extender's part of the command line, checked.

use std::{path::PathBuf, time::Duration};

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
    /// Whom they must be for; whomever where there are none.
    pub client_names: Vec<String>,
}

impl SchedulerPlan {
    /// The plan; none where schedulers are not answered and nobody else needs the engine (`is_needed`).
    #[must_use]
    pub fn new(args: SchedulerArgs, is_needed: bool) -> Option<Self> {
        let SchedulerArgs {
            scheduler_extender,
            scheduler_client_ca,
            scheduler_client_name,
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
            client_names: scheduler_client_name,
        })
    }
    /// The same for a cluster that is read from files once: they are of one moment, in which no time passes.
    #[must_use]
    pub fn of_one_moment(mut self) -> Self {
        self.policy.stale_after = Duration::MAX;
        self.policy.assumed_for = Duration::MAX;
        self
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::{args::Args, config::Config};

    fn plan(arguments: &[&str]) -> SchedulerPlan {
        let arguments = [&["polypod-webhook", "--scheduler-extender"], arguments].concat();
        let config: Config = Args::try_parse_from(arguments).unwrap().try_into().unwrap();
        config.scheduler.unwrap()
    }

    #[test]
    fn names_of_clients_need_a_ca() {
        let names = plan(&[
            "--scheduler-client-ca",
            "a",
            "--scheduler-client-name",
            "b,c",
        ]);
        assert_eq!(names.client_names, ["b", "c"]);
        let without = [
            "polypod-webhook",
            "--scheduler-extender",
            "--scheduler-client-name",
            "b",
        ];
        let error = Args::try_parse_from(without).unwrap_err().to_string();
        assert!(error.contains("--scheduler-client-ca"), "{error}");
    }

    #[test]
    fn files_grow_no_older() {
        let watched = plan(&["--scheduler-stale-after", "2m"]).policy;
        assert_eq!(watched.stale_after, Duration::from_secs(120));
        assert_eq!(watched.assumed_for, Duration::from_secs(300));
        let read = plan(&["--objects", "a", "--scheduler-stale-after", "2m"]).policy;
        assert_eq!(read.stale_after, Duration::MAX);
        assert_eq!(read.assumed_for, Duration::MAX);
    }
}
