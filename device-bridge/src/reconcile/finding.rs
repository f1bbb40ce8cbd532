//! Something that is not as it ought to be, and how it is told.

use spec::{bridge::PodRef, cni::ContainerId, device::DeviceId};

use super::sandbox::Unreadable;
use crate::pod_event::PodEvent;

/// Something that is not as it ought to be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// There is a record, and its sandbox is gone.
    RecordWithoutSandbox {
        /// The sandbox.
        container_id: ContainerId,
        /// Its pod.
        pod: Option<PodRef>,
        /// Whether its pod is gone as well, so that nobody will ask for it to be deleted any more.
        pod_is_gone: bool,
    },
    /// Multus has attached a sandbox that is gone, and has not undone it.
    LeftByMultus {
        /// The sandbox.
        container_id: ContainerId,
        /// Its pod.
        pod: Option<PodRef>,
        /// Whether its pod is gone as well.
        pod_is_gone: bool,
    },
    /// A record cannot be read.
    UnreadableRecord(Unreadable),
    /// A pod has a sandbox without some of the networks that it asks for.
    NetworksMissing {
        /// The pod.
        pod: PodRef,
        /// The networks, sorted.
        networks: Vec<String>,
    },
    /// A pod asks for networks and has no record. It may have no sandbox yet: a pod that runs has one.
    NoRecord {
        /// The pod.
        pod: PodRef,
        /// The networks, sorted.
        networks: Vec<String>,
    },
    /// Records of two sandboxes say that they have one device.
    DeviceClaimedTwice {
        /// The device.
        device: DeviceId,
        /// One.
        first: PodRef,
        /// The other.
        second: PodRef,
    },
    /// A pod has its networks and no network-status.
    StatusMissing {
        /// The pod.
        pod: PodRef,
        /// Its sandbox.
        container_id: ContainerId,
    },
}

impl Finding {
    /// What [`Self::kind`] may say.
    pub const KINDS: [&str; 6] = [
        "record_without_sandbox",
        "left_by_multus",
        "unreadable_record",
        "networks_missing",
        "device_claimed_twice",
        "status_missing",
    ];

    /// For metrics.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::RecordWithoutSandbox { .. } => "record_without_sandbox",
            Self::LeftByMultus { .. } => "left_by_multus",
            Self::UnreadableRecord(_) => "unreadable_record",
            Self::NetworksMissing { .. } | Self::NoRecord { .. } => "networks_missing",
            Self::DeviceClaimedTwice { .. } => "device_claimed_twice",
            Self::StatusMissing { .. } => "status_missing",
        }
    }

    /// What the owners of the pods are told.
    #[must_use]
    pub fn events(&self) -> Vec<PodEvent> {
        match self {
            // The pods of the first two are gone, the third concerns the node, and the last is being mended.
            Self::RecordWithoutSandbox { .. }
            | Self::LeftByMultus { .. }
            | Self::UnreadableRecord(_)
            | Self::StatusMissing { .. } => Vec::new(),
            Self::NetworksMissing { pod, networks } => vec![PodEvent::warning(
                pod,
                "NetworksMissing",
                format!(
                    "the pod runs without networks that its annotation asks for: {}; delete the pod so that it is started again, or attach them by a hot-plug controller",
                    networks.join(", ")
                ),
            )],
            Self::NoRecord { pod, networks } => vec![PodEvent::warning(
                pod,
                "NetworksMissing",
                format!(
                    "the pod runs, and polypod has attached none of its networks ({}): it was started before polypod was installed, or beside it; delete the pod so that it is started again",
                    networks.join(", ")
                ),
            )],
            Self::DeviceClaimedTwice {
                device,
                first,
                second,
            } => [(first, second), (second, first)]
                .map(|(pod, other)| {
                    PodEvent::warning(
                        pod,
                        "DeviceClaimedTwice",
                        format!("device {device} of this pod is in the sandbox record of pod {other} as well; delete one of them"),
                    )
                })
                .into(),
        }
    }

    /// Writes it into the log.
    pub fn log(&self) {
        let kind = self.kind();
        match self {
            Self::RecordWithoutSandbox {
                container_id,
                pod,
                pod_is_gone,
            }
            | Self::LeftByMultus {
                container_id,
                pod,
                pod_is_gone,
            } => {
                let pod = pod.as_ref().map(ToString::to_string);
                let said = match self {
                    Self::LeftByMultus { .. } => {
                        "A sandbox that Multus attached is gone, and what it had is not"
                    }
                    _ => "A sandbox is gone and its record is not: the runtime has not deleted it",
                };
                tracing::warn!(
                    kind,
                    container = container_id.as_str(),
                    pod,
                    pod_is_gone,
                    "{said}"
                );
            }
            Self::UnreadableRecord(Unreadable { file, problem }) => tracing::error!(
                kind, file = %file.display(), problem,
                "A sandbox record cannot be read; see what it is about in docs/records.md before removing it"
            ),
            Self::NetworksMissing { pod, networks } => {
                tracing::warn!(kind, %pod, ?networks, "A pod runs without networks that it asks for");
            }
            Self::NoRecord { pod, networks } => {
                tracing::warn!(kind, %pod, ?networks, "A pod runs, and none of the networks that it asks for was attached by polypod");
            }
            Self::DeviceClaimedTwice {
                device,
                first,
                second,
            } => {
                tracing::error!(kind, %device, %first, %second, "A device is in the records of two pods");
            }
            Self::StatusMissing { pod, .. } => {
                tracing::info!(kind, %pod, "A pod has no network-status; it is published");
            }
        }
    }
}
