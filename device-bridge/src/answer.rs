//! What a sandbox gets: a function of the question, the objects and the kubelet's allocation, and of nothing else.
//!
//! It is two functions, because the kubelet need not be asked about a pod whose networks need no device. Neither does
//! I/O, looks at a clock or remembers anything, so the daemon and the one-shot process cannot differ.

use std::collections::BTreeMap;

use serde_json::Value;
use spec::{
    bridge::{Answer, ConfSource, Device, Failure, Legacy, MAX_FRAME, PodRef, Question},
    device::{DeviceId, ResourceName},
    network::Selection,
};

use crate::{
    allocation::Allocation,
    fault::{Fault, FaultKind, TooFewDevices},
    networks::Networks,
    place::Place,
    pod_facts::PodFacts,
    refusal::Refusal,
    selected::{Placed, select},
    unassigned::{Unassigned, Wanted},
};

/// The attachments of a sandbox without their devices.
#[derive(Clone, Debug)]
pub struct Resolved {
    pod: PodRef,
    attachments: Vec<Unassigned>,
    /// How many of the question's default networks there are, those that are files of the node included.
    default_networks: usize,
}

impl Resolved {
    /// The pod, with its UID where that is known.
    #[must_use]
    pub const fn pod(&self) -> &PodRef {
        &self.pod
    }

    /// How many devices of which resources the networks need.
    #[must_use]
    pub fn needed(&self) -> BTreeMap<&ResourceName, usize> {
        let mut needed: BTreeMap<&ResourceName, usize> = BTreeMap::new();
        for unassigned in &self.attachments {
            if let Wanted::AnyOf(resource) = &unassigned.wants {
                *needed.entry(resource).or_default() += 1;
            }
        }
        needed
    }

    /// Whether the networks need more devices of a resource than there are in `allocation`.
    #[must_use]
    pub fn lacks(&self, allocation: &Allocation) -> bool {
        let needed = self.needed().into_iter();
        let mut lacking =
            needed.filter(|(resource, count)| allocation.devices(resource.as_str()).len() < *count);
        lacking.next().is_some()
    }

    /// Whether any attachment needs a device of the kubelet's allocation.
    #[must_use]
    pub fn needs_devices(&self) -> bool {
        self.attachments
            .iter()
            .any(|unassigned| matches!(unassigned.wants, Wanted::AnyOf(_)))
    }
}

/// Finds the networks of a sandbox and checks that they can be attached as they are selected.
///
/// # Errors
/// The pod is not known or another one of its name; an annotation is broken, a network missing or at fault.
pub fn resolve(
    question: &Question,
    pod: Option<&PodFacts>,
    networks: &Networks,
) -> Result<Resolved, Refusal> {
    let selected = select(question, pod)?;
    let mut known = question.pod.clone();
    known.uid = known.uid.or_else(|| pod.and_then(|pod| pod.uid.clone()));
    match attachments(&selected.0, networks) {
        Ok(attachments) => Ok(Resolved {
            pod: known,
            attachments,
            default_networks: question.default_networks.len(),
        }),
        Err(kind) => Err(Fault { pod: known, kind }.into()),
    }
}

fn attachments(selected: &[Placed], networks: &Networks) -> Result<Vec<Unassigned>, FaultKind> {
    let mut attachments = Vec::new();
    let mut size = 0;
    for Placed { place, selection } in selected {
        let unassigned = match place.legacy() {
            Some(legacy) => of_legacy(*place, legacy, selection, networks)?,
            None => match networks.get(&selection.network) {
                Some(network) => Unassigned::new(*place, selection, network)?,
                None if place.is_of_configuration() => continue,
                None => {
                    return Err(FaultKind::NotFound {
                        place: *place,
                        network: selection.network.clone(),
                    });
                }
            },
        };
        if let ConfSource::Inline(text) = &unassigned.attachment.conf {
            size += text.len();
        }
        // It would not fit into a frame. An annotation can name one network a hundred thousand times, so the end is not
        // waited for.
        if size > MAX_FRAME {
            return Err(FaultKind::TooLarge {
                networks: selected.len(),
            });
        }
        attachments.push(unassigned);
    }
    Ok(attachments)
}

