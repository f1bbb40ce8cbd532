//! The webhook as an operator registers it with a real API server.

mod as_registered;
mod chart_conditions;
mod definitions;
mod failing;
mod kubectl;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::manifests::installed::Installed;
use crate::{
    fixture::{
        control_plane::{ControlPlane, Reply, free_ports},
        daemon::Daemon,
        needs::Need,
    },
    scenario::Scenario,
};

const PODS: &str = "/api/v1/namespaces/default/pods";
const NETWORKS: &str = "/apis/k8s.cni.cncf.io/v1/namespaces/default/network-attachment-definitions";
const CONFIGURATIONS: &str = "/apis/admissionregistration.k8s.io/v1";
const RESOURCE: &str = "example.com/foo";

pub(super) fn scenarios() -> Vec<Scenario> {
    const PLANE: &[Need] = &[Need::ControlPlane];
    const KUBECTL: &[Need] = &[Need::ControlPlane, Need::Kubectl];
    vec![
        Scenario {
            name: "cluster::admission_as_registered",
            needs: PLANE,
            body: as_registered::as_registered,
        },
        Scenario {
            name: "cluster::admission_of_definitions_in_use",
            needs: PLANE,
            body: definitions::in_use,
        },
        Scenario {
            name: "cluster::admission_when_a_hook_fails",
            needs: PLANE,
            body: failing::when_a_hook_fails,
        },
        Scenario {
            name: "cluster::admission_of_whom_the_chart_says",
            needs: &[Need::ControlPlane, Need::Helm],
            body: chart_conditions::whom_the_hooks_are_asked_about,
        },
        Scenario {
            name: "cluster::admission_as_kubectl_shows",
            needs: KUBECTL,
            body: kubectl::as_kubectl_shows,
        },
    ]
}

/// An API server that calls a webhook, with the networks `foo` and `bar` of devices, `plain` of none, and `ns1/foo`. The
/// webhook has the rights of the manifests, and registers itself.
struct Cluster {
    plane: ControlPlane,
    /// Stopped by dropping it.
    webhook: Option<Daemon>,
    /// Of its configuration.
    _folder: tempfile::TempDir,
}

impl Cluster {
    fn start() -> Self {
        let installed = Installed::start(&[]);
        let plane = &installed.plane;
        until(|| plane.ask("GET", NETWORKS, &Value::Null).status == 200);
        let namespace = json!({"metadata": {"name": "ns1"}});
        plane
            .ask("POST", "/api/v1/namespaces", &namespace)
            .is_created();
        for network in [
            network("foo", Some(RESOURCE)),
            network("bar", Some("example.com/bar")),
            network("plain", None),
        ] {
            plane.ask("POST", NETWORKS, &network).is_created();
        }
        let elsewhere = NETWORKS.replace("default", "ns1");
        let nsfoo = network("foo", Some("example.com/nsfoo"));
        plane.ask("POST", &elsewhere, &nsfoo).is_created();

        let [port] = free_ports();
        let listen = format!("--listen=127.0.0.1:{port}");
        let webhook = installed.webhook(&[&listen, "--shutdown-delay=0s"]);
        webhook.ready("serving ");
        let health = webhook.ready("health ");
        until(|| ureq::get(format!("{health}/readyz")).call().is_ok());
        installed.register(port);
        installed.wait_for_registration();
        let cluster = Self {
            plane: installed.plane,
            webhook: Some(webhook),
            _folder: installed.folder,
        };
        cluster.wait();
        cluster
    }

    /// The API server reads configurations by watching; until it has, nobody is asked.
    fn wait(&self) {
        until(|| {
            let created = self.dry_run(&pod("probe", "foo"));
            created.status == 201 && resources(&created.body) == resources_of(1)
        });
        // Both validating hooks are of one object.
        let broken = json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition", "metadata": {"name": "probe"}, "spec": {"config": "{"}});
        until(|| {
            let path = format!("{NETWORKS}?dryRun=All");
            self.plane.ask("POST", &path, &broken).status == 422
        });
    }

    fn create(&self, pod: &Value) -> Reply {
        self.plane.ask("POST", PODS, pod)
    }

    fn dry_run(&self, pod: &Value) -> Reply {
        self.plane.ask("POST", &format!("{PODS}?dryRun=All"), pod)
    }
}

/// A pod with one container `c0`, as people write it.
fn pod(name: &str, networks: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "annotations": {"k8s.v1.cni.cncf.io/networks": networks}},
        "spec": {"containers": [{"name": "c0", "image": "busybox"}]}})
}

fn network(name: &str, resource: Option<&str>) -> Value {
    let config = match resource {
        Some(_) => r#"{"cniVersion":"1.0.0","type":"sriov"}"#,
        None => r#"{"cniVersion":"1.0.0","type":"bridge"}"#,
    };
    let mut object = json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
        "metadata": {"name": name}, "spec": {"config": config}});
    if let Some(resource) = resource {
        object["metadata"]["annotations"] = json!({"k8s.v1.cni.cncf.io/resourceName": resource});
    }
    object
}

/// The resources of the first container.
fn resources(pod: &Value) -> Value {
    pod["spec"]["containers"][0]["resources"].clone()
}

/// Requests and limits of so many devices.
fn resources_of(quantity: u64) -> Value {
    let quantities = json!({RESOURCE: quantity.to_string()});
    json!({"requests": quantities, "limits": quantities})
}

/// Denied by this webhook with these words, and with causes that name fields.
fn is_denied(reply: &Reply, webhook: &str, words: &[&str]) {
    let status = &reply.body;
    assert!(matches!(reply.status, 403 | 422), "{reply:?}");
    assert_eq!(status["code"], reply.status, "{status}");
    let reason = if reply.status == 403 {
        "Forbidden"
    } else {
        "Invalid"
    };
    assert_eq!(status["reason"], reason, "{status}");
    let message = status["message"].as_str().unwrap_or_default();
    let head = format!("admission webhook \"{webhook}\" denied the request: ");
    assert!(message.starts_with(&head), "{message}");
    for word in words {
        assert!(message.contains(word), "{word:?}: {message}");
    }
    let causes = status["details"]["causes"].as_array();
    let causes = causes.unwrap_or_else(|| panic!("no causes: {status}"));
    assert!(!causes.is_empty(), "{status}");
    for cause in causes {
        assert!(
            cause["field"].is_string() && cause["message"].is_string(),
            "{status}"
        );
    }
}

/// Asks until it is so.
fn until(mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(
            Instant::now() < until,
            "it did not come about within a minute"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}
