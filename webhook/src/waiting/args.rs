//! The part of the command line that is about pods without a node.

use std::time::Duration;

use clap::{ArgAction, Args};

/// Whether and how pods are helped to a node.
#[derive(Clone, Debug, Args)]
pub struct WaitingArgs {
    /// With --scheduler-extender: has a pod that was refused tried again when what it lacks is released
    #[arg(
        long,
        env = "POLYPOD_WEBHOOK_SCHEDULER_WAKE_UP",
        value_name = "BOOL",
        default_value_t = true,
        action = ArgAction::Set
    )]
    pub scheduler_wake_up: bool,

    /// Chooses nodes for pods at the scheduling gate polypod.dev/devices and lifts it; for schedulers without an extender
    #[arg(
        long,
        env = "POLYPOD_WEBHOOK_SCHEDULING_GATES",
        conflicts_with = "objects"
    )]
    pub scheduling_gates: bool,

    /// How many nodes are chosen for a pod at most, so that its scheduler has a choice left
    #[arg(
        long,
        env = "POLYPOD_WEBHOOK_SCHEDULING_GATES_NODES",
        value_name = "NUMBER",
        default_value_t = 8,
        value_parser = clap::value_parser!(u16).range(1..=64)
    )]
    pub scheduling_gates_nodes: u16,

    /// How long the devices on these nodes are kept for a pod that is not seen on one of them
    #[arg(
        long,
        env = "POLYPOD_WEBHOOK_SCHEDULING_GATES_HOLD",
        value_name = "DURATION",
        default_value = "1m",
        value_parser = humantime::parse_duration
    )]
    pub scheduling_gates_hold: Duration,

    /// The Lease by which one of several replicas does both; without it polypod-scheduling in the pod's own namespace, and
    /// outside of a pod none
    #[arg(
        long,
        env = "POLYPOD_WEBHOOK_SCHEDULING_LEASE",
        value_name = "NAMESPACE/NAME"
    )]
    pub scheduling_lease: Option<String>,
}
