//! What is written to pods.

use std::time::{Duration, SystemTime};

use k8s_openapi::api::core::v1;
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
};
use scheduler::{narrowing::Narrowed, unbound::Unbound};
use serde_json::{Value, json};
use spec::network::{CHOSEN_NODES, RETRIED_AT};
use tokio::time::timeout;
use tracing::{debug, warn};

use super::counts::Act;

/// How long one write may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What came of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was made.
    Written,
    /// The pod has changed meanwhile.
    Conflict,
    /// The pod is gone.
    Gone,
    /// It was refused, or not answered.
    Failed,
}

impl Outcome {
    pub(super) const ALL: [Self; 4] = [Self::Written, Self::Conflict, Self::Gone, Self::Failed];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Conflict => "conflict",
            Self::Gone => "gone",
            Self::Failed => "failed",
        }
    }
}

/// Changes what kube-scheduler looks at when it decides whether a pod that an extender refused is worth another try: any
/// annotation of the pod. Nothing else of the pod is touched, whatever it has become.
pub(super) fn wake_up(pod: &Unbound, now: SystemTime) -> Value {
    let now = humantime::format_rfc3339_millis(now).to_string();
    json!({"metadata": {"uid": pod.demand.uid, "annotations": {RETRIED_AT: now}}})
}

/// Lifts the gate, the only one, and narrows the node affinity at once, of the pod as it was when it was decided. Where the
/// pod's spec names the nodes that were chosen and no other there is nothing to narrow.
pub(super) fn lift(pod: &Unbound, nodes: &[Box<str>], narrowed: Option<&Narrowed>) -> Value {
    let mut patch = let_go(pod);
    patch["metadata"]["annotations"] = json!({CHOSEN_NODES: nodes.join(",")});
    if let Some(narrowed) = narrowed {
        patch["spec"]["affinity"] = json!({"nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": narrowed.required,
        }});
    }
    patch
}

/// Lifts the gate, the only one, of a pod that needs no nodes chosen.
pub(super) fn let_go(pod: &Unbound) -> Value {
    json!({
        "metadata": {"uid": pod.demand.uid, "resourceVersion": pod.resource_version},
        "spec": {"schedulingGates": null},
    })
}

/// Writes a patch of `pod`, and tells what came of it.
pub(super) async fn write(client: &Client, act: Act, pod: &Unbound, patch: &Value) -> Outcome {
    let api: Api<v1::Pod> = Api::namespaced(client.clone(), &pod.demand.namespace);
    let params = PatchParams::default();
    let patch = Patch::Merge(patch);
    let written = api.patch_metadata(&pod.demand.name, &params, &patch);
    let written = timeout(PATIENCE, written).await;
    let (namespace, name) = (&pod.demand.namespace, &pod.demand.name);
    match written {
        Ok(Ok(_)) => {
            debug!(?act, namespace, name, "Written to a pod without a node");
            Outcome::Written
        }
        Ok(Err(kube::Error::Api(status))) if status.code == 404 => Outcome::Gone,
        Ok(Err(kube::Error::Api(status))) if status.code == 409 => Outcome::Conflict,
        Ok(Err(error)) => {
            warn!(
                ?act,
                "A pod without a node cannot be written, trying again; the ClusterRole polypod-webhook-scheduling-writes grants patch on pods"
            );
            debug!(?act, namespace, name, %error, "The pod that cannot be written");
            Outcome::Failed
        }
        Err(_) => {
            warn!(
                ?act,
                "A pod without a node cannot be written: no answer within {PATIENCE:?}, trying again"
            );
            Outcome::Failed
        }
    }
}
