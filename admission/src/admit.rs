//! The decision about a pod.

use std::borrow::Cow;

use api::pod::Pod;
use spec::network::{Namespace, NetworkRef, RESERVE};

use crate::{
    Denial, Fault, NetworkVersion, Plan, Policy, View, Warning, access::Asker, attachment,
    default_route, device_claim::Supply, device_pod, devices, findings::Findings, gate, inject,
    interface, need, node_labels, pod_net_info, reserve, reserve::Reserve, selections,
    selections::Placed, stage::Stage, target, target::Targets, user_defined,
};

/// Decides what `pod`, to be created in `namespace`, gets for its networks.
///
/// The plan adds what is missing and nothing else, so that of an admitted pod is empty: the decision may be made again,
/// and other injectors may have been there. Whether the service account may use the networks is not asked here, only said
/// where it is known: nothing is granted by it, and [`crate::review_final`] asks.
///
/// # Errors
/// The plugin could not carry out what the pod asks for, or the administrator does not let it.
pub fn admit<'a>(
    pod: &Pod,
    namespace: &Namespace,
    cluster: impl Into<View<'a>>,
    policy: &Policy,
) -> Result<Plan, Denial> {
    let view = cluster.into();
    let mut findings = Findings::new(namespace, view.cluster(), policy);
    let mut plan = plan(pod, namespace, view, policy, Stage::Created, &mut findings);
    // Every pod that is asked about, whether it has networks or not.
    let is_let_alone = pod.metadata.deletion_timestamp.is_some() || pod.is_mirror();
    if !findings.deny() && !is_let_alone && inject::is_wanted(pod) != Ok(false) {
        let (scheduling, classes) = (&policy.scheduling, &view.cluster().devices.classes);
        device_pod::warn_of_spread(pod, &mut plan, classes);
        plan.scheduler_name = device_pod::scheduler_name(pod, &plan, scheduling, classes);
        plan.scheduling_gate =
            gate::is_wanted(pod, &mut plan, &scheduling.gates, &findings, classes);
    }
    findings.leave_questions();
    findings.conclude(&mut plan, subject(pod, namespace))?;
    Ok(plan)
}

/// The plan as far as it can be made; what is wrong goes into `findings`.
pub(crate) fn plan(
    pod: &Pod,
    namespace: &Namespace,
    view: View<'_>,
    policy: &Policy,
    stage: Stage,
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
    let inject = inject::is_wanted(pod);
    let injects = inject != Ok(false);
    let has_containers = !pod.spec.containers.is_empty();
    if injects && has_containers && stage != Stage::Stored {
        let user_defined = &policy.injection.user_defined;
        plan.annotations = user_defined::annotations(pod, user_defined, &mut plan.warnings);
    }
    // A pod that nothing is added to any more is judged as it is, and for what it lacks.
    let with_annotations = match stage {
        Stage::Created => user_defined::with(pod, &plan.annotations),
        Stage::Final | Stage::Stored => Cow::Borrowed(pod),
    };
    let pod = with_annotations.as_ref();
    let annotations = pod.network_annotations();
    let selections = match selections::parse(&annotations, namespace, policy, &mut plan.warnings) {
        Ok(selections) => selections,
        Err(error) => {
            findings.add(Fault::Annotation(error));
            return plan;
        }
    };
    if selections.is_empty() {
        return plan;
    }
    if let Err(fault) = inject {
        findings.add(fault.into());
    }
    let asker = Asker::new(pod, namespace, view, policy);
    let warnings = &mut plan.warnings;
    let attachments = attachment::resolve(&selections, &asker, view, policy, warnings, findings);
    findings.extend(interface::check(&selections));
    findings.extend(default_route::check(&selections));
    let targets = targets(pod, namespace, &selections, stage, findings);
    let reserve = reserve(pod, policy, injects && stage != Stage::Stored, findings);
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
    let supply = Supply::of(pod, namespace, view);
    findings.extend(supply.check(&attachments));
    plan.needs = need::count(&attachments, &supply, &mut plan.warnings);
    if !has_containers {
        return plan;
    }
    plan.node_labels = node_labels::missing(&attachments, pod, findings);
    devices::add_what_is_missing(&mut plan, pod, &targets, &reserve, stage, policy, findings);
    if stage == Stage::Created && injects && !plan.needs.is_empty() {
        plan.pod_net_info = pod_net_info::plan(pod, &policy.injection, &mut plan.warnings);
    }
    if stage == Stage::Created && !injects {
        plan.withdraw();
    }
    plan
}

/// Which containers the pod's author wants the devices in. Those of a stored pod are where they are, and a pod without
/// containers is the API server's to refuse.
fn targets(
    pod: &Pod,
    namespace: &Namespace,
    selections: &[Placed],
    stage: Stage,
    findings: &mut Findings<'_>,
) -> Targets {
    if stage == Stage::Stored || pod.spec.containers.is_empty() {
        return Targets::default();
    }
    let selected: Vec<&NetworkRef> = selections
        .iter()
        .map(|placed| &placed.selection.network)
        .collect();
    target::parse(pod, namespace, &selected).unwrap_or_else(|fault| {
        findings.add(fault.into());
        Targets::default()
    })
}

/// What the pod's author keeps for something else; where nothing is said, what the administrator does.
fn reserve(pod: &Pod, policy: &Policy, is_injected: bool, findings: &mut Findings<'_>) -> Reserve {
    match pod.metadata.annotations.get(RESERVE) {
        Some(text) => match reserve::parse(text) {
            Ok(counts) => Reserve::Written(counts),
            Err(fault) => {
                findings.add(fault.into());
                Reserve::default()
            }
        },
        None if is_injected && policy.injection.honor_existing_resources => Reserve::AllThatIsHeld,
        None => Reserve::default(),
    }
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
