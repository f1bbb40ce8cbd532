//! The status of a NodeInventory says how the node's agent is, written with the agent's own rights.

use std::{
    ffi::OsStr,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::manifests::installed::{Installed, SYSTEM};
use crate::{
    fixture::{
        claiming_kubelet::ClaimingKubelet,
        daemon::Daemon,
        needs::{self, Need},
    },
    install::{Folders, plugin_binary},
    scenario::Scenario,
};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![Scenario {
        name: "cluster::a_nodes_status_follows_its_agent",
        needs: &[Need::ControlPlane, Need::Kubectl],
        body: a_nodes_status_follows_its_agent,
    }]
}

const REPORT: &str = "/apis/polypod.dev/v1alpha1/nodeinventories/node-1";
const CRD: &str =
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/nodeinventories.polypod.dev";

struct World {
    installed: Installed,
    folders: Folders,
    kubeconfig: PathBuf,
}

fn a_nodes_status_follows_its_agent() {
    let world = World::start();
    let kubelet = world.kubelet();
    let agent = world.agent();
    let well = world.becomes("Ready", "True", "Ready");
    let version = env!("CARGO_PKG_VERSION");
    let observed = json!([
        well["agentVersion"],
        well["pluginVersion"],
        well["runtimeConfiguration"]
    ]);
    assert_eq!(observed, json!([version, version, "00-polypod.conflist"]));
    for kind in ["Serving", "ConfigurationInstalled", "KubeletAnswers"] {
        assert_eq!(condition(&well, kind)["status"], "True", "{well}");
    }
    as_kubectl_shows(&world);

    // A stranger takes the runtime over, and is gone again.
    let stranger = json!({"cniVersion": "1.0.0", "name": "s", "plugins": [{"type": "ptp"}]});
    world.folders.put("00-a.conflist", &stranger);
    let displaced = world.becomes("Ready", "False", "NotFirst");
    assert_eq!(displaced["runtimeConfiguration"], "00-a.conflist");
    let words = condition(&displaced, "ConfigurationInstalled")["message"].to_string();
    assert!(
        words.contains("00-a.conflist sorts before 00-polypod.conflist"),
        "{words}"
    );
    assert_eq!(
        condition(&displaced, "KubeletAnswers"),
        condition(&well, "KubeletAnswers")
    );
    std::fs::remove_file(world.folders.path("net.d/00-a.conflist")).expect("it is there");
    let again = world.becomes("Ready", "True", "Ready");
    let since = |status: &Value, kind: &str| condition(status, kind)["lastTransitionTime"].clone();
    assert!(
        since(&again, "Ready").as_str() > since(&well, "Ready").as_str(),
        "{again}"
    );
    assert_eq!(since(&again, "Serving"), since(&well, "Serving"));

    // The kubelet goes: the report is the last one that there was, and the status says why.
    drop(kubelet);
    std::fs::remove_file(world.folders.path("kubelet.sock")).expect("it is there");
    let unseen = world.becomes("KubeletAnswers", "False", "SocketMissing");
    assert_eq!(
        condition(&unseen, "Ready")["reason"],
        "SocketMissing",
        "{unseen}"
    );
    let kubelet = world.kubelet();
    let again = world.becomes("KubeletAnswers", "True", "Answering");

    // Killed, nobody says anything; the next one finds what was said, and keeps it.
    drop(agent);
    let sequence = world.report()["epoch"].clone();
    let agent = world.agent();
    until("the next report", || world.report()["epoch"] != sequence);
    world.folders.put("00-a.conflist", &stranger);
    let told = world.becomes("ConfigurationInstalled", "False", "NotFirst");
    assert_eq!(
        since(&told, "KubeletAnswers"),
        since(&again, "KubeletAnswers")
    );
    assert_eq!(since(&told, "Serving"), since(&well, "Serving"));

    // Stopped, it says so.
    assert!(agent.stop());
    let stopped = world.report()["status"].clone();
    assert_eq!(
        condition(&stopped, "Serving")["reason"],
        "Stopping",
        "{stopped}"
    );
    assert_eq!(
        since(&stopped, "KubeletAnswers"),
        since(&again, "KubeletAnswers")
    );

    without_the_subresource(&world);
    drop(kubelet);
}

/// An API server that takes no status is told so once, and everything else goes on.
fn without_the_subresource(world: &World) {
    let crd = world.installed.plane.ask("GET", CRD, &Value::Null).body;
    let mut versions = crd["spec"]["versions"].clone();
    versions[0]["subresources"] = Value::Null;
    let changed = world
        .installed
        .plane
        .ask("PATCH", CRD, &json!({"spec": {"versions": versions}}));
    assert_eq!(changed.status, 200, "{}", changed.body);
    let status = format!("{REPORT}/status");
    until("the subresource is gone", || {
        world
            .installed
            .plane
            .ask("GET", &status, &Value::Null)
            .status
            == 404
    });
    let agent = world.agent();
    let health = agent.ready("health ");
    let metrics = || {
        ureq::get(format!("{health}/metrics"))
            .call()
            .ok()?
            .body_mut()
            .read_to_string()
            .ok()
    };
    let refused = r#"polypod_bridge_published_total{what="node-status",outcome="error"}"#;
    until("it has tried", || {
        metrics().is_some_and(|text| text.contains(refused))
    });
    let before = world.report();
    until("reports go on", || {
        world.report()["sequence"] != before["sequence"]
    });
    let log = agent.log();
    assert_eq!(log.matches("takes no status").count(), 1, "{log}");
    assert!(!log.contains("panicked"), "{log}");
}

