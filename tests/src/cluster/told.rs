//! What a pod's owner is told: Events and network-status, by the agent and by the one-shot.

use api::network_attachment_definition::NetworkAttachmentDefinition;
use k8s_openapi::api::core::v1::{Event, Namespace, Pod};
use kube::{Api, Client, api::ListParams};
use serde_json::{Value, json};

use super::{agent, apply_crd, bind, create, create_node, pod, timed, wait_for};
use crate::fixture::{
    binaries,
    control_plane::ControlPlane,
    delegates,
    kubelet::Kubelet,
    node::{Node, ip},
    runtime::{Sandbox, conf, host_local},
};

/// A plugin that makes a default route without a gateway, as a point-to-point interface has it.
const NO_GATEWAY: &str = r#"
cat > /dev/null
[ "$CNI_COMMAND" = ADD ] && printf '{"cniVersion":"1.0.0","interfaces":[{"name":"%s","sandbox":"%s"}],"ips":[{"interface":0,"address":"10.9.0.7/32"}],"routes":[{"dst":"0.0.0.0/0"}]}' "$CNI_IFNAME" "$CNI_NETNS"
exit 0
"#;

pub(super) fn events_and_network_status() {
    Node::run(|node| {
        let plane = ControlPlane::start();
        let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
        runtime.block_on(tell(node, &plane));
    });
}

async fn tell(node: &Node, plane: &ControlPlane) {
    let client = plane.client().await;
    apply_crd(&client).await;
    create_networks(node, &client).await;
    create_node(&client).await;
    delegates::install(node, "probe", delegates::PROBE);
    delegates::install(node, "no-gateway", NO_GATEWAY);
    ip(&[
        "link", "add", "eth0", "type", "veth", "peer", "name", "switch0",
    ]);
    ip(&["link", "set", "eth0", "up"]);
    let _kubelet = Kubelet::start(&node.path("kubelet.sock"), true);

    let agent = agent(node, plane);
    let by_agent = json!({"bridgeSocket": node.path("run/bridge.sock")});
    the_pods_of(node, &client, "agent", &by_agent).await;
    drop(agent);
    let by_resolver = json!({"bridgeSocket": node.path("no.sock"), "kubeconfig": plane.kubeconfig(),
        "resolver": binaries::path("polypod-device-bridge")});
    the_pods_of(node, &client, "resolver", &by_resolver).await;
    assert_eq!(node.files("state"), [].into());
}

async fn create_networks(node: &Node, client: &Client) {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    wait_for(async || namespaces.get("kube-system").await.ok().map(drop)).await;
    let probe = json!({"cniVersion": "1.0.0", "type": "probe"});
    let cluster = json!({"cniVersion": "1.0.0", "type": "bridge", "bridge": "cni0", "isDefaultGateway": true,
        "ipam": host_local(node, "10.22.0.0/24")});
    let macvlan = json!({"cniVersion": "1.0.0", "type": "macvlan", "master": "eth0",
        "ipam": host_local(node, "192.168.1.0/24")});
    let no_gateway = json!({"cniVersion": "1.0.0", "type": "no-gateway"});
    for (namespace, name, config) in [
        ("kube-system", "cluster-net", cluster),
        ("kube-system", "extra", probe),
        ("default", "macvlan-conf", macvlan),
        ("default", "no-gateway", no_gateway),
    ] {
        let networks: Api<NetworkAttachmentDefinition> = Api::namespaced(client.clone(), namespace);
        create(
            &networks,
            json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
            "metadata": {"name": name}, "spec": {"config": config.to_string()}}),
        )
        .await;
    }
}

async fn the_pods_of(node: &Node, client: &Client, way: &str, way_conf: &Value) {
    let mut conf = conf(node, &json!({"clusterNetwork": "cluster-net"}));
    if let (Value::Object(conf), Value::Object(way)) = (&mut conf, way_conf) {
        conf.extend(way.clone());
    }
    a_default_route(node, client, way, &conf).await;
    default_networks(node, client, way, &conf).await;
    a_missing_network(node, client, way, &conf).await;
    another_namespace(node, client, way, &conf).await;
}

