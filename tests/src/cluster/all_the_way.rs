//! One pod from its creation to its network-status.

use std::ffi::OsStr;

use api::network_attachment_definition::NetworkAttachmentDefinition;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use k8s_openapi::api::{
    admissionregistration::v1::{MutatingWebhookConfiguration, ValidatingWebhookConfiguration},
    core::v1::Pod,
};
use kube::{Api, api::PostParams};
use serde_json::{Value, json};

use super::{agent, apply_crd, bind, create, create_node, pod, wait_for};
use crate::fixture::{
    control_plane::ControlPlane,
    daemon::Daemon,
    delegates,
    kubelet::Kubelet,
    node::Node,
    runtime::{Sandbox, conf},
};

/// One pod through a real API server: mutated and validated at creation, answered for by a device-bridge that watches, and
/// told its network-status.
pub(super) fn a_pod_all_the_way() {
    Node::run(|node| {
        let plane = ControlPlane::start();
        let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
        runtime.block_on(tell(node, &plane));
    });
}

async fn tell(node: &Node, plane: &ControlPlane) {
    let client = plane.client().await;
    apply_crd(&client).await;
    let networks: Api<NetworkAttachmentDefinition> = Api::namespaced(client.clone(), "default");
    create(&networks, json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
        "metadata": {"name": "sriov-net-a", "annotations": {"k8s.v1.cni.cncf.io/resourceName": "intel.com/sriov"}},
        "spec": {"config": r#"{"cniVersion":"1.0.0","type":"probe"}"#}})).await;

    let kubeconfig = plane.kubeconfig();
    let _webhook = webhook(node, kubeconfig.as_os_str(), &[], &client).await;
    let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
    let refused = pods
        .create(&PostParams::default(), &pod("typo", "sriov-net-b"))
        .await
        .expect_err("the webhook denies it");
    assert!(
        refused.to_string().contains("did you mean sriov-net-a"),
        "{refused}"
    );
    let created = pods
        .create(
            &PostParams::default(),
            &pod("p1", "sriov-net-a,sriov-net-a"),
        )
        .await
        .expect("the webhook admits it");
    let resources = json!(created.spec.as_ref().unwrap().containers[0].resources);
    assert_eq!(resources["limits"]["intel.com/sriov"], "2", "{resources}");

    // What the watch has not brought yet is asked for.
    for index in 0..5 {
        let name = format!("fresh-{index}");
        create(&networks, json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
            "metadata": {"name": name}, "spec": {"config": r#"{"cniVersion":"1.0.0","type":"probe"}"#}})).await;
        pods.create(&PostParams::default(), &pod(&name, &name))
            .await
            .expect("the network was there before the pod");
    }

    // Whatever the mutating hook did not do, the validating one finds.
    let mutating: Api<MutatingWebhookConfiguration> = Api::all(client.clone());
    mutating
        .delete("polypod", &Default::default())
        .await
        .expect("the hook was registered");
    let dry_run = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let denied = wait_for(async || {
        let created = pods.create(&dry_run, &pod("p2", "sriov-net-a")).await;
        created.err().map(|error| error.to_string())
    })
    .await;
    assert!(
        denied.contains("validate.polypod.dev") && denied.contains("needs 1 of intel.com/sriov"),
        "{denied}"
    );

    create_node(&client).await;
    bind(&pods, "p1").await;

    delegates::install(node, "probe", delegates::PROBE);
    let kubelet = Kubelet::start(&node.path("kubelet.sock"), true);
    kubelet.allocate(
        "p1",
        &[("app", "intel.com/sriov", &["0000:03:02.2", "0000:03:02.3"])],
    );
    let (socket, kubelet_socket) = (node.path("run/bridge.sock"), node.path("kubelet.sock"));
    let bridge = agent(node, plane);
    let conf = conf(
        node,
        &json!({"bridgeSocket": socket, "delegates": [{"cniVersion": "1.0.0", "name": "a", "type": "probe"}]}),
    );
    let mut sandbox = Sandbox::new(node, "p1");
    sandbox.uid = created.metadata.uid.clone().unwrap();
    sandbox.add(&conf);
    let devices: Vec<bool> = ["0000:03:02.2", "0000:03:02.3"]
        .map(|device| {
            delegates::calls(node)
                .iter()
                .any(|call| call.contains(device))
        })
        .into();
    assert_eq!(devices, [true, true]);

    let status = wait_for(async || {
        let pod = pods.get("p1").await.expect("the pod is there");
        pod.metadata
            .annotations
            .and_then(|all| all.get("k8s.v1.cni.cncf.io/network-status").cloned())
    })
    .await;
    let status: Vec<Value> = serde_json::from_str(&status).expect("network-status is a list");
    assert_eq!(status.len(), 3);
    assert_eq!(
        status[2]["device-info"]["pci"]["pci-address"],
        "0000:03:02.3"
    );
    sandbox.del(&conf);

    // Without an agent, the resolver asks the same API server once.
    drop(bridge);
    let resolver = format!(
        "exec env POLYPOD_BRIDGE_POD_RESOURCES_SOCKET='{}' '{}' \"$@\"\n",
        kubelet_socket.display(),
        crate::fixture::binaries::path("polypod-device-bridge").display()
    );
    delegates::install(node, "resolver", &resolver);
    let mut thin = conf.clone();
    thin["kubeconfig"] = json!(kubeconfig);
    thin["resolver"] = json!(node.path("bin/resolver"));
    let mut again = Sandbox::new(node, "p1-again");
    again.pod = "p1".to_owned();
    again.uid.clone_from(&sandbox.uid);
    again.add(&thin);
    assert_eq!(
        delegates::calls(node)
            .iter()
            .filter(|call| call.starts_with("ADD net2") && call.contains("0000:03:02.3"))
            .count(),
        2
    );
    again.del(&thin);
    assert_eq!(node.files("state"), [].into());
}

/// Starts the webhook and registers it, the way an operator does by hand.
/// A webhook that the API server calls for pods.
pub(super) async fn webhook(
    node: &Node,
    kubeconfig: &OsStr,
    more: &[&OsStr],
    client: &kube::Client,
) -> Daemon {
    let ca = node.path("ca.crt");
    let own: [&OsStr; 8] = [
        "--kubeconfig".as_ref(),
        kubeconfig,
        "--listen".as_ref(),
        "127.0.0.1:0".as_ref(),
        "--health-listen".as_ref(),
        "127.0.0.1:0".as_ref(),
        "--cert-out".as_ref(),
        ca.as_os_str(),
    ];
    let arguments = [&own, more].concat();
    let daemon = Daemon::start("polypod-webhook", &arguments);
    let (url, health) = (daemon.ready("serving "), daemon.ready("health "));
    wait_for(async || ureq::get(format!("{health}/readyz")).call().ok().map(drop)).await;
    let bundle = STANDARD.encode(std::fs::read(&ca).expect("the webhook wrote its CA"));
    let hook = |path: &str, policy: &str| {
        json!([{"name": format!("{path}.polypod.dev"), "clientConfig": {"url": format!("{url}/{path}"), "caBundle": bundle},
                "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
                "failurePolicy": policy, "sideEffects": "None", "admissionReviewVersions": ["v1"]}])
    };
    let mutating: Api<MutatingWebhookConfiguration> = Api::all(client.clone());
    create(
        &mutating,
        json!({"metadata": {"name": "polypod"}, "webhooks": hook("mutate", "Fail")}),
    )
    .await;
    let validating: Api<ValidatingWebhookConfiguration> = Api::all(client.clone());
    create(
        &validating,
        json!({"metadata": {"name": "polypod"}, "webhooks": hook("validate", "Fail")}),
    )
    .await;
    // The API server reads configurations by watching; until it has, a pod passes unseen.
    let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
    let dry_run = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    wait_for(async || {
        pods.create(&dry_run, &pod("probe", "missing"))
            .await
            .err()
            .map(drop)
    })
    .await;
    daemon
}
