//! How the kubelet is asked: what the command line can say about it.

use std::{
    num::NonZeroU16,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;

/// How long passing conditions are waited out at most: as long as a kubelet takes to restart.
const PATIENCE: Duration = Duration::from_secs(15);

/// The checkpoint of a kubelet whose folder is the usual one.
const CHECKPOINT: &str = "/var/lib/kubelet/device-plugins/kubelet_internal_checkpoint";

/// Arguments about the kubelet.
#[derive(Clone, Debug, Args)]
pub struct KubeletArgs {
    /// The kubelet's checkpoint of device allocations: says whose a device is where two pods have one name, and is asked where the pod-resources socket does not exist. Unless it is given it is the one of the kubelet whose socket is asked
    #[arg(
        long,
        env = "POLYPOD_BRIDGE_DEVICE_CHECKPOINT",
        value_name = "PATH",
        default_value = CHECKPOINT
    )]
    pub device_checkpoint: PathBuf,

    /// Calls of the kubelet in a second; it answers 100 of all its clients together
    #[arg(
        long,
        env = "POLYPOD_BRIDGE_KUBELET_QPS",
        value_name = "NUMBER",
        default_value = "20"
    )]
    pub kubelet_qps: NonZeroU16,

    /// Calls of the kubelet at once; it answers 10 of all its clients together
    #[arg(
        long,
        env = "POLYPOD_BRIDGE_KUBELET_BURST",
        value_name = "NUMBER",
        default_value = "5"
    )]
    pub kubelet_burst: NonZeroU16,
}

/// How the kubelet is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeletSettings {
    /// Its checkpoint of device allocations.
    pub checkpoint: PathBuf,
    /// Calls in a second.
    pub per_second: NonZeroU16,
    /// Calls at once.
    pub burst: NonZeroU16,
    /// How long a throttling or restarting kubelet is asked again.
    pub patience: Duration,
}

impl KubeletSettings {
    /// As the command line says, for requests that are answered within `deadline`: a request's own error is told before
    /// its time is over.
    #[must_use]
    pub fn new(args: KubeletArgs, deadline: Duration) -> Self {
        let KubeletArgs {
            device_checkpoint,
            kubelet_qps,
            kubelet_burst,
        } = args;
        Self {
            checkpoint: device_checkpoint,
            per_second: kubelet_qps,
            burst: kubelet_burst,
            patience: PATIENCE.min(deadline * 3 / 4),
        }
    }

    /// The same, of the kubelet that answers at `socket`: a checkpoint that nobody has chosen is in the same kubelet's folder.
    #[must_use]
    pub fn beside(self, socket: &Path) -> Self {
        let root = socket.parent().and_then(Path::parent);
        match root {
            Some(root)
                if self.checkpoint == Path::new(CHECKPOINT)
                    && socket.ends_with("pod-resources/kubelet.sock") =>
            {
                Self {
                    checkpoint: root.join("device-plugins/kubelet_internal_checkpoint"),
                    ..self
                }
            }
            Some(_) | None => self,
        }
    }
}
