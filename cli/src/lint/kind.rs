//! Which objects hold pods, and where.

use api::objects::Object;

/// What an object is to admission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A pod itself.
    Pod,
    /// It has pods made from a template at this JSON pointer, which as a field path is the other text.
    Template(&'static str, &'static str),
    /// A network.
    Network,
    /// A namespace, whose labels rules may look at.
    Namespace,
    /// Nothing.
    Other,
}

/// What `object` is.
pub(super) fn of(object: &Object) -> Kind {
    let (group, _version) = object.api_version.split_once('/').unwrap_or(("", ""));
    match (group, object.kind.as_str()) {
        ("", "Pod") => Kind::Pod,
        ("", "Namespace") => Kind::Namespace,
        ("", "PodTemplate") => Kind::Template("/template", "template"),
        ("", "ReplicationController")
        | ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
        | ("batch", "Job") => Kind::Template("/spec/template", "spec.template"),
        ("batch", "CronJob") => Kind::Template(
            "/spec/jobTemplate/spec/template",
            "spec.jobTemplate.spec.template",
        ),
        ("k8s.cni.cncf.io", "NetworkAttachmentDefinition") => Kind::Network,
        _ => Kind::Other,
    }
}
