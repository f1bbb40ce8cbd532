//! What the pods may do on their nodes, and no more.

use serde_json::{Value, json};

use super::{
    arguments::{agent, container},
    objects::{items, of_kind, word},
};

/// The webhook's pod meets the Pod Security level restricted, and can write nowhere.
pub(super) fn webhook_is_restricted(objects: &[Value]) {
    let deployment = of_kind(objects, "Deployment")
        .find(|object| container(object, "polypod-webhook").is_some())
        .expect("there is a webhook");
    let pod = &deployment["spec"]["template"]["spec"];
    let of_pod = &pod["securityContext"];
    assert_eq!(of_pod["runAsNonRoot"], true);
    assert_eq!(of_pod["seccompProfile"], json!({"type": "RuntimeDefault"}));
    for field in ["hostNetwork", "hostPID", "hostIPC"] {
        assert_eq!(pod[field], Value::Null, "{field}");
    }
    for container in items(&pod["containers"]) {
        let context = &container["securityContext"];
        assert_eq!(context["allowPrivilegeEscalation"], false);
        assert_eq!(context["readOnlyRootFilesystem"], true);
        assert_eq!(context["capabilities"], json!({"drop": ["ALL"]}));
        let mut mounts = items(&container["volumeMounts"]);
        assert!(mounts.all(|mount| mount["readOnly"] == true));
    }
    let mut volumes = items(&pod["volumes"]);
    assert!(volumes.all(|volume| volume["hostPath"].is_null()));
    own_token(pod);
}

/// The agent has its node's network, one capability and these folders; it can write into four of them.
pub(super) fn agent_has_what_it_needs(objects: &[Value]) {
    let pod = &agent(objects)["spec"]["template"]["spec"];
    assert_eq!(pod["hostNetwork"], true);
    assert_eq!(pod["hostPID"], Value::Null);
    assert_eq!(pod["hostIPC"], Value::Null);
    assert_eq!(pod["tolerations"], json!([{"operator": "Exists"}]));
    let container = container(agent(objects), "polypod-device-bridge").expect("there is an agent");
    let context = &container["securityContext"];
    assert_eq!(context["privileged"], false);
    assert_eq!(context["allowPrivilegeEscalation"], false);
    assert_eq!(context["readOnlyRootFilesystem"], true);
    let capabilities = json!({"drop": ["ALL"], "add": ["DAC_OVERRIDE"]});
    assert_eq!(context["capabilities"], capabilities);
    let mut written: Vec<String> = items(&container["volumeMounts"])
        .filter(|mount| mount["readOnly"] != true)
        .map(|mount| word(&mount["mountPath"]))
        .collect();
    written.sort();
    assert_eq!(
        written,
        [
            "/host/etc/cni/net.d",
            "/host/opt/cni/bin",
            "/host/run/polypod",
            "/run/polypod"
        ]
    );
    let mut folders: Vec<String> = items(&pod["volumes"])
        .map(|volume| word(&volume["hostPath"]["path"]))
        .filter(|path| !path.is_empty())
        .collect();
    folders.sort();
    assert_eq!(
        folders,
        [
            "/etc/cni/net.d",
            "/opt/cni/bin",
            "/run/k8s.cni.cncf.io/devinfo",
            "/run/netns",
            "/run/polypod",
            "/var/lib/cni/multus",
            "/var/lib/kubelet/device-plugins",
            "/var/lib/kubelet/pod-resources",
        ]
    );
    own_token(pod);
}

/// The token is one that ends in time: the one that is mounted by itself is extended to a year.
fn own_token(pod: &Value) {
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(pod["enableServiceLinks"], false);
    let life = items(&pod["volumes"])
        .flat_map(|volume| items(&volume["projected"]["sources"]))
        .find_map(|source| source["serviceAccountToken"]["expirationSeconds"].as_u64());
    assert_eq!(life, Some(3600));
}

/// Nobody may do everything, or anything to everything, and of Secrets the webhook alone may read its own.
pub(super) fn rights_are_few(objects: &[Value]) {
    let roles = of_kind(objects, "Role").chain(of_kind(objects, "ClusterRole"));
    for role in roles {
        let name = word(&role["metadata"]["name"]);
        for rule in items(&role["rules"]) {
            let all = ["apiGroups", "resources", "verbs"]
                .into_iter()
                .flat_map(|field| items(&rule[field]))
                .any(|word| word == "*");
            assert!(!all, "{name}: {rule}");
            let is_secret = items(&rule["resources"]).any(|resource| resource == "secrets");
            let only_made = rule["verbs"] == json!(["create"]);
            let is_own = name.starts_with("polypod-webhook")
                && rule["resourceNames"] == json!(["polypod-webhook"]);
            assert!(!is_secret || only_made || is_own, "{name}: {rule}");
        }
    }
}
