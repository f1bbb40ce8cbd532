//! The node with its cluster, as the stories use it.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    component::{Component, tail},
    device_plugin::DevicePlugin,
    evidence::until,
    parts,
    pods::{PODS, Sandbox, network_status},
};
use crate::fixture::{
    control_plane::{ControlPlane, Reply},
    kube_scheduler::KubeScheduler,
    node::{Link, Netns},
};

/// Everything that runs.
///
/// It ends in the order of the fields: nobody is left who would start pods again.
pub(crate) struct Cluster {
    pub(crate) kubelet: Component,
    pub(crate) agent: Component,
    pub(crate) webhook: Component,
    pub(crate) device_plugin: Option<DevicePlugin>,
    pub(crate) containerd: Component,
    pub(crate) controller_manager: Component,
    pub(crate) scheduler: KubeScheduler,
    pub(crate) plane: ControlPlane,
    /// The node's folder.
    pub(crate) folder: PathBuf,
}

/// How long a pod may take to run, or to be gone.
pub(crate) const POD: Duration = Duration::from_secs(60);

/// Where containerd answers.
pub(crate) const CONTAINERD: &str = "/run/containerd/containerd.sock";

/// The folder of the kubelet's static pods.
pub(crate) const STATIC_PODS: &str = "/var/lib/kubelet/static-pods";

