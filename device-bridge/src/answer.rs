//! What a sandbox gets: a function of the question, the objects and the kubelet's allocation, and of nothing else.
//!
//! It is two functions, because the kubelet need not be asked about a pod whose networks need no device. Neither does
//! I/O, looks at a clock or remembers anything, so the daemon and the one-shot process cannot differ.

use std::collections::BTreeMap;

use serde_json::Value;
use spec::{
    bridge::{Answer, ConfSource, Device, Failure, MAX_FRAME, PodRef, Question},
    device::{DeviceId, ResourceName},
};

use crate::{
    allocation::Allocation,
    fault::{Fault, FaultKind, TooFewDevices},
    networks::Networks,
    place::Place,
    pod_facts::PodFacts,
    selected::{Placed, select},
    unassigned::{Unassigned, Wanted},
};

/// The attachments of a sandbox without their devices.
#[derive(Clone, Debug)]
pub struct Resolved {
    pod: PodRef,
    attachments: Vec<Unassigned>,
}

impl Resolved {
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
) -> Result<Resolved, Failure> {
    let selected = select(question, pod)?;
    let pod = question.pod.clone();
    match attachments(&selected.0, networks) {
        Ok(attachments) => Ok(Resolved { pod, attachments }),
        Err(kind) => Err(Fault { pod, kind }.into()),
    }
}

fn attachments(selected: &[Placed], networks: &Networks) -> Result<Vec<Unassigned>, FaultKind> {
    let mut attachments = Vec::new();
    let mut size = 0;
    for Placed { place, selection } in selected {
        let Some(network) = networks.get(&selection.network) else {
            if *place == Place::ClusterNetwork {
                continue; // Then it is a file of the node, which the plugin finds.
            }
            return Err(FaultKind::NotFound {
                place: *place,
                network: selection.network.clone(),
            });
        };
        let unassigned = Unassigned::new(*place, selection, network)?;
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

/// Gives every attachment its device: the n-th network of a resource takes the n-th device of the kubelet's allocation,
/// the cluster network or the pod's default network being the first.
///
/// # Errors
/// Fewer devices than networks, or one device for two attachments.
pub fn assign(resolved: Resolved, allocation: &Allocation) -> Result<Answer, Failure> {
    let Resolved { pod, attachments } = resolved;
    let devices = match devices(&attachments, allocation) {
        Ok(devices) => devices,
        Err(kind) => return Err(Fault { pod, kind }.into()),
    };
    let mut answer = Answer::default();
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
        if place.is_first() {
            answer.cluster_network = Some(Box::new(attachment));
        } else {
            answer.networks.push(attachment);
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
