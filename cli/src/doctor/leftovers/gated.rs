//! Pods that wait at Polypod's scheduling gate while nobody opens it.

use serde_json::Value;
use spec::network::SCHEDULING_GATE;

use crate::{
    cluster::Unseen,
    doctor::{
        finding::Issue,
        several::{counted, named},
        switch::switched_on,
    },
};

/// The flag of who opens it.
const FLAG: &str = "--scheduling-gates";

/// The variable by which the manifests give it.
const VARIABLE: &str = "POLYPOD_WEBHOOK_SCHEDULING_GATES";

/// Of a pod its name, if it waits at the gate.
pub(in super::super) fn at_the_gate(pod: &Value) -> Option<String> {
    let gates = pod.pointer("/spec/schedulingGates")?.as_array()?;
    let is_ours = gates.iter().any(|gate| gate["name"] == SCHEDULING_GATE);
    let word = |key: &str| pod["metadata"][key].as_str().unwrap_or_default();
    is_ours.then(|| format!("{}/{}", word("namespace"), word("name")))
}

/// Of pods that wait at the gate. Whoever runs the webhook with the flag, or cannot be seen, may open it.
pub(super) fn forgotten(
    pods: &[String],
    deployment: &Result<Option<Value>, Unseen>,
) -> Option<Issue> {
    let is_open = match deployment {
        Ok(Some(deployment)) => switched_on(deployment, FLAG, VARIABLE),
        Ok(None) => false,
        Err(_) => true,
    };
    if is_open || pods.is_empty() {
        return None;
    }
    Some(Issue::fail(
        format!(
            "{} waiting at the scheduling gate {SCHEDULING_GATE}, which nobody opens any more: {}",
            match pods.len() {
                1 => "1 pod is".to_owned(),
                many => format!("{} are", counted(many, "pod")),
            },
            named(pods)
        ),
        "switch the gates on again until none waits (docs/manifests.md, scheduling-gates), or delete the pods",
    ))
}
