//! Devices of a claim, with slices that a real API server selects by node.

use k8s_openapi::api::{core::v1::Pod, resource::v1::ResourceSlice};
use kube::Api;
use serde_json::{Value, json};

use super::{agent, apply_crd, bind, create, create_node, pod, wait_for};
use crate::fixture::{
    claiming_kubelet::ClaimingKubelet,
    control_plane::ControlPlane,
    delegates,
    node::Node,
    runtime::{Sandbox, conf},
};

const DRIVER: &str = "sriov.example.com";

/// Followed by the agent, and read by the resolver: the same device.
pub(super) fn slices_of_this_node() {
    Node::run(|node| {
        let plane = ControlPlane::start();
        let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
        runtime.block_on(tell(node, &plane));
    });
}

fn slice(node: &str, address: &str) -> Value {
    let attributes = json!({
        "k8s.cni.cncf.io/resourceName": {"string": "sriov_nic"}, "k8s.cni.cncf.io/deviceID": {"string": address},
        "vendor": {"string": "8086"}, "vfID": {"int": 1}});
    json!({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": {"name": format!("{node}-sriov")},
        "spec": {"driver": DRIVER, "nodeName": node, "devices": [{"name": "vf-1", "attributes": attributes}],
            "pool": {"name": "pool", "generation": 1, "resourceSliceCount": 1}}})
}

async fn tell(node: &Node, plane: &ControlPlane) {
    let client = plane.client().await;
    apply_crd(&client).await;
    let networks: Api<api::network_attachment_definition::NetworkAttachmentDefinition> =
        Api::namespaced(client.clone(), "default");
    create(&networks, json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
        "metadata": {"name": "nic", "annotations": {"k8s.v1.cni.cncf.io/resourceName": "sriov_nic"}},
        "spec": {"config": r#"{"cniVersion":"1.0.0","type":"probe"}"#}})).await;
    let slices: Api<ResourceSlice> = Api::all(client.clone());
    create(&slices, slice("node-2", "0000:03:02.9")).await;
    create_node(&client).await;
    let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
    create(&pods, json!(pod("p1", "nic"))).await;
    let created = pods.get("p1").await.expect("it was created");
    bind(&pods, "p1").await;

    delegates::install(node, "probe", delegates::PROBE);
    let kubelet_socket = node.path("kubelet.sock");
    let held = [(DRIVER, "pool", "vf-1")];
    let _kubelet = ClaimingKubelet::start(&kubelet_socket, &[("p1", "p1-nic", &held)]);
    let bridge = agent(node, plane);
    let socket = node.path("run/bridge.sock");
    let conf = conf(
        node,
        &json!({"bridgeSocket": socket, "delegates": [{"cniVersion": "1.0.0", "name": "a", "type": "probe"}]}),
    );
    let mut sandbox = Sandbox::new(node, "p1");
    sandbox.uid = created.metadata.uid.clone().unwrap();
    // The pool of another node has the same name, and is not this one's.
    let (_, message) = sandbox.fail("ADD", &conf);
    assert!(
        message.contains("ResourceSlices do not list it"),
        "{message}"
    );
    create(&slices, slice("node-1", "0000:03:02.1")).await;
    wait_for(async || sandbox.run("ADD", &conf).success.then_some(())).await;
    let told = |interface: &str| {
        let calls = delegates::calls(node);
        let adds = calls.iter().filter(|call| call.starts_with(interface));
        adds.filter(|call| call.contains(r#""deviceID":"0000:03:02.1""#))
            .count()
    };
    assert_eq!(told("ADD net1"), 1);
    sandbox.del(&conf);

    drop(bridge);
    let resolver = format!(
        "exec env POLYPOD_BRIDGE_POD_RESOURCES_SOCKET='{}' '{}' \"$@\"\n",
        kubelet_socket.display(),
        crate::fixture::binaries::path("polypod-device-bridge").display()
    );
    delegates::install(node, "resolver", &resolver);
    let mut thin = conf.clone();
    thin["kubeconfig"] = json!(plane.kubeconfig());
    thin["resolver"] = json!(node.path("bin/resolver"));
    let mut again = Sandbox::new(node, "p1-again");
    again.pod = "p1".to_owned();
    again.uid.clone_from(&sandbox.uid);
    again.add(&thin);
    assert_eq!(told("ADD net1"), 2);
    again.del(&thin);
}
