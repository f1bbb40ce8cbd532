//! Whether a pod waits at a scheduling gate until nodes were chosen for it.
//!
//! Only the mutating hook adds the gate, and nobody insists on it: a pod without it is scheduled as it would be without
//! Polypod.

use api::{
    pod::{Container, Pod},
    quantity::whole,
};
use spec::{
    device::ResourceName,
    network::{GATE, INJECT, SCHEDULING_GATE},
    scheduler_name::SchedulerName,
};

use crate::{
    Plan, Policy, Warning, findings::Findings, placement_fault::shown, policy::DEFAULT_SCHEDULER,
};

/// Whether `pod`, which is being created and gets `plan`, gets the gate.
pub(crate) fn is_wanted(
    pod: &Pod,
    plan: &mut Plan,
    policy: &Policy,
    findings: &Findings<'_>,
) -> bool {
    let gates = &policy.scheduling.gates;
    let chosen = plan.scheduler_name.as_ref().map(SchedulerName::as_str);
    let scheduler = match chosen.unwrap_or(&pod.spec.scheduler_name) {
        "" => DEFAULT_SCHEDULER,
        name => name,
    };
    gates.enabled
        && is_to_be_scheduled(pod)
        && (needs_devices(plan) || demands_devices(pod))
        && gates.scheduler_names.contains(scheduler)
        && is_let(pod, plan)
        && gates
            .namespaces
            .contain(findings.namespace(), &|| findings.labels())
}

/// Whether a scheduler will look for a node for it. One that goes, runs already or has its node is no scheduler's, and one
/// with the gate has it.
fn is_to_be_scheduled(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_none()
        && !pod.is_mirror()
        && pod.spec.node_name.is_empty()
        && !pod
            .spec
            .scheduling_gates
            .iter()
            .any(|gate| gate.name == SCHEDULING_GATE)
}

/// Whether the networks need devices that no claim supplies.
pub(crate) fn needs_devices(plan: &Plan) -> bool {
    plan.needs.iter().any(|need| need.wanted > need.claimed)
}

/// Whether a container of the pod demands an extended resource.
#[must_use]
pub fn demands_devices(pod: &Pod) -> bool {
    let spec = &pod.spec;
    let mut containers = spec.containers.iter().chain(&spec.init_containers);
    containers.any(has_devices)
}

fn has_devices(container: &Container) -> bool {
    let Some(resources) = &container.resources else {
        return false;
    };
    let lists = [&resources.requests, &resources.limits];
    let mut quantities = lists.into_iter().flatten().flatten();
    quantities.any(|(name, quantity)| {
        let is_extended = || {
            let name = name.parse::<ResourceName>();
            name.is_ok_and(|name| name.is_extended_resource())
        };
        whole(quantity) != Ok(0) && is_extended()
    })
}

/// What the pod's author says; the administrator's annotations count as well.
fn is_let(pod: &Pod, plan: &mut Plan) -> bool {
    let annotation = |key: &str| {
        let written = pod.metadata.annotations.get(key);
        written.or_else(|| plan.annotations.get(key)).cloned()
    };
    if annotation(INJECT).is_some_and(|text| text == "false") {
        return false;
    }
    match annotation(GATE).as_deref() {
        Some("false") => false,
        Some("true") | None => true,
        Some(found) => {
            plan.warnings.push(Warning::new(&format!(
                "annotation {GATE} is {:?}; write \"true\" or \"false\"; the pod waits at the scheduling gate",
                shown(found)
            )));
            true
        }
    }
}

#[cfg(test)]
mod tests;
