//! Who may use which network: isolation and the administrator's list by the network's name alone, then what the network
//! itself says, and what the service account is granted.

use api::{
    network::{DelegateConf, Network},
    pod::Pod,
};
use spec::{
    cni::{PluginConf, PluginType},
    network::{Namespace, NetworkRef, is_within_reach},
};

use crate::{
    Cluster, Fault, Place, Policy, View, Warning,
    access_fault::AccessFault,
    findings::Findings,
    known_labels::KnownLabels,
    permissions::{UseAnswer, UseQuestion},
    policy::{Access, AllowedTypes},
    sharing::Sharing,
};

/// The account of a pod whose author names none.
const DEFAULT_ACCOUNT: &str = "default";

/// Who wants to use networks, and what decides about it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker<'a> {
    namespace: &'a Namespace,
    service_account: &'a str,
    view: View<'a>,
    access: &'a Access,
}

impl<'a> Asker<'a> {
    /// The pod `pod` of `namespace`.
    pub(crate) fn new(
        pod: &'a Pod,
        namespace: &'a Namespace,
        view: View<'a>,
        policy: &'a Policy,
    ) -> Self {
        let service_account = match pod.spec.service_account_name.as_str() {
            "" => DEFAULT_ACCOUNT,
            name => name,
        };
        Self {
            namespace,
            service_account,
            view,
            access: &policy.access,
        }
    }

    /// Whether the pod may know of `network` at all: where it may not, nothing is said about what is there.
    pub(crate) fn may_select(
        &self,
        place: Place,
        network: &NetworkRef,
        findings: &mut Findings<'_>,
    ) -> bool {
        let isolated = self
            .is_isolated_from(&network.namespace)
            .then(|| AccessFault::Isolated {
                place,
                pod: self.namespace.clone(),
                network: network.clone(),
                global: self.access.global_namespaces.iter().cloned().collect(),
            });
        let not_listed = self
            .access
            .not_listed(network, self.namespace, &|| findings.labels())
            .map(|allowed| AccessFault::NotListed {
                place,
                pod: self.namespace.clone(),
                network: network.clone(),
                allowed: allowed.iter().map(ToString::to_string).collect(),
            });
        let mut may = true;
        for fault in isolated.into_iter().chain(not_listed) {
            may &= !findings.refuse(fault.into());
        }
        may
    }

    /// Whether the pod's author may be told of `network`, which he has not selected: advice that a rule would refuse is none,
    /// and names what is not for him.
    pub(crate) fn may_be_told_of(&self, network: &Network, findings: &Findings<'_>) -> bool {
        let reference = &network.reference;
        let is_listed = || {
            self.access
                .not_listed(reference, self.namespace, &|| findings.labels())
                .is_none()
        };
        let is_shared = || {
            let is_own = reference.namespace == *self.namespace;
            !self.access.require_sharing
                || is_own
                || Sharing::of(network).is_ok_and(|sharing| {
                    sharing.is_some_and(|sharing| sharing.covers(|| findings.labels()))
                })
        };
        !self.is_isolated_from(&reference.namespace) && is_listed() && is_shared()
    }

    /// Whether isolation keeps the pod from the networks of `namespace`.
    pub(crate) fn is_isolated_from(&self, namespace: &Namespace) -> bool {
        self.access.namespace_isolation
            && !is_within_reach(self.namespace, namespace, &self.access.global_namespaces)
    }

    /// Judges the use of a network that is there.
    pub(crate) fn judge(
        &self,
        place: Place,
        network: &Network,
        warnings: &mut Vec<Warning>,
        findings: &mut Findings<'_>,
    ) {
        let faults = [
            self.sharing(place, network, findings),
            self.delegate_types(place, network, findings),
        ];
        findings.extend(faults.into_iter().flatten().map(Fault::from));
        if self.access.require_use {
            self.permission(place, &network.reference, warnings, findings);
        }
    }

    fn sharing(
        &self,
        place: Place,
        network: &Network,
        findings: &Findings<'_>,
    ) -> Option<AccessFault> {
        let is_own = network.reference.namespace == *self.namespace;
        if !self.access.require_sharing || is_own {
            return None;
        }
        match Sharing::of(network) {
            Ok(Some(sharing)) if sharing.covers(|| findings.labels()) => None,
            Ok(_) => Some(AccessFault::NotShared {
                place,
                pod: self.namespace.clone(),
                network: network.reference.clone(),
            }),
            Err(problem) => Some(AccessFault::Sharing {
                place,
                network: network.reference.clone(),
                problem,
            }),
        }
    }

