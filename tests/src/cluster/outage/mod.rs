//! The API server goes away and comes back, and watches expire: what agent and webhook know stays, and becomes true again.

mod expired;
mod restarted;

use std::{collections::BTreeSet, path::Path};

use api::network_attachment_definition::NetworkAttachmentDefinition;
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, Client, api::PostParams};
use serde_json::{Value, json};

use super::{agent_with, apply_crd, bind, create, create_node, pod, wait_for};
use crate::{
    fixture::{
        control_plane::ControlPlane,
        daemon::Daemon,
        delegates, https,
        needs::Need,
        node::Node,
        runtime::{Sandbox, conf},
    },
    scenario::Scenario,
};

pub(super) fn scenarios() -> Vec<Scenario> {
    const NEEDS: &[Need] = &[Need::ControlPlane, Need::Namespaces, Need::Ip];
    vec![
        Scenario {
            name: "cluster::the_api_server_restarts",
            needs: NEEDS,
            body: restarted::the_api_server_restarts,
        },
        Scenario {
            name: "cluster::watches_expire",
            needs: NEEDS,
            body: expired::watches_expire,
        },
    ]
}

const NETWORKS: &str = "/apis/k8s.cni.cncf.io/v1/namespaces/default/network-attachment-definitions";
const PODS: &str = "/api/v1/namespaces/default/pods";
const RESOURCE: &str = "example.com/vf";

/// A cluster with one node, whose agent and webhook reach the API server by one kubeconfig.
struct World<'a> {
    node: &'a Node,
    client: Client,
    agent: Daemon,
    webhook: Webhook,
    conf: Value,
}

struct Webhook {
    daemon: Daemon,
    url: String,
    health: String,
    client: ureq::Agent,
}

impl<'a> World<'a> {
    /// Both know these networks and pods, which are bound.
    async fn start(
        node: &'a Node,
        plane: &ControlPlane,
        kubeconfig: &Path,
        networks: &[&str],
        pods: &[(&str, &str)],
    ) -> Self {
        let client = plane.client().await;
        apply_crd(&client).await;
        create_node(&client).await;
        delegates::install(node, "probe", delegates::PROBE);
        for name in networks {
            create_network(&client, name).await;
        }
        for (name, networks) in pods {
            create_pod(&client, name, networks).await;
        }
        let world = Self {
            node,
            agent: agent_with(node, kubeconfig, &["--health-listen=127.0.0.1:9098"]),
            webhook: Webhook::start(node, kubeconfig).await,
            conf: conf(
                node,
                &json!({"bridgeSocket": node.path("run/bridge.sock"),
                    "delegates": [{"cniVersion": "1.0.0", "name": "a", "type": "probe"}]}),
            ),
            client,
        };
        world.agent_knows(networks.len(), pods.len()).await;
        world
    }

    fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.client.clone(), "default")
    }

    /// Waits until the agent has so many networks and pods in memory.
    async fn agent_knows(&self, networks: usize, pods: usize) {
        let of = |kind: &str, count: usize| {
            format!("polypod_bridge_cached_objects{{kind=\"{kind}\"}} {count}")
        };
        let wanted = [of("networks", networks), of("pods", pods)];
        wait_for(async || {
            let text = get("http://127.0.0.1:9098/metrics")?;
            let holds = |line: &String| text.lines().any(|found| found == line);
            wanted.iter().all(holds).then_some(())
        })
        .await;
    }

    /// A sandbox of a pod as it is now.
    async fn sandbox(&self, name: &str) -> Sandbox {
        let found = self.pods().get(name).await.expect("the pod is there");
        let number = self.node.files("netns").len();
        let mut sandbox = Sandbox::new(self.node, &format!("{name}-{number}"));
        name.clone_into(&mut sandbox.pod);
        sandbox.uid = found
            .metadata
            .uid
            .expect("the API server gives every pod a UID");
        sandbox
    }

    /// Attaches a pod, and says by which configurations.
    fn attached_by(&self, sandbox: &Sandbox) -> Vec<String> {
        let before = delegates::calls(self.node).len();
        sandbox.add(&self.conf);
        delegates::calls(self.node).split_off(before)
    }

    /// Waits for network-status with so many networks.
    async fn status(&self, name: &str, networks: usize) {
        let pods = self.pods();
        let status = wait_for(async || {
            let pod = pods.get(name).await.ok()?;
            let all = pod.metadata.annotations?;
            all.get("k8s.v1.cni.cncf.io/network-status").cloned()
        })
        .await;
        let status: Vec<Value> = serde_json::from_str(&status).expect("network-status is a list");
        assert_eq!(status.len(), networks, "{name}: {status:?}");
    }
}

