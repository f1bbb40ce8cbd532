//! What is not as it ought to be: a function of the records and the pods.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use spec::{bridge::PodRef, device::DeviceId, network::parse_networks};

use super::{
    finding::Finding,
    sandbox::{Sandbox, Seen, State},
};
use crate::pod_facts::PodFacts;

/// Compares. What was changed less than `grace` ago is let alone: a plugin may be at work on it. With
/// `tells_status` a pod that has its networks must have a network-status.
#[must_use]
pub fn find(
    seen: &[Seen],
    pods: &[Arc<PodFacts>],
    grace: Duration,
    tells_status: bool,
) -> Vec<Finding> {
    let sandboxes: Vec<&Sandbox> = seen.iter().filter_map(|seen| seen.as_ref().ok()).collect();
    let mut findings: Vec<Finding> = seen
        .iter()
        .filter_map(|seen| seen.as_ref().err())
        .map(|unreadable| Finding::UnreadableRecord(unreadable.clone()))
        .collect();
    findings.extend(
        sandboxes
            .iter()
            .filter(|sandbox| sandbox.state == State::Gone && sandbox.age >= grace)
            .map(|sandbox| Finding::RecordWithoutSandbox {
                container_id: sandbox.container_id.clone(),
                pod: sandbox.pod.clone(),
                pod_is_gone: !pods.iter().any(|pod| is_of(sandbox, pod)),
            }),
    );
    findings.extend(claimed_twice(&sandboxes));
    for pod in pods {
        findings.extend(of_pod(pod, &sandboxes, grace, tells_status));
    }
    findings
}

fn of_pod(
    pod: &PodFacts,
    sandboxes: &[&Sandbox],
    grace: Duration,
    tells_status: bool,
) -> Option<Finding> {
    let text = pod.annotations.networks.as_deref()?;
    // One that cannot be read was refused when the pod was started.
    let mut wanted: Vec<String> = parse_networks(text, &pod.namespace)
        .ok()?
        .iter()
        .map(|selection| selection.network.to_string())
        .collect();
    if wanted.is_empty() {
        return None;
    }
    let reference = reference(pod);
    let alive = sandboxes
        .iter()
        .filter(|sandbox| sandbox.state != State::Gone && is_of(sandbox, pod));
    let Some(sandbox) = alive.min_by_key(|sandbox| sandbox.age) else {
        wanted.sort();
        return Some(Finding::NoRecord {
            pod: reference,
            networks: wanted,
        });
    };
    if sandbox.age < grace {
        return None;
    }
    for had in sandbox.attachments.iter().filter(|had| had.attached) {
        if let Some(at) = wanted.iter().position(|network| *network == had.network) {
            wanted.remove(at);
        }
    }
    if !wanted.is_empty() {
        wanted.sort();
        return Some(Finding::NetworksMissing {
            pod: reference,
            networks: wanted,
        });
    }
    (tells_status && !pod.has_status).then(|| Finding::StatusMissing {
        pod: reference,
        container_id: sandbox.container_id.clone(),
    })
}

fn claimed_twice(sandboxes: &[&Sandbox]) -> Vec<Finding> {
    let mut first: BTreeMap<&DeviceId, &PodRef> = BTreeMap::new();
    let mut found = Vec::new();
    for sandbox in sandboxes {
        let Some(pod) = sandbox
            .pod
            .as_ref()
            .filter(|_| sandbox.state == State::Alive)
        else {
            continue;
        };
        for device in sandbox
            .attachments
            .iter()
            .filter_map(|had| had.device.as_ref())
            .map(|device| &device.id)
        {
            match first.get(device) {
                // A pod whose sandbox is made anew has two for a moment.
                Some(other) if **other != *pod => {
                    let mut both = [(*other).clone(), pod.clone()];
                    both.sort();
                    let [first, second] = both;
                    found.push(Finding::DeviceClaimedTwice {
                        device: device.clone(),
                        first,
                        second,
                    });
                }
                Some(_) => {}
                None => {
                    first.insert(device, pod);
                }
            }
        }
    }
    found
}

fn is_of(sandbox: &Sandbox, pod: &PodFacts) -> bool {
    sandbox.pod.as_ref().is_some_and(|of| {
        of.namespace == pod.namespace && of.name == pod.name && pod.may_have(of.uid.as_deref())
    })
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
