//! The decision about a pod.

use api::pod::Pod;
use spec::network::Namespace;

use crate::{
    Addition, Cluster, Denial, Fault, Need, NetworkVersion, Plan, Policy, Warning, access::Asker,
    attachment, default_route, device_claim::Supply, findings::Findings, holding, holding::Holding,
    interface, need, selections, target,
};

/// Decides what `pod`, to be created in `namespace`, gets for its networks.
///
/// The plan adds what is missing and nothing else, so that of an admitted pod is empty: the decision may be made again,
/// and other injectors may have been there. Whether the service account may use the networks is not asked here, only said
/// where it is known: nothing is granted by it, and [`crate::review_final`] asks.
///
/// # Errors
/// The plugin could not carry out what the pod asks for, or the administrator does not let it.
pub fn admit(
    pod: &Pod,
    namespace: &Namespace,
    cluster: &Cluster,
    policy: &Policy,
) -> Result<Plan, Denial> {
    let mut findings = Findings::new(namespace, cluster, policy);
    let mut plan = plan(pod, namespace, cluster, policy, &mut findings);
    findings.leave_questions();
    findings.conclude(&mut plan, subject(pod, namespace))?;
    Ok(plan)
}

/// The plan as far as it can be made; what is wrong goes into `findings`.
pub(crate) fn plan(
    pod: &Pod,
    namespace: &Namespace,
    cluster: &Cluster,
    policy: &Policy,
    findings: &mut Findings<'_>,
) -> Plan {
    let mut plan = Plan::default();
    // One is going, the other is an image of what the kubelet already runs.
    if pod.metadata.deletion_timestamp.is_some() || pod.is_mirror() {
        return plan;
    }
    let annotations = pod.network_annotations();
    if pod.spec.host_network {
        if selections::are_there(&annotations) {
            plan.warnings.push(Warning::new(
                "the pod's networks are not attached, as it uses the node's own network (hostNetwork: true)",
            ));
        }
        return plan;
    }
    let selections = match selections::parse(&annotations, namespace, policy, &mut plan.warnings) {
        Ok(selections) => selections,
        Err(error) => {
            findings.add(Fault::Annotation(error));
            return plan;
        }
    };
    let asker = Asker::new(pod, namespace, &cluster.permissions, policy);
    let warnings = &mut plan.warnings;
    let attachments = attachment::resolve(&selections, &asker, cluster, policy, warnings, findings);
    findings.extend(interface::check(&selections));
    findings.extend(default_route::check(&selections));
    if findings.deny() {
        return plan;
    }
    plan.networks = attachments
        .iter()
        .map(|attachment| NetworkVersion {
            network: attachment.network().clone(),
            resource_version: attachment.resource_version().to_owned(),
        })
        .collect();
    let supply = Supply::of(pod, namespace, &cluster.devices);
    findings.extend(supply.check(&attachments));
    plan.needs = need::count(&attachments, &supply, &mut plan.warnings);
    add_what_is_missing(&mut plan, pod, policy, findings);
    plan
}

/// Whether the decision about `pod` looks networks up. One that is going, an image of a static pod, and one that uses the
/// node's own network are let in whatever their annotations say.
#[must_use]
pub fn needs_networks(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_none() && !pod.is_mirror() && !pod.spec.host_network
}

/// The beginning of every denial of a pod.
pub(crate) fn subject(pod: &Pod, namespace: &Namespace) -> String {
    format!(
        "pod {namespace}/{} cannot get its networks",
        pod.display_name()
    )
}

fn add_what_is_missing(plan: &mut Plan, pod: &Pod, policy: &Policy, findings: &mut Findings<'_>) {
    let mut target = None;
    for need in &mut plan.needs {
        let holdings = match holding::of(pod, &need.resource) {
            Ok(holdings) => holdings,
            Err(fault) => {
                findings.add(fault);
                continue;
            }
        };
        need.held = holdings
            .iter()
            .map(Holding::devices)
            .fold(0, u64::saturating_add);
        if need.deficit() > 0 && target.is_none() {
            target = target::choose(pod, &policy.injection.sidecars, &mut plan.warnings);
        }
        let target = target.as_ref().filter(|_| need.deficit() > 0);
        plan.additions.extend(
            holdings
                .into_iter()
                .filter_map(|holding| addition(need, holding, target)),
        );
    }
}

/// What is to be written for one container: the deficit in the target, a missing limit in any.
fn addition(
    need: &Need,
    holding: Holding,
    target: Option<&crate::ContainerRef>,
) -> Option<Addition> {
    let add = if target == Some(&holding.container) {
        need.deficit()
    } else {
        0
    };
    let lacks_limit = holding.request.is_some() && holding.limit.is_none();
    (add > 0 || lacks_limit).then(|| Addition {
        add,
        total: holding.devices() + add,
        container: holding.container,
        resource: need.resource.clone(),
    })
}
