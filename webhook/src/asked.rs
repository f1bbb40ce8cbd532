//! A request, read: which of admission's questions it asks, with the objects parsed.
//!
//! An object may be megabytes of JSON. It is read once, before anything of the cluster is looked at, so that the lock of
//! what is known is held for decisions alone.

use admission::{
    Denial, Patched, Plan, Policy, Unknown, View, admit, admit_network, admit_network_deletion,
    admit_network_update, needs_networks, requests_devices, review_final, review_update,
    traceparent, unknown,
};
use api::{network_attachment_definition::NetworkAttachmentDefinition, pod::Pod};
use serde::de::DeserializeOwned;
use serde_json::{Value, value::RawValue};
use spec::{TraceContext, network::Namespace};

use crate::{
    decide::{Decision, Undecided},
    hook::Hook,
    review::Request,
    selects,
};

/// What is asked.
#[derive(Debug)]
pub struct Asked<'a>(Question<'a>);

#[derive(Debug)]
enum Question<'a> {
    /// Nothing that decisions are made about.
    Nothing,
    Created {
        hook: Hook,
        pod: Box<Pod>,
        namespace: Namespace,
        object: &'a RawValue,
    },
    Changed {
        old: Box<Pod>,
        new: Box<Pod>,
        namespace: Namespace,
    },
    /// Created, or changed from what could be read.
    Network {
        old: Option<Box<NetworkAttachmentDefinition>>,
        new: Box<NetworkAttachmentDefinition>,
    },
    NetworkDeleted(Box<NetworkAttachmentDefinition>),
}

/// What admission says.
pub type Judgement = Result<Plan, Denial>;

impl<'a> Asked<'a> {
    /// Reads the objects of `request`. While a part of the policy is not known (`is_policy_known`), it may inject into any
    /// pod that has labels.
    ///
    /// # Errors
    /// An object is not what the request says, or the policy must be known first.
    pub fn read(
        hook: Hook,
        request: &Request<'a>,
        policy: &Policy,
        is_policy_known: bool,
    ) -> Result<Self, Undecided> {
        let operation = request.operation.as_ref();
        let kind = (request.kind.group.as_ref(), request.kind.kind.as_ref());
        // A pod's annotations can be changed through its status, too; nothing else about networks is in a subresource.
        match request.sub_resource.as_deref().unwrap_or("") {
            "" => {}
            "status" if kind == ("", "Pod") && operation == "UPDATE" => {}
            _ => return Ok(Self(Question::Nothing)),
        }
        let question = match (kind, operation, request.object) {
            (("", "Pod"), "CREATE", Some(object)) => {
                let user_defined = &policy.injection.user_defined;
                if !is_policy_known && selects::may_be_given(object.get()) {
                    return Err(Undecided::NotSynced);
                }
                let selects_networks = selects::networks(object.get(), user_defined);
                let scheduling = &policy.scheduling;
                let is_for_schedulers = hook == Hook::Mutate
                    && (scheduling.gates.enabled || scheduling.scheduler_name.is_some());
                if !selects_networks && !is_for_schedulers {
                    return Ok(Self(Question::Nothing));
                }
                let pod: Box<Pod> = read("object", "Pod", object)?;
                if !selects_networks && !requests_devices(&pod) {
                    return Ok(Self(Question::Nothing));
                }
                Question::Created {
                    hook,
                    namespace: namespace(request, &pod)?,
                    pod,
                    object,
                }
            }
            (("", "Pod"), "UPDATE", Some(object)) => {
                // Nothing is injected into a stored pod.
                if !selects::networks(object.get(), &[]) {
                    return Ok(Self(Question::Nothing));
                }
                let new: Box<Pod> = read("object", "Pod", object)?;
                let old: Box<Pod> = match request.old_object {
                    Some(old) => read("oldObject", "Pod", old)?,
                    None => Box::default(),
                };
                Question::Changed {
                    namespace: namespace(request, &new)?,
                    old,
                    new,
                }
            }
            (NETWORK, "CREATE" | "UPDATE", Some(object)) if hook == Hook::Validate => {
                // What is stored may be older than any rule; if it cannot be read, the new one is judged like a first one.
                let old = request
                    .old_object
                    .and_then(|old| network("oldObject", request, old).ok());
                Question::Network {
                    old,
                    new: network("object", request, object)?,
                }
            }
            // API servers before 1.15 sent no oldObject.
            (NETWORK, "DELETE", None) if hook == Hook::Validate => match request.old_object {
                Some(old) => Question::NetworkDeleted(network("oldObject", request, old)?),
                None => Question::Nothing,
            },
            _ => Question::Nothing,
        };
        Ok(Self(question))
    }