/// The columns; and whoever waits for a condition believes it, however many reports have come since.
fn as_kubectl_shows(world: &World) {
    let before = world.report();
    until("another report", || {
        world.report()["metadata"]["generation"] != before["metadata"]["generation"]
    });
    let shown = kubectl(world, &["get", "nodeinv", "node-1", "-o", "wide"]);
    let mut lines = shown
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    let columns = lines.next().expect("kubectl prints a line of names");
    assert_eq!(columns[..3], ["NAME", "READY", "SINCE"], "{shown}");
    let row = lines.next().expect("kubectl prints the node");
    assert_eq!(row[..2], ["node-1", "True"], "{shown}");
    let version = env!("CARGO_PKG_VERSION");
    assert!(
        row.ends_with(&[version, version, "00-polypod.conflist"]),
        "{shown}"
    );
    kubectl(
        world,
        &[
            "wait",
            "--for=condition=Ready",
            "--timeout=60s",
            "nodeinv/node-1",
        ],
    );
}

fn kubectl(world: &World, arguments: &[&str]) -> String {
    let output = Command::new(needs::kubectl().expect("the scenario needs it"))
        .arg("--kubeconfig")
        .arg(world.installed.plane.kubeconfig())
        .args(arguments)
        .env("HOME", world.installed.folder.path())
        .output()
        .expect("kubectl can be executed");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "kubectl {arguments:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

impl World {
    /// A cluster with the node, and the agent's pod on it.
    fn start() -> Self {
        let installed = Installed::start(&[]);
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"}});
        installed.apply(&node);
        let mut pod =
            installed.object("DaemonSet", "polypod-device-bridge")["spec"]["template"].clone();
        pod["metadata"]["name"] = json!("polypod-device-bridge-node-1");
        pod["spec"]["nodeName"] = json!("node-1");
        let path = format!("/api/v1/namespaces/{SYSTEM}/pods");
        let made = installed.plane.ask("POST", &path, &pod);
        assert_eq!(made.status, 201, "{}", made.body);
        let account = "polypod-device-bridge";
        let kubeconfig = installed
            .plane
            .kubeconfig_of(SYSTEM, account, Some(&made.body));
        let folders = Folders::new(&installed.folder.path().join("node"));
        let cluster = json!({"cniVersion": "1.0.0", "name": "c", "plugins": [{"type": "bridge"}]});
        folders.put("10-c.conflist", &cluster);
        Self {
            installed,
            folders,
            kubeconfig,
        }
    }

    fn kubelet(&self) -> ClaimingKubelet {
        ClaimingKubelet::start(&self.folders.path("kubelet.sock"), &[])
    }

    fn agent(&self) -> Daemon {
        let path = |name: &str| self.folders.path(name).display().to_string();
        let flag = |flag: &str, name: &str| format!("{flag}={}", path(name));
        let given = [
            format!("--kubeconfig={}", self.kubeconfig.display()),
            format!("--plugin-binary={}", plugin_binary()),
            flag("--bridge-socket", "bridge.sock"),
            flag("--pod-resources-socket", "kubelet.sock"),
            flag("--device-checkpoint", "kubelet/device-plugins/checkpoint"),
            flag("--sysfs-root", "sys"),
            flag("--device-info-dir", "devinfo"),
        ];
        let given = given.iter().map(String::as_str);
        let fixed = [
            "--install",
            "--node-name=node-1",
            "--health-listen=127.0.0.1:0",
            "--topology-heartbeat=10",
        ];
        let all: Vec<&str> = fixed.into_iter().chain(given).collect();
        let arguments = self.folders.arguments("serve", &all);
        let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        Daemon::start("polypod-device-bridge", &arguments)
    }

    fn report(&self) -> Value {
        self.installed.plane.ask("GET", REPORT, &Value::Null).body
    }

    /// The status, once a condition is so.
    fn becomes(&self, kind: &str, status: &str, reason: &str) -> Value {
        let found = || self.report()["status"].clone();
        until(&format!("{kind}={status} ({reason})"), || {
            let status_now = found();
            let condition = condition(&status_now, kind);
            condition["status"] == status && condition["reason"] == reason
        });
        found()
    }
}

fn condition(status: &Value, kind: &str) -> Value {
    let all = status["conditions"].as_array().into_iter().flatten();
    let mut of_kind = all.filter(|condition| condition["type"] == kind);
    of_kind.next().cloned().unwrap_or_default()
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(90);
    while !is_so() {
        assert!(Instant::now() < end, "it did not come about: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
