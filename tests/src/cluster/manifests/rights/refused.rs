//! What each ServiceAccount may do is what is written down here, and everything else is refused.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::installed::{Installed, SYSTEM};

/// All that the API server lets them do outside of their own namespace, beside what everybody may.
const RIGHTS: [(&str, &[&str]); 3] = [
    (
        "polypod-webhook",
        &[
            "create subjectaccessreviews",
            "get mutatingwebhookconfigurations/polypod",
            "get namespaces",
            "get network-attachment-definitions",
            "get resourceclaims",
            "get resourceclaimtemplates",
            "get validatingwebhookconfigurations/polypod",
            "list deviceclasses",
            "list mutatingwebhookconfigurations/polypod",
            "list namespaces",
            "list network-attachment-definitions",
            "list pods",
            "list resourceclaims",
            "list resourceclaimtemplates",
            "list validatingwebhookconfigurations/polypod",
            "patch mutatingwebhookconfigurations/polypod",
            "patch validatingwebhookconfigurations/polypod",
            "watch deviceclasses",
            "watch mutatingwebhookconfigurations/polypod",
            "watch namespaces",
            "watch network-attachment-definitions",
            "watch pods",
            "watch resourceclaims",
            "watch resourceclaimtemplates",
            "watch validatingwebhookconfigurations/polypod",
        ],
    ),
    (
        "polypod-device-bridge",
        &[
            "create events",
            "create nodeinventories",
            "create noderesourcetopologies",
            "get network-attachment-definitions",
            "get nodeinventories",
            "get nodes",
            "get pods",
            "get resourceclaims",
            "list network-attachment-definitions",
            "list pods",
            "list resourceslices",
            "patch events",
            "patch nodeinventories",
            "patch nodeinventories/status",
            "patch noderesourcetopologies",
            "patch pods/status",
            "watch network-attachment-definitions",
            "watch pods",
            "watch resourceslices",
        ],
    ),
    (
        "polypod-plugin",
        &[
            "create events",
            "get network-attachment-definitions",
            "get pods",
            "get resourceclaims",
            "list resourceslices",
            "patch events",
            "patch pods/status",
        ],
    ),
];

/// What is in it for them in their own namespace.
const AT_HOME: [(&str, &[&str]); 3] = [
    (
        "polypod-webhook",
        &[
            "create leases",
            "create secrets",
            "get leases/polypod-webhook",
            "get secrets/polypod-webhook",
            "get services/polypod-webhook",
            "list endpointslices",
            "list secrets/polypod-webhook",
            "update leases/polypod-webhook",
            "update secrets/polypod-webhook",
            "watch secrets/polypod-webhook",
        ],
    ),
    (
        "polypod-device-bridge",
        &["create serviceaccounts/token/polypod-plugin"],
    ),
    ("polypod-plugin", &[]),
];

pub(super) fn beyond_their_rights(installed: &Installed) {
    for ((account, everywhere), (_, at_home)) in RIGHTS.into_iter().zip(AT_HOME) {
        let everywhere: BTreeSet<String> = everywhere.iter().map(|&right| right.into()).collect();
        let mut home = everywhere.clone();
        home.extend(at_home.iter().map(|&right| right.into()));
        let token = installed.plane.token_of(SYSTEM, account, None);
        for (namespace, wanted) in [
            ("default", &everywhere),
            ("kube-system", &everywhere),
            (SYSTEM, &home),
        ] {
            let found = may(installed, &token, namespace);
            assert_eq!(found, *wanted, "{account} in {namespace}");
        }
        is_refused(installed, account, &token);
    }
}

/// What the API server says that the owner of a token may do in a namespace.
fn may(installed: &Installed, token: &str, namespace: &str) -> BTreeSet<String> {
    let path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
    let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": {"namespace": namespace}});
    let json = "application/json";
    let reply = installed
        .plane
        .ask_with_token(token, json, "POST", path, &review);
    assert_eq!(reply.status, 201, "{}", reply.body);
    let status = &reply.body["status"];
    assert_eq!(status["incomplete"], false, "{status}");
    let texts = |list: &Value| -> Vec<String> {
        let list = list.as_array().into_iter().flatten();
        list.filter_map(|text| text.as_str().map(str::to_owned))
            .collect()
    };
    let mut found = BTreeSet::new();
    for rule in status["resourceRules"].as_array().into_iter().flatten() {
        let names = texts(&rule["resourceNames"]);
        for resource in texts(&rule["resources"]) {
            // Everybody may ask who he is, and what he may do.
            if resource.starts_with("selfsubject") {
                continue;
            }
            for verb in texts(&rule["verbs"]) {
                if names.is_empty() {
                    found.insert(format!("{verb} {resource}"));
                }
                for name in &names {
                    found.insert(format!("{verb} {resource}/{name}"));
                }
            }
        }
    }
    found
}

