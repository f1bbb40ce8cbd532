//! Everything for which the node agent asks the API server, and the plugin where no agent answers.

use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::{Event, Pod};
use kube::{Api, Client, api::ListParams};
use serde_json::{Value, json};

use super::super::installed::{Installed, SYSTEM};
use crate::{
    cluster::{agent_with, bind, create, create_node, wait_for},
    fixture::{
        binaries,
        claiming_kubelet::{Claim, ClaimingKubelet},
        delegates,
        node::Node,
        runtime::{Sandbox, conf},
    },
    install::{Folders, plugin_binary},
};

const DRIVER: &str = "sriov.example.com";

pub(super) async fn works(node: &Node, installed: &Installed) {
    let client = installed.plane.client().await;
    create_node(&client).await;
    objects(installed);
    delegates::install(node, "probe", delegates::PROBE);
    let socket = node.path("kubelet.sock");
    let held = [(DRIVER, "pool", "vf-1")];
    // Kubelets that are too old to tell of claims.
    let untold = [];
    let claims: [Claim<'_>; 4] = [
        ("by-agent", "claimed", &held),
        ("by-plugin", "claimed", &held),
        ("untold-by-agent", "claimed", &untold),
        ("untold-by-plugin", "claimed", &untold),
    ];
    let _kubelet = ClaimingKubelet::start(&socket, &claims);

    let agents_pod = agents_pod(installed);
    let account = "polypod-device-bridge";
    let kubeconfig = installed
        .plane
        .kubeconfig_of(SYSTEM, account, Some(&agents_pod));
    let agent = agent_with(node, &kubeconfig, &["--health-listen=127.0.0.1:9098"]);
    let conf = |more: Value| {
        let mut conf = conf(node, &more);
        let cluster = json!([{"cniVersion": "1.0.0", "name": "a", "type": "probe"}]);
        conf["delegates"] = cluster;
        conf
    };
    let by_agent = conf(json!({"bridgeSocket": node.path("run/bridge.sock")}));
    attached(node, &client, "by-agent", &by_agent).await;
    for report in [
        "/apis/polypod.dev/v1alpha1/nodeinventories/node-1",
        "/apis/topology.node.k8s.io/v1alpha2/noderesourcetopologies/node-1",
    ] {
        wait_for(async || {
            let found = installed.plane.ask("GET", report, &Value::Null);
            (found.status == 200).then_some(())
        })
        .await;
    }
    wait_for(async || {
        let report = "/apis/polypod.dev/v1alpha1/nodeinventories/node-1";
        let found = installed.plane.ask("GET", report, &Value::Null);
        let told = &found.body["status"]["agentVersion"];
        (told == env!("CARGO_PKG_VERSION")).then_some(())
    })
    .await;
    drop(agent);

    let kubeconfig = plugins_kubeconfig(node, installed, &agents_pod);
    let by_plugin = conf(
        json!({"bridgeSocket": node.path("no.sock"), "kubeconfig": kubeconfig,
        "resolver": resolver(node, &socket)}),
    );
    attached(node, &client, "by-plugin", &by_plugin).await;
    assert_eq!(node.files("state"), [].into());
}

/// The kubeconfig that the agent writes for the plugin, with a token that it asks for.
fn plugins_kubeconfig(node: &Node, installed: &Installed, agents_pod: &Value) -> PathBuf {
    let account = node.path("service-account");
    let token = installed
        .plane
        .token_of(SYSTEM, "polypod-device-bridge", Some(agents_pod));
    installed
        .plane
        .write_service_account_with(&account, SYSTEM, &token);
    let folders = Folders::new(&node.path("host"));
    folders.put(
        "10-probe.conflist",
        &json!({"cniVersion": "1.0.0", "name": "probes", "plugins": [{"type": "probe"}]}),
    );
    let kubeconfig = node.path("host/plugin.kubeconfig");
    let (account, at) = (
        account.display().to_string(),
        kubeconfig.display().to_string(),
    );
    let binary = plugin_binary();
    folders.succeeds(
        "install",
        &[
            "--once",
            "--no-bridge-socket",
            "--node-name=node-1",
            "--plugin-service-account=polypod-plugin",
            "--plugin-binary",
            &binary,
            "--plugin-kubeconfig",
            &at,
            "--service-account-dir",
            &account,
            "--api-server",
            installed.plane.server(),
        ],
    );
    kubeconfig
}