fn of_legacy(
    place: Place,
    legacy: Legacy,
    selection: &Selection,
    networks: &Networks,
) -> Result<Unassigned, FaultKind> {
    let network = || selection.network.clone();
    match networks
        .get_legacy(legacy, &selection.network)
        .map(|found| &**found)
    {
        Some(Ok(found)) => Ok(Unassigned::legacy(place, selection, found)),
        Some(Err(problem)) => Err(FaultKind::Legacy {
            place,
            legacy,
            network: network(),
            problem: Box::new(problem.clone()),
        }),
        None => Err(FaultKind::LegacyNotFound {
            place,
            legacy,
            network: network(),
        }),
    }
}

/// Gives every attachment its device: the n-th network of a resource takes the n-th device of the kubelet's allocation.
/// First comes the cluster network or the pod's default network, then the default networks, then the pod's own.
///
/// # Errors
/// Fewer devices than networks, or one device for two attachments.
pub fn assign(resolved: Resolved, allocation: &Allocation) -> Result<Answer, Failure> {
    let Resolved {
        pod,
        attachments,
        default_networks,
    } = resolved;
    let devices = match devices(&attachments, allocation) {
        Ok(devices) => devices,
        Err(kind) => return Err(Fault { pod, kind }.into()),
    };
    let mut answer = Answer {
        default_networks: vec![None; default_networks],
        ..Answer::default()
    };
    for (unassigned, device) in attachments.into_iter().zip(devices) {
        let Unassigned {
            place,
            wants,
            mut attachment,
        } = unassigned;
        if let Some(id) = device {
            let value = Value::from(id.as_str());
            attachment.runtime_config.insert("deviceID".into(), value);
            if let Wanted::AnyOf(resource) = wants {
                attachment.device = Some(Device { resource, id });
            }
        }
        match place {
            Place::DefaultNetworks { entry } => {
                // Entries are counted from 1, and there are as many places as the question has entries.
                let at = answer.default_networks.get_mut(entry - 1);
                *at.expect("an entry of the question has its place in the answer") =
                    Some(attachment);
            }
            first if first.is_first() => {
                answer.instead_of_delegates = first.legacy().is_some();
                answer.cluster_network = Some(Box::new(attachment));
            }
            Place::ClusterNetwork
            | Place::DefaultNetwork
            | Place::Networks { .. }
            | Place::Legacy { .. } => answer.networks.push(attachment),
        }
    }
    Ok(answer)
}

/// The device of each attachment.
fn devices(
    attachments: &[Unassigned],
    allocation: &Allocation,
) -> Result<Vec<Option<DeviceId>>, FaultKind> {
    let mut taken: BTreeMap<&ResourceName, usize> = BTreeMap::new();
    let mut users: BTreeMap<DeviceId, &str> = BTreeMap::new();
    let mut devices = Vec::new();
    for unassigned in attachments {
        let device = match &unassigned.wants {
            Wanted::Nothing => None,
            Wanted::This(device) => Some(device.clone()),
            Wanted::AnyOf(resource) => {
                let next = taken.entry(resource).or_default();
                let device = allocation.devices(resource.as_str()).get(*next);
                *next += 1;
                let device = device.ok_or_else(|| too_few(resource, attachments, allocation))?;
                let device = device.id.parse().map_err(|problem| FaultKind::DeviceId {
                    resource: resource.clone(),
                    problem,
                })?;
                Some(device)
            }
        };
        // Two resources may offer one device, and a pod may write the id of a device that it was allocated anyway.
        if let Some(device) = &device
            && let Some(first) = users.insert(device.clone(), &unassigned.attachment.name)
        {
            return Err(FaultKind::SharedDevice {
                device: device.clone(),
                first: first.to_owned(),
                second: unassigned.attachment.name.clone(),
            });
        }
        devices.push(device);
    }
    Ok(devices)
}

fn too_few(
    resource: &ResourceName,
    attachments: &[Unassigned],
    allocation: &Allocation,
) -> FaultKind {
    let of_resource = |unassigned: &&Unassigned| match &unassigned.wants {
        Wanted::AnyOf(wanted) => wanted == resource,
        Wanted::Nothing | Wanted::This(_) => false,
    };
    let networks = attachments.iter().filter(of_resource);
    let others = allocation
        .resources()
        .filter(|other| *other != resource.as_str());
    FaultKind::TooFewDevices(Box::new(TooFewDevices {
        resource: resource.clone(),
        networks: networks
            .map(|unassigned| unassigned.attachment.name.clone())
            .collect(),
        found: allocation.devices(resource.as_str()).to_vec(),
        others: others.map(str::to_owned).collect(),
        pod_is_known: allocation.pod_is_known(),
    }))
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "answer_legacy_tests.rs"]
mod legacy_tests;
