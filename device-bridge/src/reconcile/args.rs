//! Arguments of reconciling.

use std::{path::PathBuf, time::Duration};

use clap::Args as Arguments;

/// Arguments of reconciling.
#[derive(Clone, Debug, PartialEq, Eq, Arguments)]
pub struct ReconcileArgs {
    /// The plugin's cniDir, where sandbox records are
    #[arg(
        long,
        env = "POLYPOD_BRIDGE_CNI_DIR",
        value_name = "DIR",
        default_value = "/var/lib/cni/multus"
    )]
    pub cni_dir: PathBuf,

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