/// Whatever somebody would try who has stolen a token.
fn is_refused(installed: &Installed, account: &str, token: &str) {
    let pod =
        json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    let admins = json!({"metadata": {"name": "mine"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": SYSTEM}]});
    let rbac = "/apis/rbac.authorization.k8s.io/v1";
    let networks = "/apis/k8s.cni.cncf.io/v1/namespaces/default/network-attachment-definitions";
    let registrations = "/apis/admissionregistration.k8s.io/v1";
    for (method, path, body) in [
        ("GET", "/api/v1/secrets".to_owned(), Value::Null),
        (
            "GET",
            "/api/v1/namespaces/default/secrets".to_owned(),
            Value::Null,
        ),
        (
            "GET",
            format!("/api/v1/namespaces/{SYSTEM}/secrets"),
            Value::Null,
        ),
        (
            "GET",
            format!("/api/v1/namespaces/{SYSTEM}/secrets/other"),
            Value::Null,
        ),
        (
            "DELETE",
            format!("/api/v1/namespaces/{SYSTEM}/secrets/polypod-webhook"),
            Value::Null,
        ),
        (
            "POST",
            "/api/v1/namespaces/default/pods".to_owned(),
            pod.clone(),
        ),
        (
            "PATCH",
            "/api/v1/namespaces/default/pods/by-agent".to_owned(),
            json!({"metadata": {"labels": {"a": "b"}}}),
        ),
        (
            "DELETE",
            "/api/v1/namespaces/default/pods/by-agent".to_owned(),
            Value::Null,
        ),
        (
            "PUT",
            "/api/v1/namespaces/default/pods/by-agent/status".to_owned(),
            pod,
        ),
        (
            "PATCH",
            "/api/v1/nodes/node-1".to_owned(),
            json!({"metadata": {"labels": {"a": "b"}}}),
        ),
        (
            "PATCH",
            "/api/v1/nodes/node-1/status".to_owned(),
            json!({"status": {"capacity": {"a/b": "1"}}}),
        ),
        (
            "PATCH",
            format!("{networks}/nic"),
            json!({"spec": {"config": "{}"}}),
        ),
        ("DELETE", format!("{networks}/nic"), Value::Null),
        (
            "PATCH",
            format!("{registrations}/validatingwebhookconfigurations/other"),
            json!({}),
        ),
        (
            "DELETE",
            format!("{registrations}/validatingwebhookconfigurations/polypod"),
            Value::Null,
        ),
        ("POST", format!("{rbac}/clusterrolebindings"), admins),
        (
            "PATCH",
            format!("{rbac}/clusterroles/{account}"),
            json!({"rules": []}),
        ),
        (
            "POST",
            format!("/api/v1/namespaces/{SYSTEM}/serviceaccounts/polypod-webhook/token"),
            json!({"spec": {}}),
        ),
        (
            "POST",
            "/api/v1/namespaces/kube-system/serviceaccounts/default/token".to_owned(),
            json!({"spec": {}}),
        ),
        (
            "DELETE",
            "/apis/polypod.dev/v1alpha1/nodeinventories/node-1".to_owned(),
            Value::Null,
        ),
    ] {
        let content_type = match method {
            "PATCH" => "application/merge-patch+json",
            _ => "application/json",
        };
        let reply = installed
            .plane
            .ask_with_token(token, content_type, method, &path, &body);
        assert_eq!(
            reply.status, 403,
            "{account}: {method} {path}: {}",
            reply.body
        );
        let words = reply.body["message"].as_str().unwrap_or_default();
        assert!(
            words.contains(&format!("system:serviceaccount:{SYSTEM}:{account}")),
            "{account}: {method} {path} is refused by another rule: {words}"
        );
    }
}
