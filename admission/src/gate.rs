//! Whether a pod waits at a scheduling gate until nodes were chosen for it.
//!
//! Only the mutating hook adds the gate, and nobody insists on it: a pod without it is scheduled as it would be without
//! Polypod.

use api::pod::Pod;
use spec::{
    network::{GATE, SCHEDULING_GATE},
    scheduler_name::SchedulerName,
};

use crate::{
    Plan, Warning,
    device_claim::ClassIndex,
    device_pod::demands_devices,
    findings::Findings,
    placement_fault::shown,
    policy::{DEFAULT_SCHEDULER, Gates},
};

/// Whether `pod`, which is being created and gets `plan`, gets the gate.
pub(crate) fn is_wanted(
    pod: &Pod,
    plan: &mut Plan,
    gates: &Gates,
    findings: &Findings<'_>,
    classes: &ClassIndex,
) -> bool {
    gates.enabled
        && pod.spec.node_name.is_empty()
        && !has_gate(pod)
        && demands_devices(pod, plan, classes)
        && is_of_schedulers(pod, plan, gates)
        && is_let(pod, plan)
        && gates
            .namespaces
            .contain(findings.namespace(), &|| findings.labels())
}

fn has_gate(pod: &Pod) -> bool {
    let mut gates = pod.spec.scheduling_gates.iter();
    gates.any(|gate| gate.name == SCHEDULING_GATE)
}

fn is_of_schedulers(pod: &Pod, plan: &Plan, gates: &Gates) -> bool {
    let given = plan.scheduler_name.as_ref().map(SchedulerName::as_str);
    let scheduler = match given.unwrap_or(&pod.spec.scheduler_name) {
        "" => DEFAULT_SCHEDULER,
        name => name,
    };
    let mut names = gates.scheduler_names.iter();
    names.any(|name| name.as_str() == scheduler)
}

/// What the pod's author says; the administrator's annotations count as well.
fn is_let(pod: &Pod, plan: &mut Plan) -> bool {
    let written = pod.metadata.annotations.get(GATE);
    let written = written.or_else(|| plan.annotations.get(GATE)).cloned();
    match written.as_deref() {
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