    fn delegate_types(
        &self,
        place: Place,
        network: &Network,
        findings: &Findings<'_>,
    ) -> Option<AccessFault> {
        let allowed = self
            .access
            .types_of(self.namespace, &|| findings.labels())?;
        let (pod, reference) = (self.namespace.clone(), network.reference.clone());
        let types = || allowed.types.iter().copied().cloned().collect();
        match forbidden(network, &allowed)? {
            Forbidden::Type(found) => Some(AccessFault::DelegateType {
                place,
                pod,
                network: reference,
                found: found.clone(),
                allowed: types(),
            }),
            Forbidden::NodeFile => Some(AccessFault::NodeFile {
                place,
                pod,
                network: reference,
                allowed: types(),
            }),
        }
    }

    fn permission(
        &self,
        place: Place,
        network: &NetworkRef,
        warnings: &mut Vec<Warning>,
        findings: &mut Findings<'_>,
    ) {
        let service_account = match self.service_account.parse() {
            Ok(name) => name,
            Err(error) => return findings.add(AccessFault::ServiceAccount(error).into()),
        };
        let question = UseQuestion {
            namespace: self.namespace.clone(),
            service_account,
            network: network.clone(),
        };
        if !self.view.can_be_asked() {
            let warning = Warning::new(&format!(
                "whether service account {} may use {network} is not checked without an API server",
                question.service_account
            ));
            // A network that is selected often is still one thing to know.
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
            return;
        }
        match self.view.answer(&question) {
            Some(UseAnswer::Allowed) => {}
            Some(UseAnswer::Refused) => {
                findings.add(AccessFault::MayNotUse { place, question }.into());
            }
            Some(UseAnswer::Unanswered) => findings.ask(place, question, true),
            None => findings.ask(place, question, false),
        }
    }
}

/// What a namespace may not use of a network.
enum Forbidden<'a> {
    Type(&'a PluginType),
    NodeFile,
}

/// The first plugin of the chain that is not allowed. A configuration that cannot be read is another fault.
fn forbidden<'a>(network: &'a Network, allowed: &AllowedTypes<'_>) -> Option<Forbidden<'a>> {
    match &network.conf {
        Err(_) => None,
        Ok(None) => (!allowed.node_files).then_some(Forbidden::NodeFile),
        Ok(Some(DelegateConf { conf, .. })) => conf
            .plugins()
            .iter()
            .map(PluginConf::plugin_type)
            .find(|found| !allowed.types.contains(found))
            .map(Forbidden::Type),
    }
}

/// What is wrong with what a NetworkAttachmentDefinition says about who may use it.
pub(crate) fn definition_fault(network: &Network) -> Option<Fault> {
    let problem = Sharing::of(network).err()?;
    Some(AccessFault::OwnSharing(problem).into())
}

/// That pods of a NetworkAttachmentDefinition's own namespace may not use it is only a warning: it may be meant for
/// others.
pub(crate) fn definition_warning(
    network: &Network,
    policy: &Policy,
    findings: &Findings<'_>,
) -> Option<Warning> {
    let namespace = &network.reference.namespace;
    let allowed = policy.access.types_of(namespace, &|| findings.labels())?;
    let what = match forbidden(network, &allowed)? {
        Forbidden::Type(found) => format!("plugin type {found}"),
        Forbidden::NodeFile => "plugins of a file of the node".to_owned(),
    };
    Some(Warning::new(&format!(
        "pods of namespace {namespace} may not use {what} (delegateTypes)"
    )))
}

/// Pods that use a network may use its plugins, those that a change brings included: what they were let in for stays what
/// they may have. `stored` is what the network was; it may be gone, and its pods be there still.
pub(crate) fn judge_users(
    stored: Option<&Network>,
    new: &Network,
    cluster: &Cluster,
    policy: &Policy,
    findings: &mut Findings<'_>,
) {
    let namespaces = cluster
        .usage
        .namespaces(&new.reference, &policy.system_namespace);
    for pods in namespaces {
        let labels = KnownLabels::of(&pods, cluster);
        judge_pods(&pods, &labels, stored, new, policy, findings);
        findings.depend_on(pods, &labels);
    }
}

fn judge_pods(
    pods: &Namespace,
    labels: &KnownLabels,
    stored: Option<&Network>,
    new: &Network,
    policy: &Policy,
    findings: &mut Findings<'_>,
) {
    let Some(mut allowed) = policy.access.types_of(pods, &|| labels.get()) else {
        return;
    };
    let types = allowed.types.iter().copied().cloned().collect();
    if let Some(Ok(Some(DelegateConf { conf, .. }))) = stored.map(|stored| &stored.conf) {
        let there = conf.plugins().iter().map(PluginConf::plugin_type);
        allowed.types.extend(there);
    }
    let found = match forbidden(new, &allowed) {
        None => return,
        Some(Forbidden::Type(found)) => Some(found.clone()),
        Some(Forbidden::NodeFile) => None,
    };
    let fault = AccessFault::OfUsers {
        pods: pods.clone(),
        found,
        allowed: types,
    };
    findings.add_of(fault.into(), pods, labels);
}

#[cfg(test)]
mod tests;
