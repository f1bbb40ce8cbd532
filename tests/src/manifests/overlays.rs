//! Every overlay renders, keeps what the base promises, and does what it is for.

use std::path::Path;

use device_bridge::{
    config::Task,
    health::HealthListen,
    install::{args::Alias, preset::Preset},
};
use serde_json::{Value, json};
use webhook::certificate::mode::Mode;

use super::{
    arguments::{agent, container, install, of_agent, of_webhook, ports_are_told},
    objects::{items, manifests, of_kind, rendered, word},
    posture, references,
};

/// An overlay, and what must be so of its objects.
type Overlay = (&'static str, fn(&[Value]));

/// The overlays that are written down here; the folder has these and no others.
const OVERLAYS: [Overlay; 12] = [
    ("cert-manager", cert_manager),
    ("crio", |objects| has_paths_of(objects, Preset::Crio)),
    ("k3s", |objects| has_paths_of(objects, Preset::K3s)),
    ("monitoring", monitoring),
    ("multus", multus),
    ("openshift", openshift),
    ("rke2", |objects| has_paths_of(objects, Preset::Rke2)),
    ("scheduler-extender", extender),
    ("scheduling-gates", gates),
    ("second-scheduler", second),
    ("thin", thin),
    ("traces", traces),
];

pub(super) fn every_overlay_holds() {
    let folder = std::fs::read_dir(manifests("overlays")).expect("the folder is there");
    let mut names: Vec<String> = folder
        .map(|entry| {
            let name = entry.expect("the folder can be read").file_name();
            name.to_string_lossy().into_owned()
        })
        .collect();
    names.sort();
    assert_eq!(names, OVERLAYS.map(|(name, _)| name));
    for (name, is_right) in OVERLAYS {
        let objects = rendered(&manifests("overlays").join(name));
        references::hold(&objects);
        ports_are_told(&objects);
        posture::webhook_is_restricted(&objects);
        posture::rights_are_few(&objects);
        is_right(&objects);
    }
}

/// The folders of the preset are mounted, below the agent's --host-root, and no others of the runtime.
pub(super) fn has_paths_of(objects: &[Value], preset: Preset) {
    let places = install(of_agent(objects)).places;
    let paths = preset.paths();
    for (given, wanted) in [
        (&places.bin_dir, paths.cni_bin_dir),
        (&places.conf_dir, paths.cni_conf_dir),
        (&places.primary_dir, paths.primary_conf_dir),
    ] {
        assert_eq!(given, Path::new(wanted), "{preset:?}");
        let here = places.here(given);
        let volume = volume_at(objects, &here.display().to_string());
        assert_eq!(volume["hostPath"]["path"], wanted, "{preset:?}");
    }
    let kubeconfig = places.kubeconfig.as_deref().expect("the plugin gets one");
    let folder = kubeconfig.parent().expect("a file is in a folder");
    let here = places.here(folder).display().to_string();
    let volume = volume_at(objects, &here);
    assert_eq!(volume["hostPath"]["path"], folder.display().to_string());
    let below = items(&agent_container(objects)["volumeMounts"])
        .map(|mount| word(&mount["mountPath"]))
        .filter(|path| path.starts_with("/host/"))
        .count();
    let primary = usize::from(!places.is_one_folder());
    let records = usize::from(matches!(of_agent(objects), Task::Serve(_)));
    assert_eq!(below, 3 + primary + records, "{preset:?}");
}

fn agent_container(objects: &[Value]) -> &Value {
    container(agent(objects), "polypod-device-bridge").expect("there is an agent")
}

/// The volume that the agent has there.
fn volume_at<'a>(objects: &'a [Value], path: &str) -> &'a Value {
    let mount = items(&agent_container(objects)["volumeMounts"])
        .find(|mount| mount["mountPath"] == path)
        .unwrap_or_else(|| panic!("nothing is mounted at {path}"));
    let volumes = &agent(objects)["spec"]["template"]["spec"]["volumes"];
    items(volumes)
        .find(|volume| volume["name"] == mount["name"])
        .expect("it is a volume")
}

fn names_of<'a>(objects: &'a [Value], kind: &'a str) -> Vec<String> {
    let of_kind = of_kind(objects, kind);
    of_kind
        .map(|object| word(&object["metadata"]["name"]))
        .collect()
}

fn openshift(objects: &[Value]) {
    has_paths_of(objects, Preset::Openshift);
    let constraints: Vec<_> = of_kind(objects, "RoleBinding")
        .map(|binding| word(&binding["roleRef"]["name"]))
        .filter(|name| name.starts_with("system:openshift:scc:"))
        .collect();
    assert_eq!(
        constraints,
        [
            "system:openshift:scc:privileged",
            "system:openshift:scc:nonroot-v2"
        ]
    );
}

