//! What objects say of each other is so: who is bound exists, selectors select, ports are there.

use std::collections::BTreeMap;

use serde_json::Value;

use super::objects::{by_key, items, key, of_kind, word, workloads};

/// The label of everything but what a cluster may have had before: the kinds.
const PART_OF: &str = "app.kubernetes.io/part-of";

/// Secrets that are made when the webhook, or cert-manager, runs.
const MADE_LATER: [&str; 2] = ["polypod-webhook", "polypod-webhook-tls"];

/// What every set of manifests must be, whatever overlay it comes from.
pub(super) fn hold(objects: &[Value]) {
    by_key(objects);
    for object in objects {
        is_ours(object);
    }
    bound(objects);
    for workload in workloads(objects) {
        runs(objects, workload);
    }
    selected(objects);
    called(objects);
}

fn is_ours(object: &Value) {
    let key = key(object);
    if object["kind"] != "CustomResourceDefinition" {
        let label = &object["metadata"]["labels"][PART_OF];
        assert_eq!(label, "polypod", "{key:?}");
    }
    // The Role that lets a scheduler decide who may read its metrics is the cluster's.
    let elsewhere = key.3 == "polypod-scheduler-authentication-reader";
    let namespace = key.2.as_str();
    assert!(
        ["", "polypod-system"].contains(&namespace) || elsewhere && namespace == "kube-system",
        "{key:?}"
    );
}

/// Roles and accounts of bindings exist, or are Kubernetes's own.
fn bound(objects: &[Value]) {
    let bindings = of_kind(objects, "RoleBinding").chain(of_kind(objects, "ClusterRoleBinding"));
    for binding in bindings {
        let key = key(binding);
        let role = &binding["roleRef"];
        let name = word(&role["name"]);
        let is_there = of_kind(objects, &word(&role["kind"])).any(|object| {
            object["metadata"]["name"] == role["name"]
                && (role["kind"] == "ClusterRole" || object["metadata"]["namespace"] == key.2)
        });
        let is_built_in =
            name.starts_with("system:") || name == "extension-apiserver-authentication-reader";
        assert!(is_there || is_built_in, "{key:?}: there is no {name}");
        for subject in items(&binding["subjects"]) {
            assert_eq!(subject["kind"], "ServiceAccount", "{key:?}");
            assert!(
                account(objects, &subject["namespace"], &subject["name"]),
                "{key:?}: there is no {subject}"
            );
        }
    }
}

fn account(objects: &[Value], namespace: &Value, name: &Value) -> bool {
    of_kind(objects, "ServiceAccount").any(|account| {
        account["metadata"]["namespace"] == *namespace && account["metadata"]["name"] == *name
    })
}

/// A workload's parts fit together.
fn runs(objects: &[Value], workload: &Value) {
    let key = key(workload);
    let (namespace, pod) = (
        &workload["metadata"]["namespace"],
        &workload["spec"]["template"]["spec"],
    );
    assert!(
        selects(
            &workload["spec"]["selector"],
            &workload["spec"]["template"]["metadata"]
        ),
        "{key:?}: it does not select its own pods"
    );
    assert!(
        account(objects, namespace, &pod["serviceAccountName"]),
        "{key:?}: there is no {}",
        pod["serviceAccountName"]
    );
    let mut unused: BTreeMap<String, &Value> = items(&pod["volumes"])
        .map(|volume| (word(&volume["name"]), volume))
        .collect();
    let volumes = unused.clone();
    for container in items(&pod["containers"]) {
        let image = word(&container["image"]);
        let own = format!(":{}", env!("CARGO_PKG_VERSION"));
        assert!(
            !image.starts_with("localhost/") || image.ends_with(&own),
            "{key:?}: {image} is not of this version"
        );
        let limit = &container["resources"]["requests"]["memory"];
        assert!(limit.is_string(), "{key:?}: it requests no memory");
        for mount in items(&container["volumeMounts"]) {
            let name = word(&mount["name"]);
            assert!(volumes.contains_key(&name), "{key:?}: no volume {name}");
            unused.remove(&name);
        }
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
            let port = &container[probe]["httpGet"]["port"];
            assert!(
                port.is_null() || has_port(container, port),
                "{key:?}: {probe} asks a port {port} that is not there"
            );
        }
    }
    assert!(unused.is_empty(), "{key:?}: nobody mounts {unused:?}");
    for volume in volumes.values() {
        let (map, secret) = (
            word(&volume["configMap"]["name"]),
            word(&volume["secret"]["secretName"]),
        );
        let is_there = of_kind(objects, "ConfigMap").any(|object| {
            object["metadata"]["name"] == map && object["metadata"]["namespace"] == *namespace
        });
        assert!(
            map.is_empty() || is_there,
            "{key:?}: there is no ConfigMap {map}"
        );
        assert!(
            secret.is_empty() || MADE_LATER.contains(&secret.as_str()),
            "{key:?}: nobody makes the Secret {secret}"
        );
    }
}

