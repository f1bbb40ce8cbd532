//! A node without an agent, as `install` leaves it: the plugin executes the resolver beside it, which reaches the API server
//! with the kubeconfig that was written.

use api::network_attachment_definition::NetworkAttachmentDefinition;
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, api::PostParams};
use serde_json::json;

use super::{apply_crd, bind, create, create_node, pod};
use crate::{
    fixture::{
        control_plane::ControlPlane,
        node::Node,
        runtime::{Sandbox, host_local},
    },
    install::{Folders, bridge, plugin_binary},
};

pub(super) fn the_resolver_uses_the_written_kubeconfig() {
    Node::run(|node| {
        let plane = ControlPlane::start();
        let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
        let uid = runtime.block_on(create_pod(node, &plane));

        let folders = Folders::new(&node.path(""));
        folders.put("10-bridge.conflist", &bridge(node));
        let account = node.path("service-account");
        plane.write_service_account(&account);
        let (account, kubeconfig) = (
            account.display().to_string(),
            node.path("net.d/polypod.d/k"),
        );
        let binary = plugin_binary();
        let at = kubeconfig.display().to_string();
        folders.succeeds(
            "install",
            &[
                "--once",
                "--plugin-binary",
                &binary,
                "--no-bridge-socket",
                "--plugin-kubeconfig",
                &at,
                "--service-account-dir",
                &account,
                "--api-server",
                plane.server(),
            ],
        );
        let mut sandbox = Sandbox::new(node, "p1");
        sandbox.uid = uid;
        folders.run(&sandbox, "ADD", &json!({})).succeeded();
        assert_eq!(sandbox.netns.names(), ["eth0", "net1"]);
        folders.run(&sandbox, "DEL", &json!({})).succeeded();

        folders.succeeds("uninstall", &["--plugin-kubeconfig", &at]);
        assert!(!kubeconfig.exists());
        assert_eq!(folders.taken().0, "10-bridge.conflist");
        assert_eq!(node.files("cni-bin"), [].into());
    });
}

async fn create_pod(node: &Node, plane: &ControlPlane) -> String {
    let client = plane.client().await;
    apply_crd(&client).await;
    let networks: Api<NetworkAttachmentDefinition> = Api::namespaced(client.clone(), "default");
    let config = json!({"cniVersion": "1.0.0", "type": "bridge", "bridge": "second", "ipam": host_local(node, "10.78.0.0/24")});
    create(
        &networks,
        json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
            "metadata": {"name": "second"}, "spec": {"config": config.to_string()}}),
    )
    .await;
    create_node(&client).await;
    let pods: Api<Pod> = Api::namespaced(client, "default");
    let created = pods
        .create(&PostParams::default(), &pod("p1", "second"))
        .await
        .expect("the API server takes the pod");
    bind(&pods, "p1").await;
    created
        .metadata
        .uid
        .expect("the API server gives every pod a uid")
}
