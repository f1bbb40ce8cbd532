//! Against a real kube-apiserver: it takes both objects with strict validation, and they go to whom they belong.

use std::{
    ffi::OsStr,
    time::{Duration, Instant},
};

use api::{node_inventory::NodeInventory, node_resource_topology::NodeResourceTopology};
use k8s_openapi::{
    api::core::v1::{Node as NodeObject, Pod},
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api, Client,
    api::{Patch, PatchParams, PostParams, ValidationDirective},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    crd,
    machine::{self, Kubelet},
};
use crate::fixture::{control_plane::ControlPlane, daemon::Daemon, node::Node};

pub(super) fn a_node_in_a_cluster() {
    Node::run(|node| {
        let plane = ControlPlane::start();
        let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
        runtime.block_on(tell(node, &plane));
    });
}

async fn tell(node: &Node, plane: &ControlPlane) {
    let client = plane.client().await;
    for file in [
        "network-attachment-definitions.yaml",
        "node-inventories.yaml",
        "node-resource-topologies.yaml",
    ] {
        let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
        let created = crds.create(&PostParams::default(), &crd::read(file)).await;
        created.unwrap_or_else(|error| panic!("{file}: {error}"));
    }
    let inventories: Api<NodeInventory> = Api::all(client.clone());
    let topologies: Api<NodeResourceTopology> = Api::all(client.clone());
    wait_for(async || inventories.list(&Default::default()).await.ok()).await;
    wait_for(async || topologies.list(&Default::default()).await.ok()).await;
    let owner = create::<NodeObject>(
        &Api::all(client.clone()),
        json!({"metadata": {"name": "node-1"}}),
    )
    .await
    .metadata
    .uid;
    let pod = create::<Pod>(
        &Api::namespaced(client.clone(), "default"),
        json!({"metadata": {"name": "p1"}, "spec": {"nodeName": "node-1", "containers": [{"name": "app", "image": "busybox"}]}}),
    )
    .await;

    let kubelet = Kubelet::start(&node.path("kubelet.sock"));
    kubelet.allocate("p1", 2, 6);
    let (agent, _) = agent(node, plane);
    let inventory = wait_for(async || inventories.get_opt("node-1").await.ok()?).await;
    let topology = wait_for(async || topologies.get_opt("node-1").await.ok()?).await;
    for metadata in [&inventory.metadata, &topology.metadata] {
        let owners = metadata.owner_references.as_ref().expect("the node");
        assert_eq!(
            (owners[0].kind.as_str(), Some(&owners[0].uid)),
            ("Node", owner.as_ref())
        );
    }
    let allocation = &inventory.inventory.allocations[0];
    assert_eq!(allocation.pod_uid, pod.metadata.uid);
    assert_eq!(inventory.inventory.resources[0].available, 2);
    assert_eq!(topology.zones[1].resources[0].available.0, "3");
    strictly(&inventories, inventory.clone()).await;
    strictly(&topologies, topology).await;

    // Numbers that no double holds come back as they were written.
    let epoch = inventory.epoch;
    assert!(epoch > 1 << 60);
    drop(agent);
    let (agent, _) = self::agent(node, plane);
    let again = wait_for(async || {
        let found = inventories.get("node-1").await.ok()?;
        (found.epoch > epoch).then_some(found)
    })
    .await;
    assert_eq!(again.inventory, inventory.inventory);

    drop(agent);
    another_exporter(node, plane, &client, &topologies).await;
}

/// The object of another agent is left alone.
async fn another_exporter(
    node: &Node,
    plane: &ControlPlane,
    client: &Client,
    topologies: &Api<NodeResourceTopology>,
) {
    let theirs = json!({"apiVersion": "topology.node.k8s.io/v1alpha2", "kind": "NodeResourceTopology",
        "metadata": {"name": "node-1"}, "zones": [{"name": "node-9", "type": "Node"}], "attributes": []});
    let parameters = PatchParams::apply("another-exporter").force();
    topologies
        .patch("node-1", &parameters, &Patch::Apply(&theirs))
        .await
        .expect("the API server takes the object");
    let inventories: Api<NodeInventory> = Api::all(client.clone());
    let epoch = inventories.get("node-1").await.expect("it is there").epoch;
    let (_agent, health) = agent(node, plane);
    wait_for(async || {
        let found = inventories.get("node-1").await.ok()?;
        (found.epoch > epoch && found.sequence == 1).then_some(())
    })
    .await;
    // It has tried, and was told that the object is another's.
    let conflict =
        r#"polypod_bridge_published_total{what="node-resource-topology",outcome="conflict"} 1"#;
    wait_for(async || {
        let url = format!("{health}/metrics");
        let mut answer = ureq::get(&url).call().ok()?;
        let metrics = answer.body_mut().read_to_string().ok()?;
        metrics.contains(conflict).then_some(())
    })
    .await;
    let found = topologies.get("node-1").await.expect("it is there");
    assert_eq!(found.zones[0].name, "node-9");
}

/// Applies an object again and lets the API server refuse what its schema does not know.
async fn strictly<K>(api: &Api<K>, mut object: K)
where
    K: kube::Resource<DynamicType = ()> + Serialize + DeserializeOwned + Clone + std::fmt::Debug,
{
    let metadata = object.meta_mut();
    metadata.managed_fields = None;
    metadata.resource_version = None;
    let name = metadata.name.clone().expect("it has a name");
    let strict = PatchParams::apply("strict")
        .force()
        .validation(ValidationDirective::Strict);
    api.patch(
        &name,
        &PatchParams {
            dry_run: true,
            ..strict
        },
        &Patch::Apply(&object),
    )
    .await
    .unwrap_or_else(|error| panic!("{name}: {error}"));
}

/// An agent that serves, and where its metrics are.
fn agent(node: &Node, plane: &ControlPlane) -> (Daemon, String) {
    let sysfs = node.path("sys");
    if !sysfs.exists() {
        machine::sysfs(sysfs.parent().expect("it is in a folder"));
    }
    let (kubeconfig, socket, kubelet_socket) = (
        plane.kubeconfig(),
        node.path("bridge.sock"),
        node.path("kubelet.sock"),
    );
    let checkpoint = node.path("checkpoint");
    let arguments: [&OsStr; 17] = [
        "serve".as_ref(),
        "--health-listen".as_ref(),
        "127.0.0.1:0".as_ref(),
        "--kubeconfig".as_ref(),
        kubeconfig.as_ref(),
        "--node-name".as_ref(),
        "node-1".as_ref(),
        "--bridge-socket".as_ref(),
        socket.as_ref(),
        "--pod-resources-socket".as_ref(),
        kubelet_socket.as_ref(),
        "--sysfs-root".as_ref(),
        sysfs.as_ref(),
        "--topology-manager-policy".as_ref(),
        "single-numa-node".as_ref(),
        "--device-checkpoint".as_ref(),
        checkpoint.as_ref(),
    ];
    let agent = Daemon::start("polypod-device-bridge", &arguments);
    let health = format!("http://{}", agent.ready("health http://"));
    agent.ready("serving unix://");
    (agent, health)
}

async fn create<K>(api: &Api<K>, object: Value) -> K
where
    K: kube::Resource + Serialize + DeserializeOwned + Clone + std::fmt::Debug,
{
    let object: K = serde_json::from_value(object).expect("the test writes objects of their kind");
    let created = api.create(&PostParams::default(), &object).await;
    created.expect("the API server takes the object")
}

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
