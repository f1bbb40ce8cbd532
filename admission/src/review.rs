//! The decision about a pod that nothing will be added to any more: the validating hook's.
//!
//! The mutating hook fails open, and whoever comes after it may take its work away. So the final pod is judged by the
//! same plan once more, and what that plan would still have to add is the reason for a denial.

use api::pod::Pod;
use spec::network::{Namespace, RESERVE};

use crate::{
    Addition, Denial, Fault, Need, PlacementFault, Plan, Policy, View, Warning,
    admit::{plan, subject},
    findings::Findings,
    placement_fault::shown,
    stage::Stage,
    user_defined,
};

/// Decides whether `pod`, as it is about to be stored in `namespace`, has the devices that its networks need.
///
/// # Errors
/// The plugin could not carry out what the pod asks for, devices are missing, or the administrator does not let it.
pub fn review_final<'a>(
    pod: &Pod,
    namespace: &Namespace,
    cluster: impl Into<View<'a>>,
    policy: &Policy,
) -> Result<Plan, Denial> {
    review(pod, namespace, cluster.into(), policy, Stage::Final)
}

/// Decides about the change of a stored pod from `old` to `new`. A pod whose networks stay what they are is not judged
/// again: whoever edits a label is not to blame for them.
///
/// # Errors
/// The networks have changed, and the plugin could not carry out what the pod asks for now. Nothing can be added to the
/// containers of a stored pod, so devices that are missing are an error too.
pub fn review_update<'a>(
    old: &Pod,
    new: &Pod,
    namespace: &Namespace,
    cluster: impl Into<View<'a>>,
    policy: &Policy,
) -> Result<Plan, Denial> {
    if old.network_annotations() == new.network_annotations() {
        return Ok(Plan::default());
    }
    review(new, namespace, cluster.into(), policy, Stage::Stored).map_err(|denial| {
        denial.about(format!(
            "the networks of pod {namespace}/{} cannot be changed in this way while it exists",
            new.display_name()
        ))
    })
}

fn review(
    pod: &Pod,
    namespace: &Namespace,
    view: View<'_>,
    policy: &Policy,
    stage: Stage,
) -> Result<Plan, Denial> {
    let mut findings = Findings::new(namespace, view.cluster(), policy);
    let mut plan = plan(pod, namespace, view, policy, stage, &mut findings);
    findings.extend(missing_annotations(&plan));
    findings.extend(missing_devices(&plan));
    for label in &plan.node_labels {
        // Nobody can tell any more which nodes a stored pod could have had, and its own may be one with the label.
        if stage == Stage::Stored {
            plan.warnings.push(Warning::new(&format!(
                "network {} needs a node with {}={}, which the pod does not ask for",
                label.network, label.key, label.value
            )));
        } else {
            findings.add(PlacementFault::NodeSelectorMissing(Box::new(label.clone())).into());
        }
    }
    plan.withdraw();
    findings.conclude(&mut plan, subject(pod, namespace))?;
    Ok(plan)
}

/// The annotations that the pod should have been given, as far as its networks and devices depend on them.
fn missing_annotations(plan: &Plan) -> Vec<Fault> {
    plan.annotations
        .iter()
        .filter(|(key, _)| user_defined::is_about_networks(key) || *key == RESERVE)
        .map(|(key, text)| {
            let (key, text) = (key.clone(), shown(text));
            PlacementFault::AnnotationMissing { key, text }.into()
        })
        .collect()
}

/// What is missing of each resource, and the limits that are.
fn missing_devices(plan: &Plan) -> Vec<Fault> {
    let mut faults = Vec::new();
    for addition in &plan.additions {
        let fault = fault(addition, &plan.needs);
        // Devices for several containers are one thing that is missing.
        if !faults.contains(&fault) {
            faults.push(fault);
        }
    }
    faults
}

fn fault(addition: &Addition, needs: &[Need]) -> Fault {
    let need = needs
        .iter()
        .find(|need| need.resource == addition.resource && addition.add > 0);
    match need {
        Some(need) => Fault::Deficit(need.clone()),
        None => Fault::NoLimit {
            container: addition.container.clone(),
            resource: addition.resource.clone(),
            request: addition.total,
        },
    }
}
