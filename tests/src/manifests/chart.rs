//! The Helm chart renders what kustomize renders, and takes no values that it does not know.

use std::{collections::BTreeSet, process::Command};

use serde_json::{Value, json};

use super::objects::{
    Key, by_key, documents, items, key, manifests, of_kind, read, rendered, workloads,
};

/// By default it is `install.yaml`; and there is a file of values for each overlay, which renders the same objects.
pub(super) fn renders_what_kustomize_renders() {
    assert_same(
        "install.yaml",
        &chart(&[]),
        &read(&manifests("install.yaml")),
    );
    let names = |folder: &str| -> BTreeSet<String> {
        std::fs::read_dir(manifests(folder))
            .expect("the folder is there")
            .map(|entry| {
                let path = entry.expect("the folder can be read").path();
                let name = path.file_stem().expect("it has a name");
                name.to_string_lossy().into_owned()
            })
            .collect()
    };
    assert_eq!(names("chart/values"), names("overlays"));
    for name in names("overlays") {
        let values = manifests("chart/values").join(format!("{name}.yaml"));
        let values = values.to_str().expect("it is UTF-8");
        assert_same(
            &name,
            &chart(&["--values", values]),
            &rendered(&manifests("overlays").join(&name)),
        );
    }
}

/// Object by object. The order of objects means nothing, nor does that of elements which have names.
fn assert_same(what: &str, chart: &[Value], kustomize: &[Value]) {
    let (chart, kustomize) = (settled(chart), settled(kustomize));
    let (chart, kustomize) = (by_key(&chart), by_key(&kustomize));
    let keys = |objects: &std::collections::BTreeMap<Key, &Value>| -> Vec<Key> {
        objects.keys().cloned().collect()
    };
    assert_eq!(keys(&chart), keys(&kustomize), "{what}");
    for (key, object) in chart {
        assert_eq!(object, kustomize[&key], "{what}: {key:?}");
    }
}

fn settled(objects: &[Value]) -> Vec<Value> {
    let mut objects = objects.to_vec();
    for object in &mut objects {
        match object["kind"].as_str() {
            // By which Helm leaves them when it leaves: kustomize has no word for that.
            Some("CustomResourceDefinition") => {
                let metadata = object["metadata"].as_object_mut().expect("it has a name");
                let annotations = metadata
                    .get_mut("annotations")
                    .and_then(Value::as_object_mut);
                if let Some(annotations) = annotations {
                    annotations.remove("helm.sh/resource-policy");
                    if annotations.is_empty() {
                        metadata.remove("annotations");
                    }
                }
            }
            // Files, which are compared by what they say.
            Some("ConfigMap") => {
                for text in object["data"].as_object_mut().into_iter().flatten() {
                    let said = documents(text.1.as_str().expect("it is text"));
                    *text.1 = said.into();
                }
            }
            _ => {}
        }
        settle(object);
    }
    objects
}

/// Puts lists whose elements are objects into one order.
fn settle(value: &mut Value) {
    match value {
        Value::Array(elements) => {
            elements.iter_mut().for_each(settle);
            if elements.iter().all(Value::is_object) {
                elements.sort_by_key(Value::to_string);
            }
        }
        Value::Object(fields) => fields.values_mut().for_each(settle),
        _ => {}
    }
}