async fn a_default_route(node: &Node, client: &Client, way: &str, conf: &Value) {
    let networks =
        r#"[{"name":"macvlan-conf","default-route":["192.168.1.1"]},{"name":"no-gateway"}]"#;
    let sandbox = sandbox(node, client, &format!("told-by-{way}"), networks).await;
    sandbox.add(conf);
    let routes = sandbox.netns.ip(&["route", "show", "default"]);
    assert_eq!(
        routes.trim().lines().collect::<Vec<_>>().len(),
        1,
        "{routes}"
    );
    assert!(
        routes.contains("via 192.168.1.1 dev net1"),
        "by {way}: {routes}"
    );
    let text = status(client, &sandbox.pod).await;
    assert!(!text.contains("nil"), "{text}");
    let times = annotation(client, &sandbox.pod, "polypod.dev/attachments").await;
    timed::check(
        &times,
        &[
            ("eth0", &["bridge"]),
            ("net1", &["macvlan"]),
            ("net2", &["no-gateway"]),
        ],
    );
    let status: Vec<Value> = serde_json::from_str(&text).expect("network-status is a list");
    let mut told: Vec<Value> = status
        .iter()
        .map(|of| {
            json!([
                of["name"],
                of["interface"],
                of["ips"],
                of["gateway"],
                of["default"]
            ])
        })
        .collect();
    let address = &mut told[0][2];
    assert!(
        address[0].as_str().unwrap().starts_with("10.22.0."),
        "{text}"
    );
    let (of_cluster, of_macvlan) = (address.clone(), told[1][2].clone());
    assert_eq!(
        json!(told),
        json!([
            ["kube-system/cluster-net", "eth0", of_cluster, null, true],
            [
                "default/macvlan-conf",
                "net1",
                of_macvlan,
                ["192.168.1.1"],
                null
            ],
            ["default/no-gateway", "net2", ["10.9.0.7"], null, null],
        ]),
        "by {way}: {text}"
    );
    let with_prefix = |address: &Value| format!("{}/24", address[0].as_str().unwrap());
    if way == "agent" {
        assert_eq!(
            with_prefix(&of_macvlan),
            "192.168.1.2/24",
            "the first address of the subnet"
        );
    }
    let mut wanted = [
        format!(
            "Add eth0 [{}] from kube-system/cluster-net",
            with_prefix(&of_cluster)
        ),
        format!(
            "Add net1 [{}] from default/macvlan-conf",
            with_prefix(&of_macvlan)
        ),
        "Add net2 [10.9.0.7/32] from default/no-gateway".to_owned(),
    ];
    wanted.sort();
    let events = events(client, &sandbox, wanted.len()).await;
    assert_eq!(messages(&events, "AddedInterface"), wanted, "by {way}");
    sandbox.del(conf);
}

async fn default_networks(node: &Node, client: &Client, way: &str, conf: &Value) {
    let mut conf = conf.clone();
    conf["defaultNetworks"] = json!(["extra"]);
    let sandbox = sandbox(node, client, &format!("extra-by-{way}"), "no-gateway").await;
    sandbox.add(&conf);
    let text = status(client, &sandbox.pod).await;
    let status: Vec<Value> = serde_json::from_str(&text).expect("network-status is a list");
    let told: Vec<_> = status
        .iter()
        .map(|of| (&of["name"], &of["interface"]))
        .collect();
    assert_eq!(
        json!(told),
        json!([
            ["kube-system/cluster-net", "eth0"],
            ["kube-system/extra", "net1"],
            ["default/no-gateway", "net2"]
        ]),
        "by {way}"
    );
    let events = events(client, &sandbox, 3).await;
    assert_eq!(
        messages(&events, "AddedInterface")[1..],
        [
            "Add net1 [] from kube-system/extra",
            "Add net2 [10.9.0.7/32] from default/no-gateway"
        ],
        "by {way}"
    );
    sandbox.del(&conf);
}

