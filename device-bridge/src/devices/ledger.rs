//! Which pod was given which device: what keeps a device out of two pods' answers.
//!
//! It remembers answers and decides nothing about the kubelet: whether a pod still holds what it was given is a
//! [`verdict`] on what the kubelet says now. It has an entry for each device of the node at most.

use std::collections::BTreeMap;

use spec::{bridge::PodRef, device::DeviceId};

use super::fault::Why;
use crate::{
    claims::Slices,
    kubelet::{
        checkpoint::Checkpoint,
        holdings::{ClaimedId, Holding, Holdings},
    },
};

/// A device as an answer gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Used {
    /// Its id.
    pub(crate) id: DeviceId,
    /// The resource it was allocated of; none where the pod names the device itself.
    pub(crate) resource: Option<String>,
    /// What it is called in a ResourceClaim.
    pub(crate) claimed: Option<ClaimedId>,
}

impl Used {
    /// Whether both are the same piece of hardware. An address is the same in all resources; other ids are numbers that
    /// each device plugin counts for itself.
    fn is(&self, other: &Self) -> bool {
        self.id == other.id
            && (self.id.pci_address().is_some()
                || self.resource.is_none()
                || other.resource.is_none()
                || self.resource == other.resource)
    }
}

/// A device, and who has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hold {
    pub(crate) used: Used,
    pub(crate) pod: PodRef,
}

/// The holds by device id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ledger(BTreeMap<DeviceId, Vec<Hold>>);

impl Ledger {
    /// Nobody has anything.
    pub(crate) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// What other pods than `pod` have of `devices`.
    pub(crate) fn conflicts<'a>(
        &'a self,
        pod: &'a PodRef,
        devices: &'a [Used],
    ) -> impl Iterator<Item = (&'a Used, &'a Hold)> {
        devices.iter().flat_map(move |used| {
            let holds = self.0.get(&used.id).into_iter().flatten();
            let others = holds.filter(move |hold| hold.used.is(used) && !is_same(&hold.pod, pod));
            others.map(move |hold| (used, hold))
        })
    }

    /// Notes that `pod` is given `devices`, all or none.
    ///
    /// # Errors
    /// Another pod has one of them.
    pub(crate) fn take(&mut self, pod: &PodRef, devices: &[Used]) -> Result<(), Box<Hold>> {
        if let Some((_, hold)) = self.conflicts(pod, devices).next() {
            return Err(Box::new(hold.clone()));
        }
        for used in devices {
            let holds = self.0.entry(used.id.clone()).or_default();
            // The pod's own, of an answer before.
            holds.retain(|hold| !hold.used.is(used));
            holds.push(Hold {
                used: used.clone(),
                pod: pod.clone(),
            });
        }
        Ok(())
    }

    /// Forgets the devices that pods named themselves of which nobody knows any more: they are not among the kubelet's, and
    /// so nothing else would ever ask for them.
    pub(crate) fn forget_named(&mut self, is_there: impl Fn(&PodRef) -> bool) {
        self.0.retain(|_, holds| {
            holds.retain(|hold| hold.used.resource.is_some() || is_there(&hold.pod));
            !holds.is_empty()
        });
    }

    /// Notes that a pod has a device no more.
    pub(crate) fn release(&mut self, gone: &Hold) {
        if let Some(holds) = self.0.get_mut(&gone.used.id) {
            holds.retain(|hold| hold != gone);
            if holds.is_empty() {
                self.0.remove(&gone.used.id);
            }
        }
    }
}

/// Whether both are one pod, not a pod and its successor.
fn is_same(a: &PodRef, b: &PodRef) -> bool {
    is_namesake(a, b) && (a.uid == b.uid || a.uid.is_none() || b.uid.is_none())
}

fn is_namesake(a: &PodRef, b: &PodRef) -> bool {
    a.namespace == b.namespace && a.name == b.name
}

/// What is known when it has to be decided whether a pod still has a device.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Evidence<'a> {
    /// What the kubelet says now; none where it has no socket.
    pub(crate) holdings: Option<&'a Holdings>,
    /// What it wrote down, if that can be read.
    pub(crate) checkpoint: Option<&'a Checkpoint>,
    /// Whether the kubelet restarted a moment ago, so that a pod it does not list may yet come.
    pub(crate) is_settling: bool,
    /// Whether the API server knows the holder no more.
    pub(crate) is_gone: bool,
}

