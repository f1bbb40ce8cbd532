//! The extender's part of the command line, as people write it.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use scheduler::policy::Openness;

/// What becomes of a node of which too little is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OpennessArg {
    /// It is offered, as the last choice.
    Open,
    /// It is refused.
    Closed,
}

/// Whether and how schedulers are answered.
#[derive(Clone, Debug, Args)]
pub struct SchedulerArgs {
    /// Answers kube-scheduler below /scheduler, as an extender: filter and prioritize
    #[arg(long, env = "POLYPOD_WEBHOOK_SCHEDULER_EXTENDER")]
    pub scheduler_extender: bool,

    /// CAs of which a certificate is demanded of whoever asks below /scheduler; PEM, read again when it changes
    #[arg(
        long,
        env = "POLYPOD_WEBHOOK_SCHEDULER_CLIENT_CA",
        value_name = "FILE",
        requires = "scheduler_extender"
    )]
    pub scheduler_client_ca: Option<PathBuf>,

    /// Names of whom a certificate of --scheduler-client-ca must be for, such as system:kube-scheduler: its common name, or
    /// a DNS name or URI of its SANs. Without it all certificates of these CAs will do
    #[arg(
        long,
        env = "POLYPOD_WEBHOOK_SCHEDULER_CLIENT_NAME",
        value_name = "NAME",
        value_delimiter = ',',
        requires = "scheduler_client_ca"
    )]
    pub scheduler_client_name: Vec<String>,

    /// Whether a pod that demands devices may go to a node that never reported any
    #[arg(
        long,
        env = "POLYPOD_WEBHOOK_SCHEDULER_UNREPORTED",
        value_enum,
        default_value = "closed"
    )]
    pub scheduler_unreported: OpennessArg,

    /// Whether it may go to a node whose NodeInventory is older than --scheduler-stale-after
    #[arg(
        long,
        env = "POLYPOD_WEBHOOK_SCHEDULER_STALE",
        value_enum,
        default_value = "closed"
    )]
    pub scheduler_stale: OpennessArg,

    /// After how long without a report a NodeInventory is stale; the device-bridge reports every minute
    #[arg(
        long,
        env = "POLYPOD_WEBHOOK_SCHEDULER_STALE_AFTER",
        value_name = "DURATION",
        default_value = "3m",
        value_parser = humantime::parse_duration
    )]
    pub scheduler_stale_after: Duration,

    /// How long a pod that is bound is counted on a node that reports and does not tell of it
    #[arg(
        long,
        env = "POLYPOD_WEBHOOK_SCHEDULER_ASSUMED_FOR",
        value_name = "DURATION",
        default_value = "5m",
        value_parser = humantime::parse_duration
    )]
    pub scheduler_assumed_for: Duration,

    /// How long a node whose kubelet refused a pod is not offered to pods of the same owner
    #[arg(
        long,
        env = "POLYPOD_WEBHOOK_SCHEDULER_SET_ASIDE_FOR",
        value_name = "DURATION",
        default_value = "1m",
        value_parser = humantime::parse_duration
    )]
    pub scheduler_set_aside_for: Duration,
}

impl From<OpennessArg> for Openness {
    fn from(arg: OpennessArg) -> Self {
        match arg {
            OpennessArg::Open => Self::Open,
            OpennessArg::Closed => Self::Closed,
        }
    }
}
