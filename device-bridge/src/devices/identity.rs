//! Which of the kubelet's entries is the pod that asks. The kubelet tells names only, and a pod of a StatefulSet has the
//! name of the one before it: without a look at the UID it could get that one's devices while they are still in use.

use super::fault::DeviceFault;
use crate::{kubelet::checkpoint::Checkpoint, proto::PodResources};

/// The entry of the pod with `uid` among those of its name; `None` where the kubelet has none.
///
/// # Errors
/// The entries are, or may be, another pod's.
pub(crate) fn entry_of(
    mut entries: Vec<PodResources>,
    uid: Option<&str>,
    checkpoint: Option<&Checkpoint>,
) -> Result<Option<PodResources>, DeviceFault> {
    let twice = DeviceFault::Twice {
        entries: entries.len(),
        has_checkpoint: checkpoint.is_some(),
    };
    let (Some(uid), Some(checkpoint)) = (uid, checkpoint) else {
        return match entries.len() {
            0 | 1 => Ok(entries.pop()),
            _ => Err(twice),
        };
    };
    if entries.len() < 2 {
        let Some(entry) = entries.pop() else {
            return Ok(None);
        };
        return match foreign_device(&entry, uid, checkpoint) {
            None => Ok(Some(entry)),
            Some((device, owner)) => Err(DeviceFault::Predecessor {
                device: device.to_owned(),
                owner: owner.to_owned(),
                asked: uid.to_owned(),
            }),
        };
    }
    // Of several, the one that holds something by the checkpoint, and nothing that is another's.
    let mut own = entries.into_iter().filter(|entry| {
        foreign_device(entry, uid, checkpoint).is_none()
            && devices(entry).any(|(resource, id)| {
                checkpoint
                    .owners(Some(resource), id)
                    .any(|owner| owner == uid)
            })
    });
    match (own.next(), own.next()) {
        (Some(entry), None) => Ok(Some(entry)),
        (_, _) => Err(twice),
    }
}

/// A device of the entry that the checkpoint says is another pod's. What is not in the checkpoint is nobody's.
fn foreign_device<'a>(
    entry: &'a PodResources,
    uid: &str,
    checkpoint: &'a Checkpoint,
) -> Option<(&'a str, &'a str)> {
    devices(entry).find_map(|(resource, id)| {
        let owners = || checkpoint.owners(Some(resource), id);
        let is_own = owners().any(|owner| owner == uid);
        let other = owners().next().filter(|_| !is_own)?;
        Some((id, other))
    })
}

fn devices(entry: &PodResources) -> impl Iterator<Item = (&str, &str)> {
    let containers = entry.containers.iter();
    let devices = containers.flat_map(|container| &container.devices);
    devices.flat_map(|device| {
        let ids = device.device_ids.iter();
        ids.map(|id| (device.resource_name.as_str(), id.as_str()))
    })
}

#[cfg(test)]
#[path = "identity_tests.rs"]
mod tests;
