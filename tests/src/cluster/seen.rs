//! `kubectl-polypod status`, `get attachments` and `top devices` of a real cluster: whole, with few rights, and half installed.

use std::{
    process::Output,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::manifests::installed::{Installed, SYSTEM};
use crate::{
    fixture::{binaries, kubectl_polypod, needs::Need},
    scenario::Scenario,
};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![Scenario {
        name: "cluster::what_people_see",
        needs: &[Need::ControlPlane],
        body: what_people_see,
    }]
}

const INVENTORIES: &str = "/apis/polypod.dev/v1alpha1/nodeinventories";
const PODS: &str = "/api/v1/namespaces/default/pods";
const DEFINITION: &str =
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/nodeinventories.polypod.dev";

struct World {
    installed: Installed,
}

fn what_people_see() {
    // It may have to be built first, and what is reported below would grow old meanwhile.
    let _ = binaries::path("kubectl-polypod");
    let world = World {
        installed: Installed::start(&[]),
    };
    world.fill();
    world.as_administrator();
    world.as_somebody_who_may_read_pods();
    world.the_story_without_nodes();
    world.half_installed();
    unreachable();
}

impl World {
    fn made(&self, path: &str, object: &Value) -> Value {
        let reply = self.installed.plane.ask("POST", path, object);
        assert_eq!(reply.status, 201, "{}", reply.body);
        reply.body
    }

    fn patched(&self, path: &str, change: &Value) {
        let reply = self.installed.plane.ask("PATCH", path, change);
        assert_eq!(reply.status, 200, "{}", reply.body);
    }

