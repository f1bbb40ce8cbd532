//! Why a pod cannot get the devices that the kubelet seems to have allocated to it.

use spec::{bridge::PodRef, device::DeviceId};

/// A doubt about whose a device is. All of them pass when the other pod is gone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DeviceFault {
    #[error(
        "the kubelet told of device {device} for a pod of this name, but its checkpoint says that pod UID {owner:?} holds it and not {asked:?}; one of the two pods of this name is going, the runtime should try again"
    )]
    Predecessor {
        device: String,
        owner: String,
        asked: String,
    },
    #[error(
        "the kubelet lists {entries} pods of this name and does not tell their UIDs{}; one of them is going, the runtime should try again",
        if *has_checkpoint { ", and its checkpoint does not tell them apart" } else { "; mount the folder of --device-checkpoint, which tells them apart" }
    )]
    Twice {
        entries: usize,
        has_checkpoint: bool,
    },
    #[error(
        "device {device} is pod {holder}'s{}{why}; the runtime should try again when that pod is gone",
        uid(holder)
    )]
    Held {
        device: DeviceId,
        holder: Box<PodRef>,
        why: Why,
    },
    #[error(
        "device {device}, which it names in its networks annotation, was allocated to the pod with UID {owner:?}; the runtime should try again when that pod is gone"
    )]
    Allocated { device: DeviceId, owner: String },
    #[error(
        "the kubelet allocated device {device} of pool {pool} of driver {driver} by ResourceClaim {claim}, but this node's ResourceSlices do not list it in a complete generation of the pool; check the driver, the runtime should try again"
    )]
    NoSlice {
        device: String,
        pool: String,
        driver: String,
        claim: String,
    },
}

fn uid(pod: &PodRef) -> String {
    let uid = pod.uid.as_ref();
    uid.map_or_else(String::new, |uid| format!(" (UID {uid:?})"))
}

/// How it is known that a device is another pod's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The kubelet lists it for that pod.
    Listed,
    /// That pod has it from us, and the kubelet cannot be asked.
    Unasked,
    /// That pod has it from us, and the kubelet, which restarted a moment ago, may list it yet.
    Settling,
    /// That pod named it itself, which the kubelet does not know of, and is still there.
    Named,
    /// That pod had this pod's name, and it cannot be told whose the kubelet's entry is.
    Namesake,
    /// That pod got it while the kubelet was asked.
    Meanwhile,
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Listed => {
                ": the kubelet says so; a device, and a claim of one, serves one pod only"
            }
            Self::Unasked => ", and the kubelet cannot be asked whether it still is",
            Self::Settling => {
                ", and the kubelet, which restarted a moment ago, may not have all its pods yet"
            }
            Self::Named => ", which names it in its networks annotation",
            Self::Namesake => {
                ", which had this name before, and the kubelet's answer may be about that one"
            }
            Self::Meanwhile => ", which got it a moment ago",
        })
    }
}
