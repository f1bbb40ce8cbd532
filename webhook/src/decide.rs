//! From a request to a decision: which of admission's questions is asked.

use admission::{
    Cluster, Denial, Patched, Plan, Policy, Refusal, admit_network, admit_network_deletion,
    admit_network_update, needs_networks, patched, review_final, review_update,
};
use api::{network_attachment_definition::NetworkAttachmentDefinition, pod::Pod};
use json_patch::Patch;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use spec::{NameError, network::Namespace};

use crate::{hook::Hook, review::Request, selects};

/// What is answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// The object may be stored as it is. The plan adds nothing; that of other objects than pods is only its warnings.
    Allowed(Plan),
    /// The object may be stored with this patch.
    Patched {
        /// What was decided.
        plan: Plan,
        /// How the API server is told.
        patch: Patch,
    },
    /// The object may not be stored.
    Denied(Denial),
}

/// Why there is no decision. The webhook configuration's `failurePolicy` says what happens then.
#[derive(Debug, thiserror::Error)]
pub enum Undecided {
    /// The networks have not been read yet.
    #[error("the networks of the cluster are not known yet; try again")]
    NotSynced,
    /// The object is not of the kind that the request says.
    #[error("reading the {what} of the request as a {kind}: {problem}")]
    Unreadable {
        /// `object` or `oldObject`.
        what: &'static str,
        /// The kind.
        kind: &'static str,
        /// What is wrong.
        #[source]
        problem: serde_json::Error,
    },
    /// The request does not say where the pod is to be.
    #[error("reading the namespace of the request: {0}")]
    Namespace(#[source] NameError),
    /// A pod that was read cannot be patched: a defect of Polypod.
    #[error(transparent)]
    Refusal(Refusal),
}

/// Decides. `cluster` is `None` while it is not known yet.
///
/// # Errors
/// There is no decision.
pub fn decide(
    hook: Hook,
    request: &Request<'_>,
    cluster: Option<&Cluster>,
    policy: &Policy,
) -> Result<Decision, Undecided> {
    // Nothing about networks is in a subresource.
    if !request.sub_resource.as_deref().unwrap_or("").is_empty() {
        return Ok(allowed());
    }
    // Of what goes, only networks are asked about.
    let Some(object) = request.object else {
        return deletion(hook, request, cluster, policy);
    };
    match (
        request.kind.group.as_ref(),
        request.kind.kind.as_ref(),
        request.operation.as_ref(),
    ) {
        ("", "Pod", "CREATE")
            if !selects::networks(object.get(), &policy.injection.user_defined) =>
        {
            Ok(allowed())
        }
        // Nothing is injected into a stored pod.
        ("", "Pod", "UPDATE") if !selects::networks(object.get(), &[]) => Ok(allowed()),
        ("", "Pod", "CREATE") => {
            let pod: Pod = read("object", "Pod", object)?;
            let none = Cluster::default();
            let cluster = known(cluster, &none, needs_networks(&pod))?;
            created_pod(hook, request, object, cluster, policy)
        }
        ("", "Pod", "UPDATE") => {
            let new: Pod = read("object", "Pod", object)?;
            let old: Pod = match request.old_object {
                Some(old) => read("oldObject", "Pod", old)?,
                None => Pod::default(),
            };
            let namespace = namespace(request, &new)?;
            let none = Cluster::default();
            let is_judged = old.network_annotations() != new.network_annotations();
            let cluster = known(cluster, &none, is_judged && needs_networks(&new))?;
            Ok(judged(review_update(
                &old, &new, &namespace, cluster, policy,
            )))
        }
        ("k8s.cni.cncf.io", "NetworkAttachmentDefinition", "CREATE" | "UPDATE")
            if hook == Hook::Validate =>
        {
            let cluster = cluster.ok_or(Undecided::NotSynced)?;
            network(request, object, cluster, policy)
        }
        _ => Ok(allowed()),
    }
}

/// The cluster; while it is not known yet, an empty one for a decision that looks nothing up.
fn known<'a>(
    cluster: Option<&'a Cluster>,
    none: &'a Cluster,
    are_needed: bool,
) -> Result<&'a Cluster, Undecided> {
    match cluster {
        Some(cluster) => Ok(cluster),
        None if are_needed => Err(Undecided::NotSynced),
        None => Ok(none),
    }
}

