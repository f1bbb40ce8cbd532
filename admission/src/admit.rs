//! The decision about a pod.

use api::pod::Pod;
use spec::network::Namespace;

use crate::{
    Addition, Denial, Fault, Need, NetworkIndex, NetworkVersion, Plan, Policy, Warning, attachment,
    default_route, holding, holding::Holding, interface, need, selections, target,
};

/// Decides what `pod`, to be created in `namespace`, gets for its networks.
///
/// The plan adds what is missing and nothing else, so that of an admitted pod is empty: the decision may be made again,
/// and other injectors may have been there.
///
/// # Errors
/// The plugin could not carry out what the pod asks for.
pub fn admit(
    pod: &Pod,
    namespace: &Namespace,
    networks: &NetworkIndex,
    policy: &Policy,
) -> Result<Plan, Denial> {
    let mut plan = Plan::default();
    // One is going, the other is an image of what the kubelet already runs.
    if pod.metadata.deletion_timestamp.is_some() || pod.is_mirror() {
        return Ok(plan);
    }
    let annotations = pod.network_annotations();
    if pod.spec.host_network {
        if selections::are_there(&annotations) {
            plan.warnings.push(Warning::new(
                "the pod's networks are not attached, as it uses the node's own network (hostNetwork: true)",
            ));
        }
        return Ok(plan);
    }
    let deny = |faults| Denial::new(subject(pod, namespace), faults);
    let selections = selections::parse(&annotations, namespace, policy, &mut plan.warnings)
        .map_err(|error| deny(vec![Fault::Annotation(error)]))?;
    let mut faults = interface::check(&selections);
    faults.extend(default_route::check(&selections));
    let attachments = match attachment::resolve(&selections, networks, policy) {
        Ok(attachments) if faults.is_empty() => attachments,
        Ok(_) => return Err(deny(faults)),
        Err(more) => return Err(deny([more, faults].concat())),
    };
    plan.networks = attachments
        .iter()
        .map(|attachment| NetworkVersion {
            network: attachment.network().clone(),
            resource_version: attachment.resource_version().to_owned(),
        })
        .collect();
    plan.needs = need::count(&attachments, &mut plan.warnings);
    add_what_is_missing(&mut plan, pod).map_err(deny)?;
    Ok(plan)
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

fn add_what_is_missing(plan: &mut Plan, pod: &Pod) -> Result<(), Vec<Fault>> {
    let mut faults = Vec::new();
    let mut target = None;
    for need in &mut plan.needs {
        let holdings = match holding::of(pod, &need.resource) {
            Ok(holdings) => holdings,
            Err(fault) => {
                faults.push(fault);
                continue;
            }
        };
        need.held = holdings
            .iter()
            .map(Holding::devices)
            .fold(0, u64::saturating_add);
        if need.deficit() > 0 && target.is_none() {
            target = target::choose(pod, &mut plan.warnings);
        }
        let target = target.as_ref().filter(|_| need.deficit() > 0);
        plan.additions.extend(
            holdings
                .into_iter()
                .filter_map(|holding| addition(need, holding, target)),
        );
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults)
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