impl Webhook {
    async fn start(node: &Node, kubeconfig: &Path) -> Self {
        let ca = node.path("ca.crt");
        let daemon = Daemon::start(
            "polypod-webhook",
            &[
                "--kubeconfig".as_ref(),
                kubeconfig.as_os_str(),
                "--listen=127.0.0.1:0".as_ref(),
                "--health-listen=127.0.0.1:0".as_ref(),
                "--cert-out".as_ref(),
                ca.as_os_str(),
            ],
        );
        let (url, health) = (daemon.ready("serving "), daemon.ready("health "));
        wait_for(async || get(&format!("{health}/readyz")).map(drop)).await;
        Self {
            daemon,
            url,
            health,
            client: https::client(&ca),
        }
    }

    /// What it answers about the creation of a pod with these networks: its patch, or why not.
    fn judges(&self, networks: &str) -> Result<usize, String> {
        let review = https::review("Pod", &json!(pod("judged", networks)));
        let url = format!("{}/mutate", self.url);
        let (status, text) = https::post(&self.client, &url, &review.to_string());
        if status != 200 {
            return Err(format!("HTTP {status}: {text}"));
        }
        let answer: Value = serde_json::from_str(&text).expect("the answer is JSON");
        let response = &answer["response"];
        match response["allowed"].as_bool() {
            Some(true) => Ok(https::patch(response).len()),
            _ => Err(response["status"]["message"].to_string()),
        }
    }

    /// Why a network may not be deleted.
    fn keeps(&self, network: &str) -> Option<String> {
        let object = definition(network, "old");
        let mut review = https::review("NetworkAttachmentDefinition", &Value::Null);
        review["request"]["operation"] = json!("DELETE");
        review["request"]["name"] = json!(network);
        review["request"]["oldObject"] = object;
        let url = format!("{}/validate", self.url);
        let response = https::response(&self.client, &url, &review);
        let is_allowed = response["allowed"] == true;
        (!is_allowed).then(|| response["status"]["message"].to_string())
    }

    fn is_ready(&self) -> bool {
        get(&format!("{}/readyz", self.health)).is_some()
    }
}

/// A body, unless it is an error's.
fn get(url: &str) -> Option<String> {
    ureq::get(url).call().ok()?.body_mut().read_to_string().ok()
}

/// A network of devices, whose configuration bears a mark.
fn definition(name: &str, mark: &str) -> Value {
    let config = json!({"cniVersion": "1.0.0", "type": "probe", "mark": mark});
    json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
        "metadata": {"name": name, "namespace": "default"}, "spec": {"config": config.to_string()}})
}

async fn create_network(client: &Client, name: &str) {
    let networks: Api<NetworkAttachmentDefinition> = Api::namespaced(client.clone(), "default");
    let mut object = definition(name, "old");
    if name == "devices" {
        object["metadata"]["annotations"] = json!({"k8s.v1.cni.cncf.io/resourceName": RESOURCE});
    }
    create(&networks, object).await;
}

/// A pod that is bound to the node.
async fn create_pod(client: &Client, name: &str, networks: &str) {
    let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
    pods.create(&PostParams::default(), &pod(name, networks))
        .await
        .expect("the API server takes the pod");
    bind(&pods, name).await;
}

/// The kinds whose watches the API server has answered 410 Gone, by a log in JSON.
fn expired(log: &str) -> BTreeSet<String> {
    log.lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|line| {
            let error = line["error"].as_str().unwrap_or_default();
            error.contains("410") || error.contains("too old")
        })
        .filter_map(|line| line["kind"].as_str().map(str::to_owned))
        .collect()
}
