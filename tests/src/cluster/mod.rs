//! Against a real kube-apiserver: it calls the webhook, and the device-bridge reads from it, and writes network-status and
//! Events.

mod admission;
mod all_the_way;
mod certificates;
mod claims;
mod credentials;
mod doctor;
mod installed_thin;
mod manifests;
mod networks_in_use;
mod node_status;
mod outage;
mod scheduler;
mod seen;
mod static_policies;
mod timed;
mod told;
mod traced;
mod use_permission;
mod v1_networks;

use std::{
    ffi::OsStr,
    path::Path,
    time::{Duration, Instant},
};

use api::network_attachment_definition::NetworkAttachmentDefinition;
use k8s_openapi::{
    api::core::v1::{Binding, Node as NodeObject, Pod},
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{Api, api::PostParams};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{
    fixture::{
        binaries::workspace, control_plane::ControlPlane, daemon::Daemon, needs::Need, node::Node,
    },
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    const CLUSTER: &[Need] = &[Need::ControlPlane, Need::Namespaces, Need::Ip];
    const NETWORK: &[Need] = &[
        Need::ControlPlane,
        Need::Namespaces,
        Need::Ip,
        Need::Plugins(&["bridge", "macvlan", "host-local"]),
    ];
    let mut scenarios = vec![
        Scenario {
            name: "cluster::a_pod_all_the_way",
            needs: CLUSTER,
            body: all_the_way::a_pod_all_the_way,
        },
        Scenario {
            name: "cluster::slices_of_this_node",
            needs: CLUSTER,
            body: claims::slices_of_this_node,
        },
        Scenario {
            name: "cluster::events_and_network_status",
            needs: NETWORK,
            body: told::events_and_network_status,
        },
        Scenario {
            name: "cluster::the_resolver_uses_the_written_kubeconfig",
            needs: NETWORK,
            body: installed_thin::the_resolver_uses_the_written_kubeconfig,
        },
        Scenario {
            name: "cluster::who_may_use_a_network",
            needs: CLUSTER,
            body: use_permission::who_may_use_a_network,
        },
        Scenario {
            name: "cluster::static_policies",
            needs: &[Need::ControlPlane],
            body: static_policies::deny_only_what_admission_denies,
        },
        Scenario {
            name: "cluster::networks_in_use",
            needs: &[Need::ControlPlane],
            body: networks_in_use::networks_in_use,
        },
        Scenario {
            name: "cluster::doctor_of_a_bare_cluster",
            needs: &[Need::ControlPlane],
            body: doctor::what_doctor_says_of_a_bare_cluster,
        },
        Scenario {
            name: "cluster::doctor_of_nobody_who_answers",
            needs: &[],
            body: doctor::api_servers_that_do_not_answer,
        },
        Scenario {
            name: "cluster::doctor_of_an_installation",
            needs: &[Need::ControlPlane],
            body: doctor::what_doctor_says_of_an_installation,
        },
        Scenario {
            name: "cluster::an_api_server_that_traces",
            needs: &[Need::ControlPlane],
            body: traced::an_api_server_that_traces,
        },
        Scenario {
            name: "cluster::networks_of_multus_v1",
            needs: NETWORK,
            body: v1_networks::networks_of_multus_v1,
        },
        Scenario {
            name: "cluster::c4_c5_certificates_are_rotated_by_whoever_leads",
            needs: &[Need::ControlPlane],
            body: certificates::rotation_with_a_leader_killed,
        },
    ];
    scenarios.extend(admission::scenarios());
    scenarios.extend(credentials::scenarios());
    scenarios.extend(manifests::scenarios());
    scenarios.extend(node_status::scenarios());
    scenarios.extend(outage::scenarios());
    scenarios.extend(scheduler::scenarios());
    scenarios.extend(seen::scenarios());
    scenarios
}

/// The agent of node `node-1`.
fn agent(node: &Node, plane: &ControlPlane) -> Daemon {
    agent_with(node, &plane.kubeconfig(), &[])
}

/// The same, with a kubeconfig and more arguments.
fn agent_with(node: &Node, kubeconfig: &Path, more: &[&str]) -> Daemon {
    let (socket, kubelet_socket) = (node.path("run/bridge.sock"), node.path("kubelet.sock"));
    let mut arguments: Vec<&OsStr> = vec![
        "serve".as_ref(),
        "--kubeconfig".as_ref(),
        kubeconfig.as_os_str(),
        "--node-name".as_ref(),
        "node-1".as_ref(),
        "--bridge-socket".as_ref(),
        socket.as_os_str(),
        "--pod-resources-socket".as_ref(),
        kubelet_socket.as_os_str(),
    ];
    arguments.extend(more.iter().map(OsStr::new));
    let bridge = Daemon::start("polypod-device-bridge", &arguments);
    bridge.ready("serving unix://");
    bridge
}

async fn create_node(client: &kube::Client) {
    let nodes: Api<NodeObject> = Api::all(client.clone());
    create(
        &nodes,
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"}}),
    )
    .await;
}

/// The scheduler's part.
async fn bind(pods: &Api<Pod>, pod: &str) {
    let binding: Binding = value(
        json!({"metadata": {"name": pod}, "target": {"apiVersion": "v1", "kind": "Node", "name": "node-1"}}),
    );
    let _: Value = pods
        .create_subresource("binding", pod, &PostParams::default(), &binding)
        .await
        .expect("the pod is bound");
}

async fn apply_crd(client: &kube::Client) {
    let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
    let text = std::fs::read_to_string(
        workspace().join("manifests/crds/network-attachment-definitions.yaml"),
    )
    .expect("the manifest is there");
    let crd: CustomResourceDefinition =
        serde_yaml_ng::from_str(&text).expect("it is a CustomResourceDefinition");
    crds.create(&PostParams::default(), &crd)
        .await
        .expect("the API server takes the manifest");
    let networks: Api<NetworkAttachmentDefinition> = Api::namespaced(client.clone(), "default");
    wait_for(async || networks.list(&Default::default()).await.ok().map(drop)).await;
}

fn pod(name: &str, networks: &str) -> Pod {
    value(json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "annotations": {"k8s.v1.cni.cncf.io/networks": networks}},
        "spec": {"containers": [{"name": "app", "image": "busybox"}]}}))
}

fn value<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("the test writes objects of their kind")
}

async fn create<
    K: kube::Resource + serde::Serialize + DeserializeOwned + Clone + std::fmt::Debug,
>(
    api: &Api<K>,
    object: Value,
) {
    api.create(&PostParams::default(), &value(object))
        .await
        .expect("the API server takes the object");
}

/// Asks until there is an answer.
async fn wait_for<T>(ask: impl AsyncFn() -> Option<T>) -> T {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(
            Instant::now() < until,
            "it did not come about within a minute"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
