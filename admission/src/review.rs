//! The decision about a pod that nothing will be added to any more: the validating hook's.
//!
//! The mutating hook fails open, and whoever comes after it may take its work away. So the final pod is judged by the
//! same plan once more, and what that plan would still have to add is the reason for a denial.

use api::pod::Pod;
use spec::network::Namespace;

use crate::{
    Addition, Cluster, Denial, Fault, Need, Plan, Policy, admit::plan, admit::subject,
    findings::Findings,
};

/// Decides whether `pod`, as it is about to be stored in `namespace`, has the devices that its networks need.
///
/// # Errors
/// The plugin could not carry out what the pod asks for, devices are missing, or the administrator does not let it.
pub fn review_final(
    pod: &Pod,
    namespace: &Namespace,
    cluster: &Cluster,
    policy: &Policy,
) -> Result<Plan, Denial> {
    let mut findings = Findings::new(namespace, cluster, policy);
    let mut plan = plan(pod, namespace, cluster, policy, &mut findings);
    for addition in plan.additions.drain(..) {
        findings.add(fault(&addition, &plan.needs));
    }
    findings.conclude(&mut plan, subject(pod, namespace))?;
    Ok(plan)
}

/// Decides about the change of a stored pod from `old` to `new`. A pod whose networks stay what they are is not judged
/// again: whoever edits a label is not to blame for them.
///
/// # Errors
/// The networks have changed, and the plugin could not carry out what the pod asks for now. Nothing can be added to the
/// containers of a stored pod, so devices that are missing are an error too.
pub fn review_update(
    old: &Pod,
    new: &Pod,
    namespace: &Namespace,
    cluster: &Cluster,
    policy: &Policy,
) -> Result<Plan, Denial> {
    if old.network_annotations() == new.network_annotations() {
        return Ok(Plan::default());
    }
    review_final(new, namespace, cluster, policy).map_err(|denial| {
        denial.about(format!(
            "the networks of pod {namespace}/{} cannot be changed in this way while it exists",
            new.display_name()
        ))
    })
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
