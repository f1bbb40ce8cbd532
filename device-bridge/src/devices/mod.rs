//! The devices of a sandbox: what the kubelet allocated, made sure of, and given to one pod only.

mod fault;
mod identity;
mod ledger;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

pub(crate) use fault::DeviceFault;
use fault::Why;
use ledger::{Evidence, Hold, Ledger, Used, is_written, verdict};
use spec::{
    bridge::{Answer, PodRef, Question},
    device::{DeviceId, ResourceName},
};

use crate::{
    allocation::Allocation,
    answer::{Resolved, assign},
    claims::{ClaimSource, Slices, naming},
    fault::{Fault, FaultKind},
    kubelet::{
        PodResourcesClient, PodResourcesError, checkpoint::Checkpoint,
        checkpoint_file::CheckpointFile,
    },
    lookup::Lookup,
    refusal::Refusal,
};

/// Where devices are learnt of, and whose they are by now.
#[derive(Debug)]
pub struct Devices {
    kubelet: PodResourcesClient,
    checkpoint: CheckpointFile,
    claims: ClaimSource,
    ledger: Mutex<Ledger>,
}

impl Devices {
    /// Devices as `kubelet` tells of them, nothing of them given to anybody yet.
    #[must_use]
    pub fn new(kubelet: PodResourcesClient, checkpoint: PathBuf, claims: ClaimSource) -> Self {
        Self {
            kubelet,
            checkpoint: CheckpointFile::new(checkpoint),
            claims,
            ledger: Mutex::new(Ledger::new()),
        }
    }

    /// The kubelet that is asked.
    #[must_use]
    pub const fn kubelet(&self) -> &PodResourcesClient {
        &self.kubelet
    }

    /// Notes what a pod was given before this process began, as the records of sandboxes say. What is noted first stays.
    pub fn remember(&self, pod: &PodRef, resource: Option<&ResourceName>, device: &DeviceId) {
        let used = Used {
            id: device.clone(),
            resource: resource.map(ToString::to_string),
            claimed: None,
        };
        if let Err(hold) = self.ledger().take(pod, &[used]) {
            tracing::warn!(%device, %pod, holder = %hold.pod, "Two pods have one device");
        }
    }

    /// Gives the attachments of a sandbox their devices.
    ///
    /// # Errors
    /// The kubelet cannot be asked or allocated too few; a device is another pod's.
    pub async fn assign(
        &self,
        question: &Question,
        resolved: Resolved,
        lookup: &Lookup,
    ) -> Result<Answer, Refusal> {
        let allocation = if resolved.needs_devices() {
            self.allocation(question, &resolved).await?
        } else {
            Allocation::default()
        };
        let pod = resolved.pod().clone();
        let answer = assign(resolved, &allocation)?;
        let used = used(&answer, &allocation);
        if !used.is_empty() {
            self.keep_apart(&pod, &used, lookup).await?;
        }
        Ok(answer)
    }

    async fn allocation(
        &self,
        question: &Question,
        resolved: &Resolved,
    ) -> Result<Allocation, Refusal> {
        let pod = resolved.pod();
        // As the runtime gives it, which is the kubelet's: the API server has another one for a static pod.
        let uid = question.pod.uid.as_deref();
        let mut allocation = match self.kubelet.pod(pod).await {
            Ok(entries) => {
                let holds_devices = entries.iter().any(|entry| {
                    let containers = &entry.containers;
                    containers
                        .iter()
                        .any(|container| !container.devices.is_empty())
                });
                let checkpoint = if holds_devices || entries.len() > 1 {
                    self.readable_checkpoint().await
                } else {
                    None
                };
                let own = identity::entry_of(entries, uid, checkpoint.as_deref())
                    .map_err(|fault| refusal(pod, fault))?;
                own.as_ref()
                    .map_or_else(Allocation::of_unknown_pod, Allocation::of)
            }
            Err(error @ PodResourcesError::Absent { .. }) => {
                let written = self.written_down(pod, uid).await?;
                written.ok_or_else(|| unasked(resolved, &error))?
            }
            Err(error) => return Err(unasked(resolved, &error)),
        };
        self.name_claimed(pod, resolved, &mut allocation).await?;
        Ok(allocation)
    }

