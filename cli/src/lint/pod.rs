//! Pods, and the pods that a workload's template would give.

use admission::{Cluster, Denial, Plan, Policy, Refusal, patched, review_final};
use api::{objects::Object, pod::Pod};
use serde::Deserialize as _;
use serde_json::{Value, json};
use spec::network::Namespace;

/// The pods that the controller of `object` would create from the template at `pointer`; the error says what is missing.
pub(super) fn of_template(object: &Object, pointer: &str, name: &str) -> Result<Value, String> {
    let template = object.value.pointer(pointer);
    let Some(Value::Object(template)) = template.filter(|template| !template.is_null()) else {
        return Err(format!(
            "it has no pod template at {pointer}; write one, or remove the object"
        ));
    };
    let mut metadata = match template.get("metadata") {
        None | Some(Value::Null) => json!({}),
        Some(metadata) => metadata.clone(),
    };
    // A controller creates pods in its own namespace and names them after itself.
    if let Some(metadata) = metadata.as_object_mut() {
        metadata.remove("namespace");
        metadata.remove("name");
        metadata.insert("generateName".to_owned(), json!(format!("{name}-")));
    }
    let spec = template.get("spec").cloned().unwrap_or(Value::Null);
    Ok(json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}))
}

/// Asks both hooks, the second about what the first makes of the pod. The plan of the one that lets it in last.
pub(super) fn judge(
    pod: Value,
    namespace: &Namespace,
    cluster: &Cluster,
    policy: &Policy,
) -> Result<Plan, Refused> {
    let first = match patched(pod, namespace, cluster, policy) {
        Ok(first) => first,
        Err(Refusal::Denied(denial)) => return Err(Refused::Denied(denial)),
        Err(Refusal::NotAPod(error)) => return Err(Refused::NotAPod(error.to_string())),
        Err(refusal) => return Err(Refused::Defect(refusal)),
    };
    let pod =
        Pod::deserialize(&first.object).map_err(|error| Refused::NotAPod(error.to_string()))?;
    let mut last = review_final(&pod, namespace, cluster, policy).map_err(Refused::Denied)?;
    // What the mutating hook warns of may be what it has mended.
    let mended = first.plan.warnings.into_iter();
    let mended: Vec<_> = mended
        .filter(|warning| !last.warnings.contains(warning))
        .collect();
    last.warnings.extend(mended);
    Ok(last)
}

/// Why a pod is not let in.
#[derive(Debug)]
pub(super) enum Refused {
    /// A rule is broken.
    Denied(Denial),
    /// It is no pod.
    NotAPod(String),
    /// Polypod cannot do what it decided.
    Defect(Refusal),
}