impl Cluster {
    /// Asks the API server as the administrator.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &Value) -> Reply {
        self.plane.ask(method, path, body)
    }

    /// Creates a pod of the namespace default, as the webhook lets it through, and gives back what is stored.
    pub(crate) fn create_pod(&self, pod: &Value) -> Value {
        let reply = self.ask("POST", PODS, pod);
        assert_eq!(reply.status, 201, "{}", reply.body);
        reply.body
    }

    /// A pod of the namespace default, if there is one.
    pub(crate) fn pod(&self, name: &str) -> Option<Value> {
        let reply = self.ask("GET", &format!("{PODS}/{name}"), &Value::Null);
        (reply.status == 200).then_some(reply.body)
    }

    /// All pods of the namespace default.
    pub(crate) fn pods(&self) -> Vec<Value> {
        let reply = self.ask("GET", PODS, &Value::Null);
        reply.body["items"].as_array().cloned().unwrap_or_default()
    }

    /// Waits until a pod runs with every container ready and its network-status is published.
    pub(crate) fn running(&self, name: &str) -> Value {
        let what = format!("the pod {name} runs");
        until(&what, POD, || {
            let pod = self.pod(name).ok_or("it is not there")?;
            if is_ready(&pod) && network_status(&pod).is_some() {
                Ok(pod)
            } else {
                Err(format!(
                    "{} {}",
                    pod["status"],
                    self.events(name).join("; ")
                ))
            }
        })
    }

    /// Asks for the end of a pod, and waits until it is gone.
    pub(crate) fn delete_pod(&self, name: &str) {
        self.ask("DELETE", &format!("{PODS}/{name}"), &Value::Null);
        self.gone(name);
    }

    /// Waits until a pod is gone.
    pub(crate) fn gone(&self, name: &str) {
        let what = format!("the pod {name} is gone");
        until(&what, POD, || match self.pod(name) {
            None => Ok(()),
            Some(pod) => Err(format!("{} {}", pod["metadata"], pod["status"])),
        });
    }

    /// Deletes every pod at once, and whatever would make new ones, and starts what a story has stopped: it has failed.
    pub(crate) fn clear(&mut self) {
        for part in [&mut self.containerd, &mut self.agent, &mut self.kubelet] {
            if !part.is_running() {
                part.start();
            }
        }
        for kind in ["deployments", "replicasets"] {
            let path = format!("/apis/apps/v1/namespaces/default/{kind}");
            let options = json!({"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"});
            self.ask("DELETE", &path, &options);
        }
        for file in std::fs::read_dir(STATIC_PODS)
            .into_iter()
            .flatten()
            .flatten()
        {
            let _ = std::fs::remove_file(file.path());
        }
        self.ask(
            "DELETE",
            &format!("{PODS}?gracePeriodSeconds=0"),
            &Value::Null,
        );
    }

    /// The Events of an object of the namespace default.
    pub(crate) fn events(&self, name: &str) -> Vec<String> {
        let path =
            format!("/api/v1/namespaces/default/events?fieldSelector=involvedObject.name={name}");
        let reply = self.ask("GET", &path, &Value::Null);
        let events = reply.body["items"].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        events
            .iter()
            .map(|event| format!("{}: {}", text(&event["reason"]), text(&event["message"])))
            .collect()
    }

    /// The sandboxes of a pod of the namespace default that run, as containerd has them: one that has ended is collected later.
    pub(crate) fn sandboxes(&self, pod: &str) -> Vec<String> {
        let filter = format!(
            "labels.\"io.kubernetes.pod.name\"=={pod},labels.\"io.cri-containerd.kind\"==sandbox"
        );
        let running = self.ctr(&["tasks", "list", "-q"]);
        let running: Vec<&str> = running.lines().collect();
        let ids = self.ctr(&["containers", "list", "-q", &filter]);
        let ids = ids.lines().filter(|id| running.contains(id));
        ids.map(str::to_owned).collect()
    }

    /// The sandbox of a pod of the namespace default, as containerd has it.
    pub(crate) fn sandbox(&self, pod: &str) -> Sandbox {
        let ids = self.sandboxes(pod);
        let [id] = &ids[..] else {
            panic!("the sandboxes of {pod} are {ids:?}");
        };
        let described = self.ctr(&["containers", "info", id]);
        let described: Value = serde_json::from_str(&described).expect("ctr prints JSON");
        let namespaces = described["Spec"]["linux"]["namespaces"].as_array();
        let netns = namespaces
            .into_iter()
            .flatten()
            .find(|namespace| namespace["type"] == "network")
            .and_then(|namespace| namespace["path"].as_str());
        Sandbox {
            id: id.to_owned(),
            netns: netns.expect("a sandbox has a network namespace").into(),
        }
    }

    /// The interfaces in a pod, without the loopback.
    pub(crate) fn links(&self, pod: &str) -> Vec<Link> {
        self.netns(pod).links()
    }

    /// One interface in a pod.
    pub(crate) fn link(&self, pod: &str, interface: &str) -> Link {
        let links = self.links(pod);
        let found = links.iter().find(|link| link.name == interface).cloned();
        found.unwrap_or_else(|| panic!("{pod} has no {interface}: {links:?}"))
    }

    /// The network namespace of a pod.
    pub(crate) fn netns(&self, pod: &str) -> Netns {
        Netns {
            path: self.sandbox(pod).netns,
        }
    }

    /// Executes a command in the first container of a pod, and gives back what it prints.
    pub(crate) fn exec(&self, pod: &str, command: &[&str]) -> Result<String, String> {
        let pod = self.pod(pod).ok_or("the pod is not there")?;
        let id = pod["status"]["containerStatuses"][0]["containerID"].as_str();
        let id = id.and_then(|id| id.strip_prefix("containerd://"));
        let id = id.ok_or("the pod has no container")?;
        let mut arguments = vec!["tasks", "exec", "--exec-id", "whole-node", id];
        arguments.extend(command);
        self.try_ctr(&arguments)
    }

    /// Runs `ctr` in the namespace of the kubelet's containers.
    pub(crate) fn ctr(&self, arguments: &[&str]) -> String {
        self.try_ctr(arguments)
            .unwrap_or_else(|error| panic!("ctr {arguments:?}: {error}"))
    }

    fn try_ctr(&self, arguments: &[&str]) -> Result<String, String> {
        ctr(arguments)
    }

    /// What the parts say of their versions.
    pub(crate) fn versions(&self) -> Vec<String> {
        let node = self.ask(
            "GET",
            &format!("/api/v1/nodes/{}", super::NODE),
            &Value::Null,
        );
        let info = &node.body["status"]["nodeInfo"];
        let text = |key: &str| info[key].as_str().unwrap_or("unknown").to_owned();
        let server = self.ask("GET", "/version", &Value::Null);
        let snapshotter = if self
            .folder
            .join("containerd/io.containerd.snapshotter.v1.overlayfs/snapshots")
            .is_dir()
        {
            "overlayfs"
        } else {
            "native"
        };
        vec![
            format!(
                "kube-apiserver {}",
                server.body["gitVersion"].as_str().unwrap_or("unknown")
            ),
            parts::version("kubelet"),
            format!("{} ({snapshotter})", text("containerRuntimeVersion")),
            parts::version("runc"),
            parts::version("etcd"),
            format!("Linux {}, {}", text("kernelVersion"), text("osImage")),
        ]
    }

    /// What is looked at first when something went wrong.
    pub(crate) fn evidence(&self) -> String {
        let pods: Vec<String> = self
            .pods()
            .iter()
            .map(|pod| {
                let name = pod["metadata"]["name"].as_str().unwrap_or_default();
                format!("{name} {}: {:?}", pod["status"]["phase"], self.events(name))
            })
            .take(10)
            .collect();
        format!(
            "pods: {pods:#?}\nscheduler:\n{}\ncontroller-manager:\n{}\nagent:\n{}\nkubelet:\n{}\ncontainerd:\n{}",
            tail(&self.scheduler.log(), 5),
            self.controller_manager.log_tail(5),
            self.agent.log_tail(15),
            self.kubelet.log_tail(15),
            self.containerd.log_tail(10)
        )
    }
}

/// Whether a pod runs and all its containers are ready.
pub(crate) fn is_ready(pod: &Value) -> bool {
    let statuses = pod["status"]["containerStatuses"].as_array();
    pod["status"]["phase"] == "Running"
        && statuses.is_some_and(|all| all.iter().all(|status| status["ready"] == true))
}

/// Runs `ctr` in the namespace of the kubelet's containers.
pub(super) fn ctr(arguments: &[&str]) -> Result<String, String> {
    let program = parts::program("ctr").unwrap_or_else(|| Path::new("ctr").into());
    let output = Command::new(program)
        .args(["--address", CONTAINERD, "--namespace", "k8s.io"])
        .args(arguments)
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}