fn created_pod(
    hook: Hook,
    request: &Request<'_>,
    object: &RawValue,
    cluster: &Cluster,
    policy: &Policy,
) -> Result<Decision, Undecided> {
    let pod: Pod = read("object", "Pod", object)?;
    let namespace = namespace(request, &pod)?;
    if hook == Hook::Validate {
        return Ok(judged(review_final(&pod, &namespace, cluster, policy)));
    }
    let object = read("object", "Pod", object)?;
    match patched(object, &namespace, cluster, policy) {
        Ok(Patched { plan, patch, .. }) if patch.is_empty() => Ok(judged(Ok(plan))),
        Ok(Patched { plan, patch, .. }) => Ok(Decision::Patched { plan, patch }),
        Err(Refusal::Denied(denial)) => Ok(Decision::Denied(denial)),
        Err(refusal) => Err(Undecided::Refusal(refusal)),
    }
}

fn network(
    request: &Request<'_>,
    object: &RawValue,
    cluster: &Cluster,
    policy: &Policy,
) -> Result<Decision, Undecided> {
    let new = network_object("object", request, object)?;
    Ok(judged(match request.old_object {
        // What is stored may be older than any rule; if it cannot be read, the new one is judged like a first one.
        Some(old) => match network_object("oldObject", request, old) {
            Ok(old) => admit_network_update(&old, &new, cluster, policy),
            Err(_) => admit_network(&new, cluster, policy),
        },
        None => admit_network(&new, cluster, policy),
    }))
}

fn deletion(
    hook: Hook,
    request: &Request<'_>,
    cluster: Option<&Cluster>,
    policy: &Policy,
) -> Result<Decision, Undecided> {
    let is_network = request.kind.group == "k8s.cni.cncf.io"
        && request.kind.kind == "NetworkAttachmentDefinition";
    // API servers before 1.15 sent no oldObject.
    let (true, Hook::Validate, "DELETE", Some(old)) = (
        is_network,
        hook,
        request.operation.as_ref(),
        request.old_object,
    ) else {
        return Ok(allowed());
    };
    let cluster = cluster.ok_or(Undecided::NotSynced)?;
    let old = network_object("oldObject", request, old)?;
    Ok(judged(admit_network_deletion(&old, cluster, policy)))
}

/// A NetworkAttachmentDefinition in the namespace of the request.
fn network_object(
    what: &'static str,
    request: &Request<'_>,
    object: &RawValue,
) -> Result<NetworkAttachmentDefinition, Undecided> {
    let mut object: NetworkAttachmentDefinition =
        read(what, "NetworkAttachmentDefinition", object)?;
    let metadata = &mut object.metadata;
    metadata.namespace = metadata
        .namespace
        .take()
        .or_else(|| request.namespace.as_deref().map(str::to_owned));
    Ok(object)
}

/// The request's namespace; that of the pod may be empty, as its author left it.
fn namespace(request: &Request<'_>, pod: &Pod) -> Result<Namespace, Undecided> {
    let of_request = request.namespace.as_deref().filter(|text| !text.is_empty());
    let text = of_request.unwrap_or(&pod.metadata.namespace);
    text.parse().map_err(Undecided::Namespace)
}

fn read<T: DeserializeOwned>(
    what: &'static str,
    kind: &'static str,
    object: &RawValue,
) -> Result<T, Undecided> {
    serde_json::from_str(object.get()).map_err(|problem| Undecided::Unreadable {
        what,
        kind,
        problem,
    })
}

fn judged(result: Result<Plan, Denial>) -> Decision {
    result.map_or_else(Decision::Denied, Decision::Allowed)
}

fn allowed() -> Decision {
    Decision::Allowed(Plan::default())
}

#[cfg(test)]
mod tests;
