//! Arguments of reconciling.

use std::time::Duration;

use clap::Args as Arguments;

/// Arguments of reconciling.
#[derive(Clone, Debug, PartialEq, Eq, Arguments)]
pub struct ReconcileArgs {
    /// How often records, pods and devices are compared; 0 is never
    #[arg(
        long,
        env = "POLYPOD_BRIDGE_RECONCILE_INTERVAL",
        value_name = "SECONDS",
        default_value_t = 300
    )]
    pub reconcile_interval: u32,
}

impl ReconcileArgs {
    /// The time between two rounds; `None` where there are none.
    #[must_use]
    pub fn interval(&self) -> Option<Duration> {
        let interval = Duration::from_secs(self.reconcile_interval.into());
        Some(interval).filter(|interval| !interval.is_zero())
    }
}