/// The webhook serves what cert-manager issues for its name, writes nothing, and API servers are told the CA by the injector.
fn cert_manager(objects: &[Value]) {
    let Mode::Files { folder } = of_webhook(objects).certificate.mode else {
        panic!("the webhook makes its own certificate");
    };
    let webhook =
        of_kind(objects, "Deployment").find_map(|object| container(object, "polypod-webhook"));
    let mut mounts = items(&webhook.expect("there is a webhook")["volumeMounts"]);
    assert!(mounts.any(|mount| mount["mountPath"] == folder.display().to_string()));
    let certificate = of_kind(objects, "Certificate")
        .find(|object| object["metadata"]["name"] == "polypod-webhook")
        .expect("there is a Certificate");
    assert_eq!(certificate["spec"]["secretName"], "polypod-webhook-tls");
    let names = json!(["polypod-webhook.polypod-system.svc"]);
    assert_eq!(certificate["spec"]["dnsNames"], names);
    for kind in [
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
    ] {
        let injected: Vec<_> = of_kind(objects, kind)
            .map(|object| &object["metadata"]["annotations"]["cert-manager.io/inject-ca-from"])
            .collect();
        assert_eq!(injected, ["polypod-system/polypod-webhook"], "{kind}");
    }
    let written: Vec<&Value> = of_kind(objects, "Role")
        .chain(of_kind(objects, "ClusterRole"))
        .flat_map(|role| items(&role["rules"]))
        .filter(|rule| {
            let mut resources = items(&rule["resources"]);
            resources.any(|resource| {
                resource == "secrets" || word(resource).ends_with("webhookconfigurations")
            })
        })
        .flat_map(|rule| items(&rule["verbs"]))
        .filter(|verb| !["get", "list", "watch"].contains(&word(verb).as_str()))
        .collect();
    assert!(written.is_empty(), "{written:?}");
}

fn thin(objects: &[Value]) {
    let task = of_agent(objects);
    assert!(matches!(task, Task::Install { once: false, .. }));
    let install = install(task);
    assert!(!install.keys.contains_key("bridgeSocket"));
    has_paths_of(objects, Preset::Containerd);
    let folders: Vec<_> = items(&agent(objects)["spec"]["template"]["spec"]["volumes"])
        .map(|volume| word(&volume["hostPath"]["path"]))
        .filter(|path| !path.is_empty())
        .collect();
    assert_eq!(folders, ["/opt/cni/bin", "/etc/cni/net.d", "/run/polypod"]);
    // All that it asks of the API server is the plugin's token.
    let roles = names_of(objects, "ClusterRole");
    assert!(!roles.contains(&"polypod-device-bridge".to_owned()));
    let bound: Vec<String> = of_kind(objects, "RoleBinding")
        .chain(of_kind(objects, "ClusterRoleBinding"))
        .filter(|binding| {
            let mut subjects = items(&binding["subjects"]);
            subjects.any(|subject| subject["name"] == "polypod-device-bridge")
        })
        .map(|binding| word(&binding["roleRef"]["name"]))
        .collect();
    assert_eq!(bound, ["polypod-plugin-token"]);
}

fn multus(objects: &[Value]) {
    let Task::Serve(serve) = of_agent(objects) else {
        panic!("there is no agent");
    };
    assert_eq!(serve.hotplug.host_pid, Some(1));
    let socket = serve.hotplug.hotplug_socket.expect("there is a socket");
    assert_eq!(socket, Path::new("/run/multus/multus.sock"));
    assert_eq!(
        volume_at(objects, "/run/multus")["hostPath"]["path"],
        "/run/multus"
    );
    let overlay = serve
        .hotplug
        .hotplug_config
        .expect("there is a configuration");
    assert!(overlay.ends_with("daemon-config.json"));
    let install = serve.install.expect("the agent installs");
    assert_eq!(install.alias, Some(Alias::Multus));
    assert_eq!(install.keys["compat"], "multus");
    let pod = &agent(objects)["spec"]["template"]["spec"];
    assert_eq!(pod["hostPID"], true);
    let context = &agent_container(objects)["securityContext"];
    assert_eq!(context["privileged"], true);
    // The API server refuses the contrary beside it.
    assert_eq!(context["allowPrivilegeEscalation"], true);
    has_paths_of(objects, Preset::Containerd);
    let (name, text) = of_kind(objects, "ConfigMap")
        .find_map(|map| {
            Some((
                &map["metadata"]["name"],
                map["data"]["daemon-config.json"].as_str()?,
            ))
        })
        .expect("it is in a ConfigMap");
    // Multus's own is copied into this namespace under the name that it has: docs/migrating-from-multus.md.
    assert_eq!(name, "polypod-daemon-config");
    let keys: Value = serde_json::from_str(text).expect("it is JSON");
    // Else hot-plugged interfaces are of sandboxes that nobody knows.
    assert_eq!(keys["cniDir"], serve.cni_dir.of_node.display().to_string());
    // A preset beside it may have any folder, and the agent knows its own.
    assert_eq!(keys["binDir"], Value::Null);
}