fn has_port(container: &Value, port: &Value) -> bool {
    items(&container["ports"])
        .any(|known| known["name"] == *port || known["containerPort"] == *port)
}

/// Whether a selector of labels selects what has these metadata.
fn selects(selector: &Value, metadata: &Value) -> bool {
    let labels = selector["matchLabels"].as_object();
    labels.is_some_and(|labels| {
        !labels.is_empty()
            && labels
                .iter()
                .all(|(key, value)| metadata["labels"][key] == *value)
    })
}

/// What selects pods selects those of one workload, whose ports it names.
fn selected(objects: &[Value]) {
    for object in objects {
        let spec = &object["spec"];
        let (selector, ports): (Value, Vec<&Value>) = match word(&object["kind"]).as_str() {
            "Service" => (
                serde_json::json!({"matchLabels": spec["selector"]}),
                items(&spec["ports"])
                    .map(|port| &port["targetPort"])
                    .collect(),
            ),
            "PodMonitor" => (
                spec["selector"].clone(),
                items(&spec["podMetricsEndpoints"])
                    .map(|endpoint| &endpoint["port"])
                    .collect(),
            ),
            "PodDisruptionBudget" => (spec["selector"].clone(), Vec::new()),
            "NetworkPolicy" => (
                spec["podSelector"].clone(),
                items(&spec["ingress"])
                    .flat_map(|rule| items(&rule["ports"]))
                    .map(|port| &port["port"])
                    .collect(),
            ),
            _ => continue,
        };
        let key = key(object);
        let template = |workload: &Value| workload["spec"]["template"].clone();
        let chosen: Vec<Value> = workloads(objects)
            .map(template)
            .filter(|template| selects(&selector, &template["metadata"]))
            .collect();
        assert_eq!(chosen.len(), 1, "{key:?}: whom does it select?");
        for port in ports {
            let mut containers = items(&chosen[0]["spec"]["containers"]);
            assert!(
                containers.any(|container| has_port(container, port)),
                "{key:?}: nobody has the port {port}"
            );
        }
    }
}

/// The Service that API servers are to call is there, and the webhook's certificate is for its name.
fn called(objects: &[Value]) {
    let configurations = of_kind(objects, "MutatingWebhookConfiguration")
        .chain(of_kind(objects, "ValidatingWebhookConfiguration"));
    let hooks: Vec<&Value> = configurations
        .flat_map(|configuration| items(&configuration["webhooks"]))
        .collect();
    assert_eq!(hooks.len(), 3);
    for hook in hooks {
        let service = &hook["clientConfig"]["service"];
        let (namespace, name) = (word(&service["namespace"]), word(&service["name"]));
        let found = of_kind(objects, "Service").find(|object| {
            object["metadata"]["name"] == name && object["metadata"]["namespace"] == namespace
        });
        let found = found.unwrap_or_else(|| panic!("{}: no Service {service}", hook["name"]));
        assert!(
            items(&found["spec"]["ports"]).any(|port| port["port"] == service["port"]),
            "{}",
            hook["name"]
        );
        let name = format!("--tls-name={name}.{namespace}.svc");
        let mut arguments = workloads(objects)
            .flat_map(|workload| items(&workload["spec"]["template"]["spec"]["containers"]))
            .flat_map(|container| items(&container["args"]));
        assert!(arguments.any(|argument| *argument == name), "{name}");
        excluded(hook);
    }
}

/// Hooks for pods leave out the namespaces whose pods must start without them, and pods that select no network.
fn excluded(hook: &Value) {
    if hook["name"] == "definitions.polypod.dev" {
        return;
    }
    let expression = &hook["namespaceSelector"]["matchExpressions"][0];
    assert_eq!(expression["operator"], "NotIn");
    assert_eq!(
        expression["values"],
        serde_json::json!(["kube-system", "kube-node-lease", "polypod-system"]),
        "{}",
        hook["name"]
    );
    for condition in items(&hook["matchConditions"]) {
        let text = word(&condition["expression"]);
        // An index that is not there is an error, but for `?`.
        let is_guarded = !text.replace(".?annotations[?", "").contains("annotations");
        assert!(
            is_guarded || text.contains("has(object.metadata.annotations) &&"),
            "a condition that fails denies where the policy is Fail: {text}"
        );
    }
    // The validator lets changes through that leave the networks as they are, and pods that are going.
    let count = if hook["name"] == "validate.polypod.dev" {
        4
    } else {
        2
    };
    assert_eq!(items(&hook["matchConditions"]).count(), count);
}
