//! The decision about a NetworkAttachmentDefinition: what its pods would be denied for is better denied here.

use api::{
    network::{DelegateConf, Network},
    network_attachment_definition::NetworkAttachmentDefinition,
};
use spec::{
    device::ResourceName,
    network::{NODE_SELECTOR, RESOURCE_NAME},
};

use crate::{
    ClaimFault, Cluster, DefinitionFault, Denial, Fault, Plan, Policy, Warning, access,
    findings::Findings, node_selector::parse_node_selector, plugin_schema, supplier::Supplier,
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
    findings.extend(faults(&network, policy, &mut plan.warnings));
    plan.warnings
        .extend(access::definition_warning(&network, policy, &findings));
    access::judge_users(None, &network, cluster, policy, &mut findings);
    findings.conclude(&mut plan, subject(&display_name))?;
    Ok(plan)
}

/// Decides about the change of a stored object from `old` to `new`. What was wrong with it already is a warning: whoever
/// edits something else is not to blame for it. Pods that use a network whose configuration or resource changes are counted,
/// and it gets no plugin that they may not use.
///
/// # Errors
/// As [`admit_network`], for what was right before.
pub fn admit_network_update(
    old: &NetworkAttachmentDefinition,
    new: &NetworkAttachmentDefinition,
    cluster: &Cluster,
    policy: &Policy,
) -> Result<Plan, Denial> {
    let is_going = new.metadata.deletion_timestamp.is_some();
    let is_same_conf = old.config() == new.config();
    if is_going || (is_same_conf && old.metadata.annotations == new.metadata.annotations) {
        return Ok(Plan::default());
    }
    let Ok((stored, _)) = parse(old) else {
        return admit_network(new, cluster, policy);
    };
    let (network, display_name) = parse(new)?;
    let mut findings = Findings::new(&network.reference.namespace, cluster, policy);
    let mut plan = Plan::default();
    let stored_faults = faults(&stored, policy, &mut Vec::new());
    let mut advice = Vec::new();
    for fault in faults(&network, policy, &mut advice) {
        if !stored_faults.iter().any(|stored| is_same(&fault, stored)) {
            findings.add(fault);
        } else if plan.warnings.len() < Denial::MOST_FAULTS {
            let warning = Warning::new(&format!("still wrong: {fault}"));
            plan.warnings.push(warning);
        }
    }
    // What is only noteworthy comes last: the API server drops what is too much.
    plan.warnings.extend(advice);
    if !is_same_conf {
        let warning = access::definition_warning(&network, policy, &findings);
        plan.warnings.extend(warning);
        access::judge_users(Some(&stored), &network, cluster, policy, &mut findings);
    }
    if !is_same_conf || stored.resource != network.resource {
        plan.warnings
            .extend(change_warning(&network, cluster, policy));
    }
    findings.conclude(&mut plan, subject(&display_name))?;
    Ok(plan)
}

/// Everything that is wrong with a network itself, in the order of the manifest. What is only noteworthy goes into
/// `warnings`.
fn faults(network: &Network, policy: &Policy, warnings: &mut Vec<Warning>) -> Vec<Fault> {
    let mut faults = Vec::new();
    match &network.conf {
        Err(problem) => faults.push(Fault::OwnConf(problem.clone())),
        Ok(None) => warnings.push(Warning::new(&format!(
            "spec.config is empty: every node needs a CNI configuration named {} in its confDir",
            network.reference.name
        ))),
        Ok(Some(conf)) => {
            warnings.extend(device_warning(conf, network));
            let gets_device = !matches!(network.resource, Ok(None));
            let report = plugin_schema::check(&conf.text, gets_device);
            faults.extend(report.faults.into_iter().map(Fault::Definition));
            warnings.extend(report.warnings);
        }
    }
    match &network.resource {
        Err(problem) => faults.push(Fault::OwnResource(problem.clone())),
        Ok(resource) => warnings.extend(resource.as_ref().and_then(domain_warning)),
    }
    faults.extend(other_resources(network, policy, warnings));
    if let Some(Err(problem)) = annotation(network, NODE_SELECTOR).map(parse_node_selector) {
        faults.push(DefinitionFault::NodeSelector(problem).into());
    }
    if network.reference.name.as_str().contains('.') {
        warnings.push(Warning::new(
            "the name has a dot: pods can select it in the JSON form of the annotation only",
        ));
    }
    if let Err(problem) = Supplier::of(network) {
        faults.push(Fault::Claim(ClaimFault::OwnSupplier(problem)));
    }
    faults.extend(access::definition_fault(network));
    faults
}

/// What is wrong with the annotations that name a resource beside the standard one.
fn other_resources(network: &Network, policy: &Policy, warnings: &mut Vec<Warning>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let keys = policy.injection.resource_name_keys.iter();
    for key in keys.filter(|key| key.as_str() != RESOURCE_NAME) {
        match annotation(network, key.as_str()).map(str::parse::<ResourceName>) {
            Some(Ok(resource)) => warnings.extend(domain_warning(&resource)),
            Some(Err(problem)) => {
                let key = key.clone();
                faults.push(DefinitionFault::ResourceName { key, problem }.into());
            }
            None => {}
        }
    }
    faults
}

fn annotation<'a>(network: &'a Network, key: &str) -> Option<&'a str> {
    network.annotations.get(key).map(String::as_str)
}

fn domain_warning(resource: &ResourceName) -> Option<Warning> {
    (!resource.is_extended_resource()).then(|| {
        Warning::new(&format!(
            "resourceName {resource} has no domain, as extended resources have; nothing is injected for it"
        ))
    })
}

fn is_same(fault: &Fault, stored: &Fault) -> bool {
    match (fault, stored) {
        (Fault::Definition(fault), Fault::Definition(stored)) => fault.is_that_of(stored),
        _ => fault == stored,
    }
}

fn change_warning(network: &Network, cluster: &Cluster, policy: &Policy) -> Option<Warning> {
    let users = cluster
        .usage
        .users(&network.reference, &policy.system_namespace)?;
    let pods = match users.count {
        1 => "1 pod uses".to_owned(),
        count => format!("{count} pods use"),
    };
    Some(Warning::new(&format!(
        "{pods} this network; the change reaches a pod when its sandbox is made anew"
    )))
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