/// A network of devices, and the slice in which the device of the claims is.
fn objects(installed: &Installed) {
    for object in [
        json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
            "metadata": {"name": "nic", "annotations": {"k8s.v1.cni.cncf.io/resourceName": "sriov_nic"}},
            "spec": {"config": r#"{"cniVersion":"1.0.0","type":"probe"}"#}}),
        json!({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": {"name": "node-1-sriov"},
            "spec": {"driver": DRIVER, "nodeName": "node-1", "pool": {"name": "pool", "generation": 1, "resourceSliceCount": 1},
                "devices": [{"name": "vf-1", "attributes": {
                    "k8s.cni.cncf.io/resourceName": {"string": "sriov_nic"},
                    "k8s.cni.cncf.io/deviceID": {"string": "0000:03:02.1"}}}]}}),
    ] {
        installed.apply(&object);
    }
}

/// The agent's own pod on the node, to which its token is bound.
fn agents_pod(installed: &Installed) -> Value {
    let mut pod =
        installed.object("DaemonSet", "polypod-device-bridge")["spec"]["template"].clone();
    pod["metadata"]["name"] = json!("polypod-device-bridge-node-1");
    pod["spec"]["nodeName"] = json!("node-1");
    let path = format!("/api/v1/namespaces/{SYSTEM}/pods");
    let made = installed.plane.ask("POST", &path, &pod);
    assert_eq!(made.status, 201, "{}", made.body);
    made.body
}

/// The resolver asks the kubelet of the test.
fn resolver(node: &Node, kubelet: &Path) -> PathBuf {
    let script = format!(
        "exec env POLYPOD_BRIDGE_POD_RESOURCES_SOCKET='{}' '{}' \"$@\"\n",
        kubelet.display(),
        binaries::path("polypod-device-bridge").display()
    );
    delegates::install(node, "resolver", &script);
    node.path("bin/resolver")
}

/// A pod gets the device of its claim and its network-status; one that asks for what is not there is told so, twice; one whose
/// claim the kubelet does not tell of has it read; and one that nobody knows is looked for.
async fn attached(node: &Node, client: &Client, name: &str, conf: &Value) {
    let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
    let (lost, untold) = (format!("lost-{name}"), format!("untold-{name}"));
    for (name, networks) in [(name, "nic"), (&lost, "nowhere"), (&untold, "nic")] {
        let claims = json!([{"name": "c", "resourceClaimName": "claimed"}]);
        let pod = json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "annotations": {"k8s.v1.cni.cncf.io/networks": networks}},
            "spec": {"resourceClaims": claims, "containers": [{"name": "app", "image": "busybox",
                "resources": {"claims": [{"name": "c"}]}}]}});
        create(&pods, pod).await;
        bind(&pods, name).await;
    }
    let sandbox = async |name: &str| {
        let found = pods.get(name).await.expect("it was just created");
        let mut sandbox = Sandbox::new(node, name);
        sandbox.uid = found
            .metadata
            .uid
            .expect("the API server gives every pod a UID");
        sandbox
    };
    let whole = sandbox(name).await;
    wait_for(async || whole.run("ADD", conf).success.then_some(())).await;
    let calls = delegates::calls(node);
    let device = r#""deviceID":"0000:03:02.1""#;
    assert!(calls.iter().any(|call| call.contains(device)), "{calls:?}");
    wait_for(async || {
        let pod = pods.get(name).await.expect("it is there");
        let all = pod.metadata.annotations?;
        all.get("k8s.v1.cni.cncf.io/network-status").map(drop)
    })
    .await;
    whole.del(conf);

    let lost = sandbox(&lost).await;
    let events: Api<Event> = Api::namespaced(client.clone(), "default");
    let of_lost = ListParams::default().fields(&format!("involvedObject.uid={}", lost.uid));
    for count in [1, 2] {
        lost.fail("ADD", conf);
        wait_for(async || {
            let found = events.list(&of_lost).await.expect("events can be listed");
            let told = found.items.first()?.count?;
            (told == count).then_some(())
        })
        .await;
    }
    sandbox(&untold).await.fail("ADD", conf);
    Sandbox::new(node, &format!("unknown-{name}")).fail("ADD", conf);
}