/// Whether the kubelet wrote down that a device is the asker's and not the holder's: it gives away what is free, so that nobody
/// need be asked.
pub(crate) fn is_written(asker: &PodRef, hold: &Hold, checkpoint: &Checkpoint) -> bool {
    let (Some(resource), Some(asker), Some(holder)) = (
        hold.used.resource.as_deref(),
        asker.uid.as_deref(),
        hold.pod.uid.as_deref(),
    ) else {
        return false;
    };
    let owners: Vec<&str> = checkpoint
        .owners(Some(resource), hold.used.id.as_str())
        .collect();
    hold.used.claimed.is_none() && owners.contains(&asker) && !owners.contains(&holder)
}

/// Whether the holder of a device has it no more, so that `asker`, who wants it, can be given it.
///
/// # Errors
/// Why it is the holder's.
pub(crate) fn verdict(
    asker: &PodRef,
    wanted: &Used,
    hold: &Hold,
    evidence: Evidence<'_>,
) -> Result<(), Why> {
    let Hold { used, pod: holder } = hold;
    let owner = |pod: &PodRef| {
        let resource = used.resource.as_deref()?;
        let owners = evidence
            .checkpoint?
            .owners(Some(resource), used.id.as_str());
        let uid = pod.uid.as_deref();
        let owners: Vec<&str> = owners.collect();
        (!owners.is_empty()).then(|| owners.iter().any(|owner| Some(*owner) == uid))
    };
    if is_namesake(asker, holder) {
        return match (owner(asker), evidence.holdings) {
            (Some(true), _) => Ok(()),
            (None, None) if evidence.is_gone => Ok(()),
            (Some(false), _) | (None, None) => Err(Why::Namesake),
            // The kubelet makes the asker's sandbox and so has it among its pods: a single one of this name is the asker.
            (None, Some(holdings)) => match of(holdings, asker).count() {
                1 => Ok(()),
                _ => Err(Why::Namesake),
            },
        };
    }
    let Some(holdings) = evidence.holdings else {
        return match owner(holder) {
            Some(false) => Ok(()),
            Some(true) => Err(Why::Listed),
            None if evidence.is_gone => Ok(()),
            None => Err(Why::Unasked),
        };
    };
    let mut listed = of(holdings, holder).peekable();
    if listed.peek().is_none() {
        return if evidence.is_settling && !evidence.is_gone {
            Err(Why::Settling)
        } else {
            Ok(())
        };
    }
    if used.resource.is_none() {
        return if evidence.is_gone {
            Ok(())
        } else {
            Err(Why::Named)
        };
    }
    // What was remembered of a record does not say that it was a claim's.
    if listed.any(|holding| holds(holding, used) || holds(holding, wanted)) {
        Err(Why::Listed)
    } else {
        Ok(())
    }
}

/// The pod beside `pod` that the kubelet says has a device, whatever resource that is of.
pub(crate) fn holder_of(
    used: &Used,
    pod: &PodRef,
    holdings: &Holdings,
    slices: &Slices,
) -> Option<PodRef> {
    let id = used.id.as_str();
    let is_claimed = |claimed: &ClaimedId| {
        let advertised = slices.find(claimed);
        advertised.is_some_and(|advertised| advertised.id.as_deref() == Some(id))
    };
    let others = holdings.0.iter().filter(|holding| !holding.is_of(pod));
    let mut holders = others.filter(|holding| {
        holding.devices.iter().any(|(_, held)| held == id) || holding.claimed.iter().any(is_claimed)
    });
    let holder = holders.next()?;
    Some(PodRef {
        namespace: holder.namespace.parse().ok()?,
        name: holder.name.parse().ok()?,
        uid: None,
    })
}

fn of<'a>(holdings: &'a Holdings, pod: &'a PodRef) -> impl Iterator<Item = &'a Holding> {
    holdings.0.iter().filter(move |holding| holding.is_of(pod))
}

fn holds(holding: &Holding, used: &Used) -> bool {
    match &used.claimed {
        Some(claimed) => holding.claimed.contains(claimed),
        None => holding.devices.iter().any(|(resource, id)| {
            id == used.id.as_str() && used.resource.as_ref().is_none_or(|own| own == resource)
        }),
    }
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