/// What cannot be said by an overlay.
pub(super) fn values_reach_the_objects() {
    let objects = chart(&[
        "--namespace=elsewhere",
        "--set=namespace.name=networks,namespace.create=false",
        "--set=image.registry=registry.example/net,image.tag=v7,image.pullPolicy=Always,image.pullSecrets={pull}",
        "--set=webhook.replicas=3,webhook.failurePolicy.validatePods=Ignore,webhook.excludedNamespaces={kube-system,cni}",
        "--set=webhook.policy.access.requireUse=true,scheduler.gates=true",
        "--set=webhook.resources.limits.memory=1Gi,deviceBridge.env.POLYPOD_INSTALL_CONF_NAME=05-polypod.conflist",
        "--set-json=deviceBridge.env.POLYPOD_BRIDGE_HOTPLUG_TIMEOUT=1000000,webhook.env.POLYPOD_WEBHOOK_SCHEDULER_EXTENDER=true",
        "--set=deviceBridge.args={--log-level=debug},deviceBridge.nodeSelector.sriov=yes",
        "--set=crds.networkAttachmentDefinitions=false,crds.keep=false",
        "--set=metrics.podMonitor.enabled=true,metrics.podMonitor.labels.release=prometheus,metrics.podMonitor.interval=7s",
        "--set=metrics.rules.enabled=true,metrics.rules.runbooks=https://book.example/runbooks",
        "--set=webhook.certificates.source=secret,webhook.certificates.secretName=mine,webhook.certificates.caBundle=Q0E=",
        "--set=traces.enabled=true,traces.endpoint=http://collector.monitoring:4318",
    ]);
    let text = Value::from(objects.clone()).to_string();
    assert!(!text.contains("polypod-system"), "the namespace is another");
    assert!(!text.contains("elsewhere"), "Helm's own is not asked");
    assert_eq!(of_kind(&objects, "Namespace").count(), 0);
    let collector = of_kind(&objects, "NetworkPolicy")
        .find(|policy| policy["metadata"]["name"] == "polypod-webhook-traces")
        .map(|policy| policy["spec"]["egress"].to_string());
    // A name has to be resolved.
    assert_eq!(
        collector.as_deref(),
        Some(
            r#"[{"ports":[{"port":4318,"protocol":"TCP"}]},{"ports":[{"port":53,"protocol":"UDP"},{"port":53,"protocol":"TCP"}]}]"#
        )
    );
    assert_eq!(text.matches("http://collector.monitoring:4318").count(), 2);
    let kinds: Vec<_> = of_kind(&objects, "CustomResourceDefinition").collect();
    assert_eq!(kinds.len(), 2);
    assert!(
        kinds
            .iter()
            .all(|kind| kind["metadata"]["annotations"]["helm.sh/resource-policy"].is_null())
    );
    for workload in workloads(&objects) {
        let spec = &workload["spec"]["template"]["spec"];
        let container = &spec["containers"][0];
        let name = workload["metadata"]["name"]
            .as_str()
            .expect("it has a name");
        assert_eq!(
            container["image"],
            format!("registry.example/net/{name}:v7")
        );
        assert_eq!(container["imagePullPolicy"], "Always");
        assert_eq!(spec["imagePullSecrets"], json!([{ "name": "pull" }]));
    }
    let webhook = of_kind(&objects, "Deployment").next().expect("it is there");
    let container = &webhook["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(webhook["spec"]["replicas"], 3);
    assert_eq!(
        container["resources"],
        json!({ "limits": { "memory": "1Gi" } })
    );
    let has = |list: &Value, wanted: &str| items(list).any(|item| item == wanted);
    assert!(has(
        &container["args"],
        "--tls-name=polypod-webhook.networks.svc"
    ));
    assert!(has(&container["args"], "--cert-dir=/etc/polypod/tls"));
    let agent = of_kind(&objects, "DaemonSet").next().expect("it is there");
    let spec = &agent["spec"]["template"]["spec"];
    let container = &spec["containers"][0];
    assert_eq!(
        spec["nodeSelector"],
        json!({ "kubernetes.io/os": "linux", "sriov": "yes" })
    );
    assert!(has(&container["args"], "serve") && has(&container["args"], "--log-level=debug"));
    let variable = json!({ "name": "POLYPOD_INSTALL_CONF_NAME", "value": "05-polypod.conflist" });
    assert!(items(&container["env"]).any(|one| *one == variable));
    let number = json!({ "name": "POLYPOD_BRIDGE_HOTPLUG_TIMEOUT", "value": "1000000" });
    assert!(
        items(&container["env"]).any(|one| *one == number),
        "as it was written: {}",
        container["env"]
    );
    let hooks = of_kind(&objects, "ValidatingWebhookConfiguration")
        .next()
        .expect("it is there");
    let pods = &hooks["webhooks"][0];
    assert_eq!(pods["failurePolicy"], "Ignore");
    assert_eq!(hooks["webhooks"][1]["failurePolicy"], "Fail");
    assert_eq!(pods["clientConfig"]["caBundle"], "Q0E=");
    assert_eq!(pods["clientConfig"]["service"]["namespace"], "networks");
    assert_eq!(
        pods["namespaceSelector"]["matchExpressions"][0]["values"],
        json!(["kube-system", "cni", "networks"])
    );
    let policy = of_kind(&objects, "ConfigMap").next().expect("it is there");
    let policy = documents(
        policy["data"]["admission.yaml"]
            .as_str()
            .expect("it is text"),
    );
    assert_eq!(policy[0]["access"]["requireUse"], true);
    assert_eq!(policy[0]["scheduling"]["gates"]["enabled"], true);
    assert!(objects.iter().all(|object| {
        !["Role", "RoleBinding"].contains(&object["kind"].as_str().unwrap_or_default())
            || object["metadata"]["name"] != "polypod-webhook-certificate"
    }));
    let monitor = of_kind(&objects, "PodMonitor").next().expect("it is there");
    assert_eq!(key(monitor).2, "networks");
    assert_eq!(monitor["metadata"]["labels"]["release"], "prometheus");
    assert_eq!(monitor["spec"]["podMetricsEndpoints"][0]["interval"], "7s");
    // Nobody opened a port of the agents', or asked for the dashboard.
    assert_eq!(of_kind(&objects, "PodMonitor").count(), 1);
    assert!(!text.contains("polypod-dashboard") && !text.contains("METRICS_LISTEN"));
    assert!(text.contains("https://book.example/runbooks#polypodwebhookdown"));
    assert!(!text.contains("docs/runbooks.md#"));
}

/// Values, and what Helm's complaint about them names.
const REFUSED: [(&str, &str); 28] = [
    ("preset=fedora", "/preset"),
    ("prest=k3s", "prest"),
    ("webhook.replica=3", "replica"),
    ("webhook.replicas=two", "/webhook/replicas"),
    ("webhook.replicas=0", "/webhook/replicas"),
    (
        "webhook.failurePolicy.validatePods=fail",
        "/webhook/failurePolicy/validatePods",
    ),
    (
        "webhook.excludedNamespaces={Kube}",
        "/webhook/excludedNamespaces/0",
    ),
    (
        "webhook.matchConditions.labels={a'b}",
        "/webhook/matchConditions/labels/0",
    ),
    (
        "webhook.matchConditions.resourcePrefixes={memory}",
        "/webhook/matchConditions/resourcePrefixes/0",
    ),
    ("webhook.matchConditions.resources={a/b}", "resources"),
    (
        "webhook.policy.kind=AdmissionConfiguration",
        "/webhook/policy",
    ),
    (
        "webhook.certificates.source=vault",
        "/webhook/certificates/source",
    ),
    (
        "webhook.certificates.source=secret",
        "/webhook/certificates/secretName",
    ),
    (
        "webhook.certificates.secretName=mine",
        "/webhook/certificates/secretName",
    ),
    (
        "webhook.service.clusterIP=here",
        "/webhook/service/clusterIP",
    ),
    (
        "webhook.resources.limits.memory=much",
        "/webhook/resources/limits/memory",
    ),
    ("webhook.resources.limit.memory=1Gi", "limit"),
    ("webhook.tolerations[0].opertor=Exists", "opertor"),
    ("deviceBridge.args={debug}", "/deviceBridge/args/0"),
    ("image.pullPolicy=Sometimes", "/image/pullPolicy"),
    ("image.registry=https://registry.example", "/image/registry"),
    ("image.tag=a b", "/image/tag"),
    ("namespace.name=Poly_pod", "/namespace/name"),
    ("crds.keep=sometimes", "/crds/keep"),
    ("thin=true,multus.enabled=true", "/multus/enabled"),
    (
        "thin=true,metrics.agents.enabled=true",
        "/metrics/agents/enabled",
    ),
    ("metrics.rules.runbook=here", "runbook"),
    ("metrics.rules.runbooks=a b", "/metrics/rules/runbooks"),
];

pub(super) fn refuses_values_that_it_does_not_know() {
    for (values, wanted) in REFUSED {
        let Err(refused) = helm(&["--set", values]) else {
            panic!("{values} is taken");
        };
        assert!(
            refused.contains("schema") && refused.contains(wanted),
            "{values}: {refused}"
        );
    }
}

/// What cannot work on a cluster is not rendered for it.
pub(super) fn refuses_clusters_that_are_too_old() {
    let render = |version: &str, more: &[&str]| {
        let version = format!("--kube-version={version}");
        helm(&[&[version.as_str()], more].concat())
    };
    let thin = ["--set", "thin=true"];
    let Err(refused) = render("1.30.9", &thin) else {
        panic!("it has no tokens that are bound to Nodes");
    };
    assert!(refused.contains("thin needs Kubernetes 1.31"), "{refused}");
    for (version, more) in [
        ("1.30.9", &[][..]),
        ("1.31.0", &thin),
        ("1.31.0-gke.100", &thin),
    ] {
        render(version, more).unwrap_or_else(|error| panic!("{version}: {error}"));
    }
    assert!(render("1.29.9", &[]).is_err());
}

/// Everything that values.yaml says is described by the schema and the other way round, without Helm.
pub(super) fn values_and_schema_have_the_same_keys() {
    let schema = std::fs::read_to_string(manifests("chart/values.schema.json"));
    let schema: Value = serde_json::from_str(&schema.expect("it is there")).expect("it is JSON");
    let values = read(&manifests("chart/values.yaml")).remove(0);
    same_keys("", &values, &schema);
}

fn same_keys(path: &str, values: &Value, schema: &Value) {
    let (Some(values), Some(properties)) = (values.as_object(), schema["properties"].as_object())
    else {
        return;
    };
    if schema["additionalProperties"] != false || values.is_empty() {
        return;
    }
    // Helm's own.
    let told: BTreeSet<&String> = properties.keys().filter(|key| *key != "global").collect();
    assert_eq!(values.keys().collect::<BTreeSet<_>>(), told, "{path}");
    for (key, value) in values {
        same_keys(&format!("{path}/{key}"), value, &properties[key]);
    }
}

/// What Helm renders with these values.
pub(crate) fn chart(arguments: &[&str]) -> Vec<Value> {
    let text = helm(arguments).unwrap_or_else(|error| panic!("{arguments:?}: {error}"));
    documents(&text)
}

/// What Helm renders, or its complaint.
fn helm(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("helm")
        .args(["template", "polypod"])
        .arg(manifests("chart"))
        // Which it would otherwise know of itself, and some do not.
        .args(["--kube-version", "1.36.0"])
        .args(arguments)
        .output()
        .expect("the scenario needs it");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stderr))
    }
}
