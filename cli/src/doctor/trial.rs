//! The pod that is tried out, and never made.

use serde_json::{Value, json};
use spec::network::NETWORKS;

use super::webhook::NO_SUCH_NETWORK;

/// Where it is tried out. The API server asks its webhooks and keeps nothing.
pub(super) fn path(namespace: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/pods?dryRun=All&fieldManager=kubectl-polypod")
}

/// A pod that every other admission lets pass: it meets the restricted standard, and asks for little where a quota wants that
/// it asks for something.
pub(super) fn pod() -> Value {
    let little = json!({"cpu": "1m", "memory": "1Mi"});
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "polypod-doctor-", "annotations": {NETWORKS: NO_SUCH_NETWORK}},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": false,
            "securityContext": {
                "runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}
            },
            "containers": [{
                "name": "pause",
                "image": "registry.k8s.io/pause:3.10",
                "resources": {"requests": little, "limits": little},
                "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
            }],
        },
    })
}

#[cfg(test)]
mod tests {
    use admission::{Cluster, Policy, admit};
    use api::pod::Pod;

    use super::*;

    #[test]
    fn admission_refuses_it_for_its_network_alone() {
        let mut object = pod();
        let admitted = |object: &Value| {
            let pod: Pod = serde_json::from_value(object.clone()).unwrap();
            admit(
                &pod,
                &"default".parse().unwrap(),
                &Cluster::default(),
                &Policy::default(),
            )
        };
        let denial = admitted(&object).unwrap_err().to_string();
        assert!(denial.contains(NO_SUCH_NETWORK), "{denial}");
        object["metadata"]["annotations"] = json!({});
        assert!(admitted(&object).is_ok());
        assert!(path("team-a").starts_with("/api/v1/namespaces/team-a/pods?dryRun=All"));
    }
}