    /// The pod's devices by the kubelet's checkpoint, for a kubelet without the pod-resources API.
    async fn written_down(
        &self,
        pod: &PodRef,
        uid: Option<&str>,
    ) -> Result<Option<Allocation>, Refusal> {
        let (Some(checkpoint), Some(uid)) = (self.readable_checkpoint().await, uid) else {
            return Ok(None);
        };
        tracing::info!(
            checkpoint = %self.checkpoint.path().display(),
            "The kubelet's socket does not exist, its checkpoint is read"
        );
        let containers = if checkpoint.order_matters(uid) {
            self.claims.pod(pod).await?.map(|found| found.containers)
        } else {
            None
        };
        Ok(Some(checkpoint.allocation(uid, containers)))
    }

    async fn readable_checkpoint(&self) -> Option<Arc<Checkpoint>> {
        let read = self.checkpoint.read().await;
        read.inspect_err(|error| tracing::warn!(%error, "Going on without the checkpoint"))
            .ok()
            .flatten()
    }

    /// Finds out what the devices of claims are, by as few reads as suffice for what the networks need.
    async fn name_claimed(
        &self,
        pod: &PodRef,
        resolved: &Resolved,
        allocation: &mut Allocation,
    ) -> Result<(), Refusal> {
        if allocation.claimed().is_empty() && !resolved.lacks(allocation) {
            return Ok(());
        }
        let mut open = self
            .claims
            .known(|slices| naming::by_slices(allocation, slices))
            .unwrap_or_else(|| naming::Open {
                missing: allocation.claimed().to_vec(),
                nameless: Vec::new(),
            });
        if !resolved.lacks(allocation) {
            // Without slices it is not known whether a claim's device goes before the ones that are there.
            if !allocation.claimed().is_empty() && self.claims.known(|_| ()).is_none() {
                match self.claims.slices_now(pod).await {
                    Ok(slices) => {
                        naming::by_slices(allocation, &slices.unwrap_or_default());
                    }
                    Err(failure) => tracing::warn!(%failure, "Going on without ResourceSlices"),
                }
            }
            return Ok(());
        }
        let of_pod = self.claims.pod(pod).await?;
        let of_pod = of_pod.filter(|found| found.may_be_of(pod.uid.as_deref()));
        let mut results = BTreeMap::new();
        if let Some(of_pod) = &of_pod {
            let extended = of_pod.extended.as_ref().map(|extended| &extended.claim);
            for claim in of_pod.claims.keys().chain(extended) {
                let is_told = allocation.claimed().iter().any(|one| one.claim == *claim);
                // Which request a device is for matters where there are several, and only the claim says it.
                if (!is_told || extended == Some(claim))
                    && let Some(found) = self.claims.claim(pod.namespace.as_str(), claim).await?
                {
                    results.insert(claim.clone(), found);
                }
            }
            naming::by_claims(allocation, of_pod, &results);
        }
        if allocation.claimed().is_empty() {
            return Ok(());
        }
        let known = self
            .claims
            .known(|slices| naming::by_slices(allocation, slices));
        open = match known {
            Some(known) if known.missing.is_empty() => known,
            // What is followed is behind, or nothing is followed.
            known => match self.claims.slices_now(pod).await? {
                Some(slices) => naming::by_slices(allocation, &slices),
                None => known.unwrap_or(open),
            },
        };
        if let Some(of_pod) = &of_pod {
            naming::by_extended_resources(allocation, &open.nameless, of_pod, &results);
        }
        match open.missing.first() {
            Some(missing) if resolved.lacks(allocation) => Err(refusal(
                pod,
                DeviceFault::NoSlice {
                    device: missing.id.device.clone(),
                    pool: missing.id.pool.clone(),
                    driver: missing.id.driver.clone(),
                    claim: missing.claim.clone(),
                },
            )),
            Some(_) | None => Ok(()),
        }
    }