/// Strangers may read the agents' metrics and nothing else of theirs, and somebody does.
fn monitoring(objects: &[Value]) {
    let Task::Serve(serve) = of_agent(objects) else {
        panic!("there is no agent");
    };
    let address = serve.health.metrics_listen.expect("there is a port");
    assert!(address.ip().is_unspecified(), "{address}");
    let Some(HealthListen::At(health)) = serve.health.health_listen else {
        panic!("there are no probes");
    };
    assert!(health.ip().is_loopback(), "{health}");
    has_paths_of(objects, Preset::Containerd);
    posture::agent_has_what_it_needs(objects);
    assert_eq!(
        names_of(objects, "PodMonitor"),
        ["polypod-device-bridge", "polypod-webhook"]
    );
    assert_eq!(names_of(objects, "PrometheusRule"), ["polypod"]);
    let dashboard = of_kind(objects, "ConfigMap")
        .find(|object| object["metadata"]["name"] == "polypod-dashboard")
        .expect("there is a dashboard");
    assert_eq!(dashboard["metadata"]["labels"]["grafana_dashboard"], "1");
}

/// Rights for schedulers are bound, and there is room for what is known of a large cluster.
fn knows_nodes(objects: &[Value]) {
    for name in [
        "polypod-webhook-scheduling",
        "polypod-webhook-scheduling-writes",
    ] {
        let bindings = names_of(objects, "ClusterRoleBinding");
        assert!(bindings.contains(&name.to_owned()), "{name}");
    }
    assert!(of_webhook(objects).scheduler.is_some());
}

fn extender(objects: &[Value]) {
    knows_nodes(objects);
    let config = of_webhook(objects);
    assert!(config.scheduler.is_some_and(|plan| plan.answers));
    assert_eq!(config.policy.scheduling.scheduler_name, None);
}

fn second(objects: &[Value]) {
    knows_nodes(objects);
    let config = of_webhook(objects);
    assert!(config.scheduler.is_some_and(|plan| plan.answers));
    let name = config.policy.scheduling.scheduler_name;
    let name = name.map(|name| name.to_string());
    assert_eq!(name.as_deref(), Some("polypod-scheduler"));
    assert!(names_of(objects, "Deployment").contains(&"polypod-scheduler".to_owned()));
}

fn gates(objects: &[Value]) {
    knows_nodes(objects);
    let config = of_webhook(objects);
    assert!(config.policy.scheduling.gates.enabled, "nobody waits");
    assert!(config.waiting.is_some(), "nobody lifts the gate");
}

/// Both send to the node's collector, and the webhook's pods are let out to it.
fn traces(objects: &[Value]) {
    let Task::Serve(serve) = of_agent(objects) else {
        panic!("there is no agent");
    };
    let webhook = of_webhook(objects);
    for endpoint in [serve.telemetry.endpoint(), webhook.telemetry.endpoint()] {
        assert_eq!(endpoint, Some("http://192.0.2.1:4317"));
    }
    let policy = of_kind(objects, "NetworkPolicy")
        .find(|policy| policy["metadata"]["name"] == "polypod-webhook-traces")
        .expect("there is a NetworkPolicy");
    assert_eq!(
        policy["spec"]["egress"],
        json!([{"ports": [{"port": 4317, "protocol": "TCP"}]}])
    );
    let selected = &policy["spec"]["podSelector"]["matchLabels"];
    let labels = of_kind(objects, "Deployment")
        .find(|object| object["metadata"]["name"] == "polypod-webhook")
        .map(|webhook| &webhook["spec"]["template"]["metadata"]["labels"]);
    let name = "app.kubernetes.io/name";
    assert_eq!(labels.map(|labels| &labels[name]), Some(&selected[name]));
    // A variable is put into those that come after it alone; one that is not there is not replaced, and no URL.
    for workload in ["Deployment", "DaemonSet"] {
        let workload = of_kind(objects, workload).next();
        let pod = &workload.expect("there is one")["spec"]["template"]["spec"];
        let variables: Vec<&Value> = items(&pod["containers"][0]["env"]).collect();
        let at = |wanted: &str| {
            let found = variables.iter().position(|one| one["name"] == wanted);
            found.unwrap_or_else(|| panic!("there is no {wanted}: {variables:?}"))
        };
        let address = at("HOST_IP");
        assert!(address < at("OTEL_EXPORTER_OTLP_ENDPOINT"), "{variables:?}");
        let field = &variables[address]["valueFrom"]["fieldRef"]["fieldPath"];
        assert_eq!(field, "status.hostIP");
    }
}
