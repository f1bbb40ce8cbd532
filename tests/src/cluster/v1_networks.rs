//! `Network` objects of Multus v1 in the API server, as the documents print them.

use k8s_openapi::{
    api::core::v1::Pod,
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api,
    api::{ApiResource, DynamicObject, GroupVersionKind},
};
use serde_json::{Value, json};

use super::{agent, bind, create, create_node, wait_for};
use crate::{
    fixture::{
        binaries, control_plane::ControlPlane, kubelet::Kubelet, node::Node, runtime::Sandbox,
    },
    seeds::{self, multi_net},
};

pub(super) fn networks_of_multus_v1() {
    Node::run(|node| {
        let plane = ControlPlane::start();
        let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
        runtime.block_on(tell(node, &plane));
    });
}

async fn tell(node: &Node, plane: &ControlPlane) {
    let client = plane.client().await;
    let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
    create(&crds, of_today(&seeds::yaml("multus-v1/crdnetwork.yaml"))).await;
    let kind = GroupVersionKind::gvk("kubernetes.com", "v1", "Network");
    let resource = ApiResource::from_gvk_with_plural(&kind, "networks");
    let networks: Api<DynamicObject> = Api::namespaced_with(client.clone(), "default", &resource);
    wait_for(async || networks.list(&Default::default()).await.ok().map(drop)).await;
    for name in multi_net::OBJECTS {
        create(&networks, seeds::yaml(name)).await;
    }
    create_node(&client).await;
    let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
    create(&pods, seeds::yaml(multi_net::POD)).await;
    bind(&pods, "multus-multi-net-poc").await;
    let created = pods
        .get("multus-multi-net-poc")
        .await
        .expect("it was just created");
    multi_net::prepare(node);
    let mut sandbox = Sandbox::new(node, "multus-multi-net-poc");
    sandbox.uid = created.metadata.uid.expect("the API server gives UIDs");

    let mut by_resolver = seeds::conf(node, "multus-v1/kubeconfig-only.conf");
    by_resolver["kubeconfig"] = json!(plane.kubeconfig());
    by_resolver["resolver"] = json!(binaries::path("polypod-device-bridge"));
    by_resolver["bridgeSocket"] = json!(node.path("run/bridge.sock"));
    multi_net::attach_and_detach(node, &sandbox, &by_resolver);

    let _kubelet = Kubelet::start(&node.path("kubelet.sock"), true);
    let agent = agent(node, plane);
    let mut by_agent = by_resolver.clone();
    by_agent["resolver"] = json!("/nowhere");
    multi_net::attach_and_detach(node, &sandbox, &by_agent);

    // What is missing is said, by both.
    networks
        .delete("sriov-conf", &Default::default())
        .await
        .expect("the object is there");
    for conf in [&by_agent, &by_resolver] {
        let (_, message) = sandbox.fail("ADD", conf);
        for word in [
            "annotation networks, entry 2",
            "\"sriov-conf\"",
            "kubernetes.com/v1",
            "\"default\"",
        ] {
            assert!(message.contains(word), "{word}: {message}");
        }
    }
    drop(agent);
    let (_, message) = sandbox.fail("ADD", &by_resolver);
    assert!(message.contains("\"sriov-conf\""), "{message}");
    assert_eq!(node.files("state"), [].into());
}

/// The CustomResourceDefinition in the version that API servers take since Kubernetes 1.22. The objects' fields stand
/// beside `metadata`, so they must not be pruned.
fn of_today(printed: &Value) -> Value {
    let spec = &printed["spec"];
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": printed["kind"], "metadata": printed["metadata"],
        "spec": {"group": spec["group"], "scope": spec["scope"], "names": spec["names"],
            "versions": [{"name": spec["version"], "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}})
}
