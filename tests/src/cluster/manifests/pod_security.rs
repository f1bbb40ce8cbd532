//! Pods as Deployment and DaemonSet would make them: priority and Pod Security.

use serde_json::{Value, json};

use super::installed::Installed;

pub(super) fn pod_security() {
    let installed = Installed::start(&[]);
    let plane = &installed.plane;
    let strict = json!({"metadata": {"name": "strict", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}});
    let made = plane.ask("POST", "/api/v1/namespaces", &strict);
    assert_eq!(made.status, 201, "{}", made.body);
    let create = |kind: &str, namespace: &str| {
        let name = match kind {
            "Deployment" => "polypod-webhook",
            _ => "polypod-device-bridge",
        };
        let mut pod = installed.object(kind, name)["spec"]["template"].clone();
        pod["metadata"]["generateName"] = json!("of-controller-");
        // The namespace where priority classes of the system may be used without a quota does not matter here.
        let path = format!("/api/v1/namespaces/{namespace}/pods?dryRun=All&fieldValidation=Strict");
        plane.ask("POST", &path, &pod)
    };
    for (kind, namespace, priority) in [
        ("Deployment", "polypod-system", 2_000_000_000),
        // The webhook asks for nothing of its node.
        ("Deployment", "strict", 2_000_000_000),
        ("DaemonSet", "polypod-system", 2_000_001_000),
    ] {
        let reply = create(kind, namespace);
        assert_eq!(reply.status, 201, "{kind} in {namespace}: {}", reply.body);
        assert_eq!(reply.body["spec"]["priority"], priority, "{kind}");
        assert_eq!(
            reply.warnings,
            Vec::<String>::new(),
            "{kind} in {namespace}"
        );
    }
    // The agent needs folders of its node, for which the namespace's label is.
    let refused = create("DaemonSet", "strict");
    assert_eq!(refused.status, 403, "{}", refused.body);
    let words = refused.body["message"].as_str().unwrap_or_default();
    assert!(words.contains("violates PodSecurity"), "{words}");
    let label = "pod-security.kubernetes.io/enforce";
    let namespace = installed.object("Namespace", "polypod-system");
    assert_eq!(namespace["metadata"]["labels"][label], "privileged");
    let unprivileged: [Value; 2] = ["privileged", "hostPID"].map(|field| {
        let pod = &installed.object("DaemonSet", "polypod-device-bridge")["spec"]["template"];
        match field {
            "privileged" => pod["spec"]["containers"][0]["securityContext"][field].clone(),
            _ => pod["spec"][field].clone(),
        }
    });
    for asked in unprivileged {
        assert_ne!(asked, true, "the agent is not privileged");
    }
}
