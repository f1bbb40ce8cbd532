//! What is not as it ought to be: a function of the records and the pods.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use spec::{
    bridge::PodRef,
    device::{DeviceId, ResourceName},
    network::{NetworkRef, parse_networks},
};

use super::{
    finding::Finding,
    of_multus::OfMultus,
    sandbox::{Sandbox, Seen, State},
};
use crate::pod_facts::PodFacts;

/// What records and pods are compared by.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// What was changed less than this ago is let alone: a plugin may be at work on it.
    pub grace: Duration,
    /// Whether a pod that has its networks must have a network-status.
    pub tells_status: bool,
    /// `name` in the configuration of a NetworkAttachmentDefinition: by that the record calls an attachment that was plugged
    /// into a running pod, as nobody told the plugin of the object.
    pub cni_name: &'a dyn Fn(&NetworkRef) -> Option<String>,
}

impl fmt::Debug for Rules<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules")
            .field("grace", &self.grace)
            .field("tells_status", &self.tells_status)
            .finish_non_exhaustive()
    }
}

/// Compares. Without records it is not known what pods have.
#[must_use]
pub fn find(seen: Option<&[Seen]>, pods: &[Arc<PodFacts>], rules: Rules<'_>) -> Vec<Finding> {
    let Some(seen) = seen else {
        return Vec::new();
    };
    let sandboxes: Vec<&Sandbox> = seen.iter().filter_map(|seen| seen.as_ref().ok()).collect();
    let mut findings: Vec<Finding> = seen
        .iter()
        .filter_map(|seen| seen.as_ref().err())
        .map(|unreadable| Finding::UnreadableRecord(unreadable.clone()))
        .collect();
    findings.extend(
        sandboxes
            .iter()
            .filter(|sandbox| sandbox.state == State::Gone && sandbox.age >= rules.grace)
            .map(|sandbox| Finding::RecordWithoutSandbox {
                container_id: sandbox.container_id.clone(),
                pod: sandbox.pod.clone(),
                pod_is_gone: !pods.iter().any(|pod| is_of(sandbox, pod)),
            }),
    );
    findings.extend(claimed_twice(&sandboxes, rules.grace));
    for pod in pods {
        findings.extend(of_pod(pod, &sandboxes, rules));
    }
    findings
}

/// What Multus left of sandboxes that are gone.
#[must_use]
pub(super) fn left_by_multus(
    sandboxes: &[OfMultus],
    pods: &[Arc<PodFacts>],
    grace: Duration,
) -> Vec<Finding> {
    let left = sandboxes
        .iter()
        .filter(|sandbox| sandbox.is_gone && sandbox.age >= grace);
    left.map(|sandbox| Finding::LeftByMultus {
        container_id: sandbox.container_id.clone(),
        pod: sandbox.pod.clone(),
        pod_is_gone: !pods.iter().any(|pod| {
            sandbox
                .pod
                .as_ref()
                .is_some_and(|of| is_reference_to(of, pod))
        }),
    })
    .collect()
}

fn of_pod(pod: &PodFacts, sandboxes: &[&Sandbox], rules: Rules<'_>) -> Option<Finding> {
    let text = pod.annotations.networks.as_deref()?;
    // One that cannot be read was refused when the pod was started.
    let selections = parse_networks(text, &pod.namespace).ok()?;
    let mut wanted: Vec<&NetworkRef> = selections.iter().map(|one| &one.network).collect();
    if wanted.is_empty() {
        return None;
    }
    let reference = reference(pod);
    let alive = sandboxes
        .iter()
        .filter(|sandbox| sandbox.state != State::Gone && is_of(sandbox, pod));
    let Some(sandbox) = alive.min_by_key(|sandbox| sandbox.age) else {
        // One that has a network-status was attached by somebody else, such as Multus before a switch-over.
        return (!pod.has_status).then(|| Finding::NoRecord {
            pod: reference,
            networks: names(&wanted),
        });
    };
    if sandbox.age < rules.grace {
        return None;
    }
    for had in sandbox.attachments.iter().filter(|had| had.attached) {
        let is_it = |network: &&NetworkRef| {
            network.to_string() == had.network
                || (rules.cni_name)(network).is_some_and(|name| name == had.network)
        };
        if let Some(at) = wanted.iter().position(is_it) {
            wanted.remove(at);
        }
    }
    if !wanted.is_empty() {
        return Some(Finding::NetworksMissing {
            pod: reference,
            networks: names(&wanted),
        });
    }
    (rules.tells_status && !pod.has_status).then(|| Finding::StatusMissing {
        pod: reference,
        container_id: sandbox.container_id.clone(),
    })
}

fn names(networks: &[&NetworkRef]) -> Vec<String> {
    let mut names: Vec<String> = networks.iter().map(ToString::to_string).collect();
    names.sort();
    names
}

fn claimed_twice(sandboxes: &[&Sandbox], grace: Duration) -> Vec<Finding> {
    let mut first: BTreeMap<(Option<&ResourceName>, &DeviceId), &PodRef> = BTreeMap::new();
    let mut found = Vec::new();
    for sandbox in sandboxes {
        let is_judged = sandbox.state == State::Alive && sandbox.age >= grace;
        let Some(pod) = sandbox.pod.as_ref().filter(|_| is_judged) else {
            continue;
        };
        let devices = sandbox
            .attachments
            .iter()
            .filter_map(|had| had.device.as_ref());
        for device in devices {
            // A PCI address is one device of the node; other ids every device plugin has its own of.
            let resource = match device.id.pci_address() {
                Some(_) => None,
                None => Some(&device.resource),
            };
            match first.get(&(resource, &device.id)) {
                // A pod whose sandbox is made anew has two for a moment.
                Some(other) if !is_same(other, pod) => {
                    let mut both = [(*other).clone(), pod.clone()];
                    both.sort();
                    let [first, second] = both;
                    found.push(Finding::DeviceClaimedTwice {
                        device: device.id.clone(),
                        first,
                        second,
                    });
                }
                Some(_) => {}
                None => {
                    first.insert((resource, &device.id), pod);
                }
            }
        }
    }
    found
}

/// Where one of two UIDs is not known, the names decide.
fn is_same(a: &PodRef, b: &PodRef) -> bool {
    let is_namesake = a.namespace == b.namespace && a.name == b.name;
    is_namesake && (a.uid == b.uid || a.uid.is_none() || b.uid.is_none())
}

fn is_of(sandbox: &Sandbox, pod: &PodFacts) -> bool {
    sandbox
        .pod
        .as_ref()
        .is_some_and(|of| is_reference_to(of, pod))
}

fn is_reference_to(of: &PodRef, pod: &PodFacts) -> bool {
    of.namespace == pod.namespace && of.name == pod.name && pod.may_have(of.uid.as_deref())
}

fn reference(pod: &PodFacts) -> PodRef {
    PodRef {
        namespace: pod.namespace.clone(),
        name: pod.name.clone(),
        uid: pod.uid.clone(),
    }
}

#[cfg(test)]
#[path = "find_tests.rs"]
mod tests;
