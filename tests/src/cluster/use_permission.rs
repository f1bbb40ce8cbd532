//! The RBAC verb `use`: what a service account is granted decides which networks its pods get.

use std::ffi::OsStr;

use api::network_attachment_definition::NetworkAttachmentDefinition;
use k8s_openapi::api::{
    core::v1::{Namespace, Pod},
    rbac::v1::{Role, RoleBinding},
    resource::v1::{DeviceClass, ResourceClaimTemplate},
};
use kube::{Api, api::PostParams};
use serde_json::json;

use super::{all_the_way::webhook, apply_crd, create, pod, value, wait_for};
use crate::fixture::{control_plane::ControlPlane, node::Node};

/// The pod of one service account is let in and that of another is not, by a Role and a RoleBinding alone; and a pod whose
/// claim supplies the device gets no other.
pub(super) fn who_may_use_a_network() {
    Node::run(|node| {
        let plane = ControlPlane::start();
        let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
        runtime.block_on(tell(node, &plane));
    });
}

const CONFIG: &str = "apiVersion: polypod.dev/v1alpha1\nkind: AdmissionConfiguration\naccess:\n  requireUse: true\nmodes:\n- {rules: [use-permission], namespaces: {names: [default]}, mode: warn}\n";

async fn tell(node: &Node, plane: &ControlPlane) {
    let client = plane.client().await;
    apply_crd(&client).await;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    create(&namespaces, json!({"metadata": {"name": "team"}})).await;
    create(&namespaces, json!({"metadata": {"name": "net"}})).await;
    let networks: Api<NetworkAttachmentDefinition> = Api::namespaced(client.clone(), "net");
    for name in ["open", "other"] {
        create(&networks, json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
            "metadata": {"name": name, "annotations": {"k8s.v1.cni.cncf.io/resourceName": "intel.com/sriov"}},
            "spec": {"config": r#"{"cniVersion":"1.0.0","type":"sriov"}"#}})).await;
    }
    let roles: Api<Role> = Api::namespaced(client.clone(), "net");
    create(
        &roles,
        json!({"metadata": {"name": "uses-open"}, "rules": [{"apiGroups": ["k8s.cni.cncf.io"],
            "resources": ["network-attachment-definitions"], "resourceNames": ["open"], "verbs": ["use"]}]}),
    )
    .await;
    let bindings: Api<RoleBinding> = Api::namespaced(client.clone(), "net");
    create(
        &bindings,
        json!({"metadata": {"name": "uses-open"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "uses-open"},
            "subjects": [{"kind": "ServiceAccount", "name": "granted", "namespace": "team"}]}),
    )
    .await;

    let kubeconfig = plane.kubeconfig();
    let config = node.path("config.yaml");
    std::fs::write(&config, CONFIG).expect("the node's folder is ours");
    let more: [&OsStr; 2] = ["--config".as_ref(), config.as_os_str()];
    let _webhook = webhook(node, kubeconfig.as_os_str(), &more, &client).await;

    let pods: Api<Pod> = Api::namespaced(client.clone(), "team");
    let of = |account: &str, name: &str, networks: &str| {
        let mut pod = pod(name, networks);
        let spec = pod.spec.as_mut().expect("the pod has one");
        spec.service_account_name = Some(account.to_owned());
        pod
    };
    let made = pods
        .create(&PostParams::default(), &of("granted", "p1", "net/open"))
        .await
        .expect("it was granted");
    let limits = json!(made.spec.as_ref().unwrap().containers[0].resources);
    assert_eq!(limits["limits"]["intel.com/sriov"], "1", "{limits}");
    for (account, network) in [("other", "net/open"), ("granted", "net/other")] {
        let denied = pods
            .create(&PostParams::default(), &of(account, "p2", network))
            .await
            .expect_err("it was not granted")
            .to_string();
        let wanted = format!("service account team/{account} may not use {network}");
        assert!(
            denied.contains(&wanted) && denied.contains("validate.polypod.dev"),
            "{denied}"
        );
    }
    // Where the rule is not enforced, the pod comes in.
    let elsewhere: Api<Pod> = Api::namespaced(client.clone(), "default");
    elsewhere
        .create(&PostParams::default(), &of("other", "p3", "net/open"))
        .await
        .expect("it is only warned of");
    // What is granted later counts soon.
    create(
        &bindings,
        json!({"metadata": {"name": "all-of-team"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "uses-open"},
            "subjects": [{"kind": "Group", "name": "system:serviceaccounts:team", "apiGroup": "rbac.authorization.k8s.io"}]}),
    )
    .await;
    let late = of("other", "p4", "net/open");
    wait_for(async || {
        pods.create(&PostParams::default(), &late)
            .await
            .ok()
            .map(drop)
    })
    .await;

    claimed(&client, &pods, of("granted", "p5", "net/open,net/open")).await;
}

/// One of two devices comes from a claim, and the other is injected; a DeviceClass's own name is one that the API server
/// takes as an extended resource.
async fn claimed(client: &kube::Client, pods: &Api<Pod>, mut claiming: Pod) {
    let classes: Api<DeviceClass> = Api::all(client.clone());
    create(
        &classes,
        json!({"metadata": {"name": "vf"}, "spec": {"extendedResourceName": "intel.com/sriov"}}),
    )
    .await;
    let templates: Api<ResourceClaimTemplate> = Api::namespaced(client.clone(), "team");
    create(
        &templates,
        json!({"metadata": {"name": "vf"}, "spec": {"spec": {"devices": {"requests": [
            {"name": "vf", "exactly": {"deviceClassName": "vf"}}]}}}}),
    )
    .await;
    let spec = claiming.spec.as_mut().expect("the pod has one");
    spec.resource_claims = Some(value(
        json!([{"name": "nic", "resourceClaimTemplateName": "vf"}]),
    ));
    spec.containers[0].resources = Some(value(json!({"claims": [{"name": "nic"}]})));
    let dry_run = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    // Class and template come by watches of their own, which may be a moment behind.
    wait_for(async || {
        let made = pods.create(&dry_run, &claiming).await;
        let made = made.expect("the API server takes the pod");
        let resources = json!(made.spec.expect("the pod has one").containers[0].resources);
        (resources["limits"]["intel.com/sriov"] == "1").then_some(())
    })
    .await;

    let networks: Api<NetworkAttachmentDefinition> = Api::namespaced(client.clone(), "default");
    let implicit = "deviceclass.resource.kubernetes.io/vf";
    create(&networks, json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
        "metadata": {"name": "of-class", "annotations": {"k8s.v1.cni.cncf.io/resourceName": implicit}},
        "spec": {"config": r#"{"cniVersion":"1.0.0","type":"sriov"}"#}})).await;
    let elsewhere: Api<Pod> = Api::namespaced(client.clone(), "default");
    let made = elsewhere
        .create(&dry_run, &pod("p6", "of-class"))
        .await
        .expect("the API server takes the name");
    let resources = json!(made.spec.expect("the pod has one").containers[0].resources);
    assert_eq!(resources["limits"][implicit], "1", "{resources}");
}