    /// Asks admission. `view` is `None` while the cluster is not known yet.
    ///
    /// # Errors
    /// The cluster must be known first.
    pub fn judge(&self, view: Option<View<'_>>, policy: &Policy) -> Result<Judgement, Undecided> {
        if let Question::Nothing = self.0 {
            return Ok(Ok(Plan::default()));
        }
        let none = admission::Cluster::default();
        let view = match view {
            Some(view) => view,
            None if self.looks_up() => return Err(Undecided::NotSynced),
            None => (&none).into(),
        };
        Ok(match &self.0 {
            Question::Nothing => Ok(Plan::default()),
            Question::Created {
                hook: Hook::Mutate,
                pod,
                namespace,
                ..
            } => admit(pod, namespace, view, policy),
            Question::Created { pod, namespace, .. } => review_final(pod, namespace, view, policy),
            Question::Changed {
                old,
                new,
                namespace,
            } => review_update(old, new, namespace, view, policy),
            Question::Network {
                old: Some(old),
                new,
            } => admit_network_update(old, new, view.cluster(), policy),
            Question::Network { old: None, new } => admit_network(new, view.cluster(), policy),
            Question::NetworkDeleted(old) => admit_network_deletion(old, view.cluster(), policy),
        })
    }

    /// What the API server may have of that which `judgement` did not find.
    #[must_use]
    pub fn unknown(&self, judgement: &Judgement, view: View<'_>, policy: &Policy) -> Unknown {
        // Whatever is not found is told of in one of these ways; most pods have all that they name.
        let is_told = match judgement {
            Ok(plan) => !plan.findings.is_empty() || !plan.warnings.is_empty(),
            Err(_) => true,
        };
        match &self.0 {
            Question::Created { pod, namespace, .. } if is_told => {
                unknown(pod, namespace, view, policy)
            }
            Question::Changed {
                old,
                new,
                namespace,
            } if is_told && are_changed(old, new) => unknown(new, namespace, view, policy),
            _ => Unknown::default(),
        }
    }

    /// The span that a pod which is created came with. A change of one that is stored is another day's.
    #[must_use]
    pub fn traceparent(&self) -> Option<TraceContext> {
        match &self.0 {
            Question::Created { pod, .. } => traceparent(pod),
            Question::Nothing
            | Question::Changed { .. }
            | Question::Network { .. }
            | Question::NetworkDeleted(_) => None,
        }
    }

    /// The decision, with the patch of a plan that adds something. `span` is the one that it is made in, where that is sent.
    ///
    /// # Errors
    /// The patch does not fit the pod that it was made for.
    pub fn conclude(
        &self,
        judgement: Judgement,
        span: Option<&TraceContext>,
    ) -> Result<Decision, Undecided> {
        let mut plan = match judgement {
            Ok(plan) => plan,
            Err(denial) => return Ok(Decision::Denied(denial)),
        };
        let Question::Created {
            hook: Hook::Mutate,
            pod,
            object,
            ..
        } = &self.0
        else {
            return Ok(Decision::Allowed(plan));
        };
        if let Some(span) = span {
            plan.join_trace(pod, span);
        }
        let patch = plan.patch(pod);
        if patch.is_empty() {
            return Ok(Decision::Allowed(plan));
        }
        let object: Value = read("object", "Pod", object)?;
        match Patched::apply(plan, patch, object) {
            Ok(Patched { plan, patch, .. }) => Ok(Decision::Patched { plan, patch }),
            Err(refusal) => Err(Undecided::Refusal(refusal)),
        }
    }

    /// Whether the decision looks at the cluster.
    fn looks_up(&self) -> bool {
        match &self.0 {
            Question::Nothing => false,
            Question::Created { pod, .. } => needs_networks(pod),
            Question::Changed { old, new, .. } => are_changed(old, new) && needs_networks(new),
            Question::Network { .. } | Question::NetworkDeleted(_) => true,
        }
    }
}

const NETWORK: (&str, &str) = ("k8s.cni.cncf.io", "NetworkAttachmentDefinition");

fn are_changed(old: &Pod, new: &Pod) -> bool {
    old.network_annotations() != new.network_annotations()
}

/// A NetworkAttachmentDefinition in the namespace of the request.
fn network(
    what: &'static str,
    request: &Request<'_>,
    object: &RawValue,
) -> Result<Box<NetworkAttachmentDefinition>, Undecided> {
    let mut object: Box<NetworkAttachmentDefinition> =
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