async fn a_missing_network(node: &Node, client: &Client, way: &str, conf: &Value) {
    let sandbox = sandbox(node, client, &format!("lost-by-{way}"), "nowhere").await;
    for _ in 0..2 {
        let (code, message) = sandbox.fail("ADD", conf);
        assert_eq!(code, 101, "{message}");
        assert!(
            message.contains("network-attachment-definition (nowhere)")
                && message.contains(&sandbox.pod),
            "{message}"
        );
    }
    let all = events(client, &sandbox, 1).await;
    assert_eq!(
        messages(&all, "NoNetworkFound"),
        [
            "cannot find a network-attachment-definition (nowhere) in namespace (default): network-attachment-definitions.k8s.cni.cncf.io \"nowhere\" not found"
        ],
        "by {way}"
    );
    assert_eq!(all[0].type_.as_deref(), Some("Warning"));
    let counted = wait_for(async || {
        let events = events(client, &sandbox, 1).await;
        events[0].count.filter(|count| *count == 2)
    })
    .await;
    assert_eq!(counted, 2, "the same news is one Event that counts");
}

/// `namespaceIsolation`: neither attached nor told of as if it were not there.
async fn another_namespace(node: &Node, client: &Client, way: &str, conf: &Value) {
    let mut conf = conf.clone();
    conf["namespaceIsolation"] = json!(true);
    let name = format!("isolated-by-{way}");
    let sandbox = sandbox(node, client, &name, "kube-system/extra").await;
    let (code, message) = sandbox.fail("ADD", &conf);
    assert_eq!(code, 101, "{message}");
    for word in [
        "namespace isolation",
        "\"extra\"",
        "\"kube-system\"",
        "globalNamespaces",
    ] {
        assert!(message.contains(word), "{word}: {message}");
    }
    assert_eq!(sandbox.netns.names(), Vec::<String>::new());
    conf["globalNamespaces"] = json!("kube-system,default");
    sandbox.add(&conf);
    assert_eq!(sandbox.netns.names(), ["eth0"]);
    sandbox.del(&conf);
}

/// A pod that is created and bound, and its sandbox.
async fn sandbox(node: &Node, client: &Client, name: &str, networks: &str) -> Sandbox {
    let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
    create(&pods, json!(pod(name, networks))).await;
    bind(&pods, name).await;
    let created = pods.get(name).await.expect("it was just created");
    let mut sandbox = Sandbox::new(node, name);
    sandbox.uid = created.metadata.uid.expect("the API server gives UIDs");
    sandbox
}

async fn status(client: &Client, pod: &str) -> String {
    annotation(client, pod, "k8s.v1.cni.cncf.io/network-status").await
}

/// An annotation of a pod, once it is there.
async fn annotation(client: &Client, pod: &str, key: &str) -> String {
    let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
    wait_for(async || {
        let pod = pods.get(pod).await.expect("the pod is there");
        let annotations = pod.metadata.annotations.unwrap_or_default();
        annotations.get(key).cloned()
    })
    .await
}

/// The Events of a pod, once there are as many. They are written after the plugin has ended.
async fn events(client: &Client, sandbox: &Sandbox, wanted: usize) -> Vec<Event> {
    let events: Api<Event> = Api::namespaced(client.clone(), "default");
    let of_pod = ListParams::default().fields(&format!(
        "involvedObject.kind=Pod,involvedObject.name={},involvedObject.uid={}",
        sandbox.pod, sandbox.uid
    ));
    wait_for(async || {
        let found = events.list(&of_pod).await.expect("Events can be listed");
        Some(found.items).filter(|items| items.len() >= wanted)
    })
    .await
}

/// The messages of the Events of a reason, sorted.
fn messages(events: &[Event], reason: &str) -> Vec<String> {
    let mut messages: Vec<String> = events
        .iter()
        .filter(|event| event.reason.as_deref() == Some(reason))
        .inspect(|event| {
            assert_eq!(
                event.source.as_ref().unwrap().component.as_deref(),
                Some("multus")
            );
        })
        .filter_map(|event| event.message.clone())
        .collect();
    messages.sort();
    messages
}
