//! The decision about a NetworkAttachmentDefinition: what its pods would be denied for is better denied here.

use api::{
    network::{DelegateConf, Network},
    network_attachment_definition::NetworkAttachmentDefinition,
};
use spec::network::{DEVICES, RESOURCE_NAME, SHARED_WITH};

use crate::{
    ClaimFault, Cluster, Denial, Fault, Plan, Policy, Warning, access, findings::Findings,
    supplier::Supplier,
};

/// Plugin types that attach a device and cannot do so without being given one.
const DEVICE_PLUGINS: [&str; 2] = ["sriov", "ib-sriov"];

/// Decides whether pods could be attached to what `object` defines. The plan of a network is its warnings and findings.
///
/// # Errors
/// They could not: its configuration or its resource name is wrong.
pub fn admit_network(
    object: &NetworkAttachmentDefinition,
    cluster: &Cluster,
    policy: &Policy,
) -> Result<Plan, Denial> {
    let (network, display_name) = parse(object)?;
    let mut findings = Findings::new(&network.reference.namespace, cluster, policy);
    let mut plan = Plan::default();
    let warnings = &mut plan.warnings;
    match &network.conf {
        Err(problem) => findings.add(Fault::OwnConf(problem.clone())),
        Ok(None) => warnings.push(Warning::new(&format!(
            "spec.config is empty: every node needs a CNI configuration named {} in its confDir",
            network.reference.name
        ))),
        Ok(Some(conf)) => warnings.extend(device_warning(conf, &network)),
    }
    match &network.resource {
        Err(problem) => findings.add(Fault::OwnResource(problem.clone())),
        Ok(Some(resource)) if !resource.is_extended_resource() => {
            warnings.push(Warning::new(&format!(
                "resourceName {resource} has no domain, as extended resources have; nothing is injected for it"
            )));
        }
        Ok(_) => {}
    }
    if network.reference.name.as_str().contains('.') {
        warnings.push(Warning::new(
            "the name has a dot: pods can select it in the JSON form of the annotation only",
        ));
    }
    if let Err(problem) = Supplier::of(&network) {
        findings.add(Fault::Claim(ClaimFault::OwnSupplier(problem)));
    }
    access::judge_definition(&network, policy, &mut plan.warnings, &mut findings);
    findings.conclude(&mut plan, subject(&display_name))?;
    Ok(plan)
}

/// Decides about the change of a stored object from `old` to `new`. One whose network stays what it is is not judged
/// again: whoever edits a label is not to blame for it.
///
/// # Errors
/// As [`admit_network`].
pub fn admit_network_update(
    old: &NetworkAttachmentDefinition,
    new: &NetworkAttachmentDefinition,
    cluster: &Cluster,
    policy: &Policy,
) -> Result<Plan, Denial> {
    let judged = |object: &NetworkAttachmentDefinition| {
        let annotations = object.metadata.annotations.as_ref();
        [RESOURCE_NAME, SHARED_WITH, DEVICES]
            .map(|key| annotations.and_then(|all| all.get(key).cloned()))
    };
    let is_going = new.metadata.deletion_timestamp.is_some();
    if is_going || (old.config() == new.config() && judged(old) == judged(new)) {
        return Ok(Plan::default());
    }
    admit_network(new, cluster, policy)
}

/// The network, and the name people know it by. One that is still to be named is judged by its prefix.
fn parse(object: &NetworkAttachmentDefinition) -> Result<(Network, String), Denial> {
    let metadata = &object.metadata;
    let prefix = metadata.generate_name.as_deref().unwrap_or_default();
    let is_unnamed = metadata.name.as_deref().unwrap_or_default().is_empty();
    let mut named = object.clone();
    let mut suffix = "";
    if is_unnamed && !prefix.is_empty() {
        named.metadata.name = Some(format!("{prefix}x"));
        suffix = "*";
    }
    match Network::parse(&named, "default") {
        Ok(network) if suffix.is_empty() => {
            let display_name = network.reference.to_string();
            Ok((network, display_name))
        }
        Ok(network) => {
            let display_name = format!("{}/{prefix}*", network.reference.namespace);
            Ok((network, display_name))
        }
        Err(unusable) => {
            let display_name = format!("{}/{}", unusable.namespace, unusable.name);
            Err(Denial::new(
                subject(&display_name),
                vec![Fault::Name(unusable)],
            ))
        }
    }
}

fn subject(display_name: &str) -> String {
    format!("NetworkAttachmentDefinition {display_name} cannot be attached to")
}

fn device_warning(conf: &DelegateConf, network: &Network) -> Option<Warning> {
    let mut types = conf
        .conf
        .plugins()
        .iter()
        .map(|plugin| plugin.plugin_type().as_str());
    let device_type = types.find(|name| DEVICE_PLUGINS.contains(name))?;
    let asks_for_none = matches!(network.resource, Ok(None));
    asks_for_none.then(|| {
        Warning::new(&format!(
            "plugin {device_type} needs a device, but there is no annotation {RESOURCE_NAME}"
        ))
    })
}

#[cfg(test)]
mod tests;