    /// Sees to it that no device is in two pods' answers. Only where one may be, the kubelet is asked again.
    async fn keep_apart(
        &self,
        pod: &PodRef,
        used: &[Used],
        lookup: &Lookup,
    ) -> Result<(), Refusal> {
        let mut conflicts: Vec<(Used, Hold)> = self
            .ledger()
            .conflicts(pod, used)
            .map(|(used, hold)| (used.clone(), hold.clone()))
            .collect();
        let named: Vec<&Used> = used.iter().filter(|one| one.resource.is_none()).collect();
        let checkpoint = if conflicts.is_empty() && named.is_empty() {
            None
        } else {
            self.readable_checkpoint().await
        };
        if let Some(checkpoint) = &checkpoint {
            // A device that one pod gave back and the next one got, as happens all the time.
            conflicts.retain(|(_, hold)| {
                let is_written = is_written(pod, hold, checkpoint);
                if is_written {
                    self.ledger().release(hold);
                }
                !is_written
            });
        }
        if !conflicts.is_empty() || !named.is_empty() {
            let listed = match self.kubelet.holdings().await {
                Ok(listed) => Some(listed),
                Err(PodResourcesError::Absent { .. }) => None,
                Err(error) => return Err(error.failure(pod).into()),
            };
            let is_settling = listed.as_ref().is_some_and(|listed| listed.is_settling);
            let holdings = listed.map(|listed| listed.holdings);
            for (wanted, hold) in &conflicts {
                let mut evidence = Evidence {
                    holdings: holdings.as_deref(),
                    checkpoint: checkpoint.as_deref(),
                    is_settling,
                    is_gone: false,
                };
                let mut decided = verdict(pod, wanted, hold, evidence);
                // The API server is asked where nobody else can tell.
                if decided.is_err() && lookup.is_gone(&hold.pod).await {
                    evidence.is_gone = true;
                    decided = verdict(pod, wanted, hold, evidence);
                }
                match decided {
                    Ok(()) => self.ledger().release(hold),
                    Err(why) => return Err(held(pod, hold, why)),
                }
            }
            if let Some(holdings) = holdings.as_deref().filter(|_| !is_settling) {
                let is_there = |pod: &PodRef| holdings.0.iter().any(|holding| holding.is_of(pod));
                self.ledger().forget_named(is_there);
            }
            for one in named {
                let none = Slices::default();
                let holder = holdings.as_deref().and_then(|holdings| {
                    let by = |slices: &Slices| ledger::holder_of(one, pod, holdings, slices);
                    self.claims.known(by).unwrap_or_else(|| by(&none))
                });
                if let Some(holder) = holder {
                    let used = one.clone();
                    return Err(held(pod, &Hold { used, pod: holder }, Why::Listed));
                }
                let written = checkpoint.as_deref().filter(|_| holdings.is_none());
                let owner =
                    written.and_then(|written| written.owners(None, one.id.as_str()).next());
                if let Some(owner) = owner.filter(|owner| pod.uid.as_deref() != Some(*owner)) {
                    let fault = DeviceFault::Allocated {
                        device: one.id.clone(),
                        owner: owner.to_owned(),
                    };
                    return Err(refusal(pod, fault));
                }
            }
        }
        self.ledger()
            .take(pod, used)
            .map_err(|hold| held(pod, &hold, Why::Meanwhile))
    }

    /// A panic elsewhere leaves a ledger that is whole.
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refusal(pod: &PodRef, fault: DeviceFault) -> Refusal {
    Fault {
        pod: pod.clone(),
        kind: FaultKind::Device(Box::new(fault)),
    }
    .into()
}

/// The kubelet cannot be asked for what the networks need.
fn unasked(resolved: &Resolved, error: &PodResourcesError) -> Refusal {
    let mut failure = error.failure(resolved.pod());
    let needed = resolved.needed().into_iter();
    let needed: Vec<String> = needed
        .map(|(resource, count)| format!("{count} of {resource}"))
        .collect();
    failure.message = format!(
        "{}; its networks need {}",
        failure.message,
        needed.join(", ")
    );
    failure.into()
}

fn held(pod: &PodRef, hold: &Hold, why: Why) -> Refusal {
    tracing::warn!(device = %hold.used.id, holder = %hold.pod, ?why, "A device is another pod's");
    refusal(
        pod,
        DeviceFault::Held {
            device: hold.used.id.clone(),
            holder: Box::new(hold.pod.clone()),
            why,
        },
    )
}

/// The devices of an answer.
fn used(answer: &Answer, allocation: &Allocation) -> Vec<Used> {
    let attachments = answer.cluster_network.as_deref().into_iter();
    let attachments = attachments
        .chain(answer.default_networks.iter().flatten())
        .chain(&answer.networks);
    attachments
        .filter_map(|attachment| match &attachment.device {
            Some(device) => {
                let of_resource = allocation.devices(device.resource.as_str());
                let allocated = of_resource.iter().find(|one| one.id == device.id.as_str());
                Some(Used {
                    id: device.id.clone(),
                    resource: Some(device.resource.to_string()),
                    claimed: allocated.and_then(|one| one.claimed.clone()),
                })
            }
            None => {
                let named = attachment.runtime_config.get("deviceID")?.as_str()?;
                Some(Used {
                    id: named.parse().ok()?,
                    resource: None,
                    claimed: None,
                })
            }
        })
        .collect()
}

#[cfg(test)]
mod interleaving_tests;

#[cfg(test)]
#[path = "devices_tests.rs"]
mod tests;