    /// Two nodes, of which one reports; two pods, of which one waits in vain.
    fn fill(&self) {
        for name in ["n1", "n2"] {
            let node = json!({"metadata": {"name": name, "labels": {"kubernetes.io/os": "linux"}}});
            self.made("/api/v1/nodes", &node);
        }
        let network = json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
            "metadata": {"name": "left", "annotations": {"k8s.v1.cni.cncf.io/resourceName": "example.com/vf"}},
            "spec": {"config": r#"{"cniVersion":"1.0.0","name":"left","plugins":[{"type":"sriov"},{"type":"tuning"}]}"#}});
        let networks = "/apis/k8s.cni.cncf.io/v1/namespaces/default/network-attachment-definitions";
        self.made(networks, &network);
        let account = "/api/v1/namespaces/default/serviceaccounts";
        let reply =
            self.installed
                .plane
                .ask("POST", account, &json!({"metadata": {"name": "default"}}));
        assert!(matches!(reply.status, 201 | 409), "{}", reply.body);
        let uid = self.pod("upf");
        let status = json!([{"name": "cluster", "interface": "eth0", "ips": ["10.244.0.7"], "default": true, "dns": {}},
            {"name": "default/left", "interface": "net1", "ips": ["192.168.1.7"], "mac": "02:00:00:00:00:01", "mtu": 9000, "dns": {},
                "device-info": {"type": "pci", "version": "1.1.0", "pci": {"pci-address": "0000:3b:02.1"}}}]);
        self.patched(
            &format!("{PODS}/upf"),
            &json!({"metadata": {"annotations": {"k8s.v1.cni.cncf.io/network-status": status.to_string()}}}),
        );
        self.pod("stuck");
        self.event(
            "upf",
            &uid,
            "Normal",
            "AddedInterface",
            "Add net1 [192.168.1.7/24] from default/left",
        );
        self.event(
            "stuck",
            "",
            "Warning",
            "FailedCreatePodSandBox",
            "plugin sriov failed (add): no such device",
        );
        self.report(&uid);
    }

    fn pod(&self, name: &str) -> String {
        let pod = json!({"metadata": {"name": name, "annotations": {"k8s.v1.cni.cncf.io/networks": "left"}},
            "spec": {"nodeName": "n1", "automountServiceAccountToken": false,
                "containers": [{"name": "app", "image": "busybox", "resources": {
                    "requests": {"example.com/vf": "1"}, "limits": {"example.com/vf": "1"}}}]}});
        let made = self.made(PODS, &pod);
        made["metadata"]["uid"]
            .as_str()
            .expect("it has one")
            .to_owned()
    }

    fn event(&self, pod: &str, uid: &str, kind: &str, reason: &str, message: &str) {
        let event = json!({"metadata": {"name": format!("{pod}.1")}, "type": kind, "reason": reason, "message": message,
            "involvedObject": {"apiVersion": "v1", "kind": "Pod", "namespace": "default", "name": pod, "uid": uid},
            "firstTimestamp": now(), "lastTimestamp": now(), "count": 1, "source": {"component": "multus"}});
        self.made("/api/v1/namespaces/default/events", &event);
    }

    /// What the agent of n1 says; it was displaced. Its clock is ahead, so that a slow machine makes the report no older.
    fn report(&self, holder: &str) {
        let group = |ids: &[&str]| json!({"resource": "example.com/vf", "zones": [1], "physicalFunction": "0000:3b:00.0", "ids": ids});
        let amount =
            json!({"name": "example.com/vf", "capacity": 4, "allocatable": 4, "available": 3});
        let report = json!({"apiVersion": "polypod.dev/v1alpha1", "kind": "NodeInventory", "metadata": {"name": "n1"},
            "epoch": 1, "sequence": 1, "observedAt": "2099-01-01T00:00:00Z",
            "topologyManager": {"policy": "single-numa-node", "scope": "container"},
            "zones": [{"id": 0}, {"id": 1, "resources": [amount]}], "resources": [amount],
            "physicalFunctions": [{"address": "0000:3b:00.0", "interface": "ens1f0", "zone": 1, "totalVFs": 8, "configuredVFs": 4}],
            "devices": [group(&["0000:3b:02.0", "0000:3b:02.1", "0000:3b:02.2", "0000:3b:02.3"])],
            "allocations": [{"podUID": holder, "namespace": "default", "name": "upf", "containers": [
                {"name": "app", "devices": [group(&["0000:3b:02.1"])]}]}]});
        self.made(INVENTORIES, &report);
        let conditions = json!([{"type": "Ready", "status": "False", "reason": "NotFirst",
            "message": "00-a.conflist sorts before 00-polypod.conflist", "lastTransitionTime": now()}]);
        self.patched(
            &format!("{INVENTORIES}/n1/status"),
            &json!({"status": {"agentVersion": "0.1.0", "conditions": conditions}}),
        );
    }

    fn ask(&self, arguments: &[&str]) -> Output {
        let kubeconfig = self.installed.plane.kubeconfig().display().to_string();
        asked(arguments, &kubeconfig)
    }

    fn as_administrator(&self) {
        let told = json_of(&self.ask(&["get", "attachments", "upf", "-o", "json"]));
        let found = &told["attachments"][1];
        for (field, wanted) in [
            ("interface", json!("net1")),
            ("network", json!("default/left")),
            ("addresses", json!(["192.168.1.7"])),
            ("device", json!("0000:3b:02.1")),
            ("resource", json!("example.com/vf")),
            ("numaNodes", json!([1])),
            ("physicalFunction", json!("0000:3b:00.0")),
            ("physicalInterface", json!("ens1f0")),
            ("delegates", json!(["sriov", "tuning"])),
            ("state", json!("Attached")),
        ] {
            assert_eq!(found[field], wanted, "{field}: {told}");
        }
        assert!(found["attachedAt"].is_string(), "{told}");
        assert_eq!(told["unseen"], json!([]));
        let yaml = stdout(&self.ask(&["get", "attachments", "-A", "-o", "yaml"]));
        let yaml: Value = serde_yaml_ng::from_str(&yaml).expect("it is YAML");
        let stuck = &yaml["attachments"].as_array().expect("a list")[0];
        assert_eq!(
            (&stuck["pod"], &stuck["state"]),
            (&json!("stuck"), &json!("Failing"))
        );
        let missing = self.ask(&["get", "attachments", "nobody"]);
        assert_eq!(missing.status.code(), Some(2));

        let told = json_of(&self.ask(&["top", "devices", "-o", "json"]));
        let total = &told["resources"][0];
        let numbers = [
            "devices",
            "held",
            "assumed",
            "free",
            "largestAligned",
            "scattered",
        ];
        let numbers = numbers.map(|name| total[name].as_i64());
        assert_eq!(numbers, [4, 1, 1, 3, 3, 0].map(Some), "{told}");
        let part = &told["nodes"][0]["resources"][0]["parts"][0];
        assert_eq!(
            (&part["zones"], &part["interface"]),
            (&json!([1]), &json!("ens1f0"))
        );
        let table = stdout(&self.ask(&["top", "devices", "--node", "n1"]));
        assert!(
            table.contains("FRAGMENTED") && table.contains("0000:3b:00.0"),
            "{table}"
        );
        let stranger = self.ask(&["top", "devices", "--node", "n9"]);
        assert_eq!(stranger.status.code(), Some(2));

        let output = self.ask(&["status", "-o", "json"]);
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        let told: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
        let reasons: Vec<(&str, &str)> = told["degraded"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|one| (text(&one["what"]), text(&one["reason"])))
            .collect();
        // Nobody runs the Deployment here, and the DaemonSet's controller has not counted its nodes.
        assert_eq!(
            reasons,
            [
                ("deployment/polypod-webhook", "NotAllReady"),
                ("node/n1", "NotFirst"),
                ("node/n2", "NoReport"),
                ("pod/default/stuck", "AttachmentFailing"),
            ],
            "{told}"
        );
        let since = &told["degraded"][1]["since"];
        assert!(since.is_string(), "{told}");
    }

    /// The kubeconfig of a ServiceAccount that may read these in its namespace, and nothing else.
    fn reader(&self, name: &str, resources: &[&str]) -> String {
        let rights = "/apis/rbac.authorization.k8s.io/v1/namespaces/default";
        let role = json!({"metadata": {"name": name}, "rules": [
            {"apiGroups": [""], "resources": resources, "verbs": ["get", "list"]}]});
        self.made(&format!("{rights}/roles"), &role);
        let binding = json!({"metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "namespace": "default", "name": name}]});
        self.made(&format!("{rights}/rolebindings"), &binding);
        let account = format!("system:serviceaccount:default:{name}");
        let kubeconfig = self.installed.plane.kubeconfig_as(&account);
        kubeconfig.display().to_string()
    }

    /// Whoever may read pods and Events of a namespace is told the story of a pod, and why its nodes are not judged.
    fn the_story_without_nodes(&self) {
        let kubeconfig = self.reader("storyteller", &["pods", "events"]);
        let ask = |arguments: &[&str]| asked(arguments, &kubeconfig);
        // Rights take a moment to be in force.
        let until = Instant::now() + Duration::from_secs(30);
        let output = loop {
            let output = ask(&["why", "stuck"]);
            if output.status.code() == Some(0) || Instant::now() > until {
                break output;
            }
            std::thread::sleep(Duration::from_millis(100));
        };
        let (out, err) = (stdout(&output), stderr(&output));
        assert_eq!(output.status.code(), Some(0), "{out}{err}");
        let mut rest = out.as_str();
        for words in [
            "admission: 1 network selected; not judged, because cannot see network-attachment-definitions",
            "pod default/stuck: bound to n1\n",
            "nodes are not judged",
            "cannot see nodes of the cluster: you may not list them (403)",
            "cannot see pods of the cluster: you may not list them (403)",
            "attachments:\n",
            "events:\n",
            "FailedCreatePodSandBox by multus: plugin sriov failed (add): no such device",
            "what to do:\n",
            "to see why nodes fit or do not: have the right to list nodes granted",
        ] {
            let Some((_, after)) = rest.split_once(words) else {
                panic!("{words}: {out}{err}")
            };
            rest = after;
        }
        assert!(err.contains("warning: cannot see nodes"), "{err}");
        let told = json_of(&ask(&["why", "upf", "-o", "json"]));
        assert_eq!(
            (&told["version"], &told["boundTo"], &told["pod"]["name"]),
            (&json!(1), &json!("n1"), &json!("upf"))
        );
        assert!(text(&told["unjudged"]).contains("nodes"), "{told}");
        assert_eq!(told["attachments"][1]["interface"], "net1", "{told}");
        let unseen = told["unseen"].as_array().expect("a list");
        let of = |resource: &str| {
            let is_of = |one: &&Value| text(&one["what"]).starts_with(resource);
            unseen.iter().filter(is_of).count()
        };
        assert_eq!((of("nodes "), of("pods ")), (1, 1), "{told}");
        let yaml = stdout(&ask(&["why", "upf", "-o", "yaml"]));
        let yaml: Value = serde_yaml_ng::from_str(&yaml).expect("it is YAML");
        assert_eq!(yaml["boundTo"], "n1");
        let nobody = ask(&["why", "nobody"]);
        assert_eq!(nobody.status.code(), Some(2), "{}", stdout(&nobody));
        let elsewhere = ask(&["why", "upf", "-n", "kube-system"]);
        assert_eq!(elsewhere.status.code(), Some(2));
        assert!(
            stderr(&elsewhere).contains("you may not get them (403)"),
            "{}",
            stderr(&elsewhere)
        );
    }

    /// A ServiceAccount that may read the pods of its namespace, and nothing else.
    fn as_somebody_who_may_read_pods(&self) {
        let kubeconfig = self.reader("reader", &["pods"]);
        let ask = |arguments: &[&str]| asked(arguments, &kubeconfig);
        // Rights take a moment to be in force.
        let until = Instant::now() + Duration::from_secs(30);
        while ask(&["get", "attachments", "upf"]).status.code() != Some(0) {
            assert!(Instant::now() < until, "the account may not read pods");
            std::thread::sleep(Duration::from_millis(100));
        }
        let output = ask(&["get", "attachments", "-o", "json"]);
        let told = json_of(&output);
        let attachments = told["attachments"].as_array().expect("a list");
        let attached = |one: &&Value| one["pod"] == "upf" && one["interface"] == "net1";
        let net1 = attachments.iter().find(attached).expect("it is there");
        assert_eq!(net1["device"], "0000:3b:02.1");
        assert_eq!(net1["numaNodes"], Value::Null);
        let unseen = told["unseen"].as_array().expect("a list");
        assert_eq!(unseen.len(), 3, "{told}");
        assert!(
            unseen.iter().all(|one| one["cause"] == "Forbidden"),
            "{told}"
        );
        let warned = stderr(&output);
        assert!(warned.contains("you may not list them (403)"), "{warned}");

        let output = ask(&["status", "-n", "default"]);
        let (out, err) = (stdout(&output), stderr(&output));
        // Without Events nobody knows that one of the pods waits in vain.
        assert_eq!(output.status.code(), Some(0), "{out}{err}");
        assert!(out.contains("1 attached, 1 awaited"), "{out}");
        assert!(out.contains("webhook        unknown"), "{out}");
        let blind = ask(&["status"]);
        assert_eq!(blind.status.code(), Some(2), "{}", stdout(&blind));
        assert!(
            stderr(&blind).contains("nothing of the cluster can be seen"),
            "{}",
            stderr(&blind)
        );
        let output = ask(&["top", "devices"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(
            stderr(&output).contains("nodeinventories.polypod.dev"),
            "{}",
            stderr(&output)
        );
    }

    /// The kind NodeInventory is gone, and with it all reports; everything else is told.
    fn half_installed(&self) {
        let reply = self.installed.plane.ask("DELETE", DEFINITION, &Value::Null);
        assert_eq!(reply.status, 200, "{}", reply.body);
        let until = Instant::now() + Duration::from_secs(60);
        while self
            .installed
            .plane
            .ask("GET", INVENTORIES, &Value::Null)
            .status
            != 404
        {
            assert!(Instant::now() < until, "the kind is still served");
            std::thread::sleep(Duration::from_millis(100));
        }
        let daemon_set =
            format!("/apis/apps/v1/namespaces/{SYSTEM}/daemonsets/polypod-device-bridge");
        let reply = self
            .installed
            .plane
            .ask("DELETE", &daemon_set, &Value::Null);
        assert_eq!(reply.status, 200, "{}", reply.body);
        let output = self.ask(&["status", "-o", "json"]);
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        let told: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
        let unseen = &told["unseen"][0];
        assert_eq!(unseen["cause"], "NotServed", "{told}");
        assert!(text(&unseen["whatToDo"]).contains("install.yaml"), "{told}");
        let degraded = told["degraded"].as_array().expect("a list").iter();
        let degraded: Vec<&str> = degraded.map(|one| text(&one["what"])).collect();
        assert_eq!(
            degraded,
            [
                "deployment/polypod-webhook",
                "daemonset/polypod-device-bridge",
                "pod/default/stuck"
            ]
        );
        let output = self.ask(&["top", "devices"]);
        assert_eq!(output.status.code(), Some(2));
        let err = stderr(&output);
        assert!(
            err.contains("serves no polypod.dev/v1alpha1 NodeInventory"),
            "{err}"
        );
        let found = self.ask(&["get", "attachments", "upf"]);
        assert_eq!(found.status.code(), Some(0), "{}", stderr(&found));
    }
}

/// An API server that nobody runs, and one that takes connections and says nothing.
fn unreachable() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback can be listened at");
    let silent = silent
        .local_addr()
        .map(|at| (at, silent))
        .expect("it has an address");
    let gone = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback can be listened at");
    let at = gone.local_addr().expect("it has an address");
    drop(gone);
    for (address, words) in [(at, "does not answer"), (silent.0, "API server")] {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let file = folder.path().join("kubeconfig");
        let kubeconfig = json!({"apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": format!("https://{address}")}}],
            "users": [{"name": "c", "user": {"token": "t"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}]});
        std::fs::write(&file, kubeconfig.to_string()).expect("the folder is ours");
        let file = file.display().to_string();
        for command in [
            &["status"][..],
            &["get", "attachments"],
            &["top", "devices"],
            &["why", "upf"],
            &["doctor"],
        ] {
            let output = asked(&[command, &["--request-timeout", "1s"]].concat(), &file);
            assert_eq!(output.status.code(), Some(2));
            let err = stderr(&output);
            assert!(err.contains(words) && err.contains("127.0.0.1"), "{err}");
        }
    }
}

fn asked(arguments: &[&str], kubeconfig: &str) -> Output {
    let (command, arguments) = arguments.split_first().expect("there is a command");
    kubectl_polypod::run(
        command,
        &[arguments, &["--kubeconfig", kubeconfig]].concat(),
        "",
    )
}

fn json_of(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).expect("it is JSON")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("it is a text")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Now, as objects have it.
fn now() -> String {
    let now = time::OffsetDateTime::now_utc();
    let now = now
        .replace_nanosecond(0)
        .expect("nought is less than a second");
    let format = time::format_description::well_known::Rfc3339;
    now.format(&format).expect("now is within the years")
}
