//! Devices that no device plugin allocated, or that no pod-resources socket tells of, on the whole way of a pod.

use std::ffi::OsStr;

use serde_json::{Value, json};

use crate::{
    fixture::{
        bridge::{network, pod, write_objects},
        claiming_kubelet::ClaimingKubelet,
        daemon::Daemon,
        delegates,
        needs::SCRIPTS,
        node::Node,
        runtime::{Sandbox, conf},
    },
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "claims::a_driver_says_which_device_it_is",
            needs: SCRIPTS,
            body: a_driver_says_which_device_it_is,
        },
        Scenario {
            name: "claims::an_extended_resource_that_a_driver_provides",
            needs: SCRIPTS,
            body: an_extended_resource_that_a_driver_provides,
        },
        Scenario {
            name: "claims::the_checkpoint_stands_in_for_the_socket",
            needs: SCRIPTS,
            body: the_checkpoint_stands_in_for_the_socket,
        },
    ]
}

const DRIVER: &str = "sriov.example.com";

/// The agent of a node, with the objects that stand in its file.
fn agent(node: &Node, objects: &[Value]) -> Daemon {
    write_objects(node, objects);
    let paths = [
        "objects.yaml",
        "run/bridge.sock",
        "kubelet.sock",
        "status",
        "checkpoint",
    ];
    let [objects, bridge, kubelet, status, checkpoint] = paths.map(|name| node.path(name));
    let arguments: [&OsStr; 11] = [
        "serve".as_ref(),
        "--objects".as_ref(),
        objects.as_ref(),
        "--bridge-socket".as_ref(),
        bridge.as_ref(),
        "--pod-resources-socket".as_ref(),
        kubelet.as_ref(),
        "--publish-to".as_ref(),
        status.as_ref(),
        "--device-checkpoint".as_ref(),
        checkpoint.as_ref(),
    ];
    let daemon = Daemon::start("polypod-device-bridge", &arguments);
    daemon.ready("serving unix://");
    daemon
}

fn with_agent(node: &Node) -> Value {
    let cluster = json!({"cniVersion": "1.0.0", "name": "main", "type": "probe"});
    let mut conf = conf(node, &json!({"delegates": [cluster]}));
    conf["bridgeSocket"] = json!(node.path("run/bridge.sock"));
    conf
}

/// The devices that the delegates of an ADD were told, in their order.
fn told(node: &Node) -> Vec<String> {
    let calls = delegates::calls(node);
    let adds = calls.iter().filter(|call| call.starts_with("ADD "));
    adds.filter_map(|call| {
        let (_, after) = call.split_once(r#""deviceID":""#)?;
        after.split('"').next().map(str::to_owned)
    })
    .collect()
}

fn slice(devices: &[(&str, Value)]) -> Value {
    let devices: Vec<_> = devices
        .iter()
        .map(|(name, attributes)| json!({"name": name, "attributes": attributes}))
        .collect();
    json!({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": {"name": "n1-sriov"},
        "spec": {"driver": DRIVER, "nodeName": "n1", "devices": devices,
            "pool": {"name": "n1", "generation": 1, "resourceSliceCount": 1}}})
}

fn probe(resource: &str) -> Value {
    network(
        "nic",
        Some(resource),
        &json!({"cniVersion": "1.0.0", "type": "probe"}),
    )
}

/// A resource without a domain is no extended resource: only a claim can give it. A second pod of the claim is refused.
fn a_driver_says_which_device_it_is() {
    Node::run(|node| {
        delegates::install(node, "probe", delegates::PROBE);
        let named = |address| json!({"k8s.cni.cncf.io/resourceName": {"string": "sriov_nic"}, "k8s.cni.cncf.io/deviceID": {"string": address}});
        let devices = [
            ("vf-2", named("0000:03:02.2")),
            ("vf-1", named("0000:03:02.1")),
            (
                "gpu",
                json!({"resource.kubernetes.io/pciBusID": {"string": "0000:41:00.0"}}),
            ),
        ];
        let held = [
            (DRIVER, "n1", "vf-2"),
            (DRIVER, "n1", "gpu"),
            (DRIVER, "n1", "vf-1"),
        ];
        let socket = node.path("kubelet.sock");
        let pods = [("p1", "shared", &held[..]), ("p2", "shared", &held[..])];
        let _kubelet = ClaimingKubelet::start(&socket, &pods);
        let objects = [
            probe("sriov_nic"),
            slice(&devices),
            pod("p1", "nic,nic"),
            pod("p2", "nic"),
        ];
        let _agent = agent(node, &objects);
        let conf = with_agent(node);
        let sandbox = Sandbox::new(node, "p1");
        sandbox.add(&conf);
        assert_eq!(told(node), ["0000:03:02.1", "0000:03:02.2"]);
        let (code, message) = Sandbox::new(node, "p2").fail("ADD", &conf);
        assert_eq!(code, 11, "{message}");
        for part in ["0000:03:02.1", "default/p1", "serves one pod only"] {
            assert!(message.contains(part), "{part}: {message}");
        }
        sandbox.del(&conf);
    });
}

/// KEP-5004: the pod requests an extended resource, and the scheduler made a claim of it.
fn an_extended_resource_that_a_driver_provides() {
    Node::run(|node| {
        delegates::install(node, "probe", delegates::PROBE);
        let address = json!({"resource.kubernetes.io/pciBusID": {"string": "0000:03:02.7"}});
        let held = [(DRIVER, "n1", "vf-7")];
        let socket = node.path("kubelet.sock");
        let _kubelet = ClaimingKubelet::start(&socket, &[("p1", "p1-extended", &held)]);
        let mut p1 = pod("p1", "nic");
        p1["status"] = json!({"extendedResourceClaimStatus": {"resourceClaimName": "p1-extended", "requestMappings": [
            {"containerName": "app", "resourceName": "example.com/vf", "requestName": "container-0-request-0"}]}});
        let claim = json!({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim",
            "metadata": {"name": "p1-extended", "namespace": "default"}, "spec": {},
            "status": {"allocation": {"devices": {"results": [
                {"request": "container-0-request-0", "driver": DRIVER, "pool": "n1", "device": "vf-7"}]}}}});
        let objects = [
            probe("example.com/vf"),
            slice(&[("vf-7", address)]),
            claim,
            p1,
        ];
        let _agent = agent(node, &objects);
        let conf = with_agent(node);
        let sandbox = Sandbox::new(node, "p1");
        sandbox.add(&conf);
        assert_eq!(told(node), ["0000:03:02.7"]);
        sandbox.del(&conf);
    });
}

/// A kubelet without the pod-resources API. Its checkpoint names pods by the UID that the runtime has, which for a static
/// pod the API server does not know.
fn the_checkpoint_stands_in_for_the_socket() {
    Node::run(|node| {
        delegates::install(node, "probe", delegates::PROBE);
        let entries = json!([
            {"PodUID": "uid-other", "ContainerName": "app", "ResourceName": "intel.com/sriov", "DeviceIDs": {"0": ["0000:03:02.1"]}, "AllocResp": "Cg=="},
            {"PodUID": "uid-p1", "ContainerName": "app", "ResourceName": "intel.com/sriov", "DeviceIDs": {"1": ["0000:03:02.5"], "0": ["0000:03:02.5", "0000:03:02.4"]}, "AllocResp": "Cg=="}]);
        let checkpoint =
            json!({"Data": {"PodDeviceEntries": entries, "RegisteredDevices": {}}, "Checksum": 1});
        std::fs::write(node.path("checkpoint"), checkpoint.to_string()).unwrap();
        let mut p1 = pod("p1", "nic,nic");
        p1["metadata"]["uid"] = json!("of-the-mirror");
        p1["metadata"]["annotations"]["kubernetes.io/config.source"] = json!("file");
        let _agent = agent(node, &[probe("intel.com/sriov"), p1, pod("p2", "nic")]);
        let conf = with_agent(node);
        let sandbox = Sandbox::new(node, "p1");
        sandbox.add(&conf);
        assert_eq!(told(node), ["0000:03:02.4", "0000:03:02.5"]);
        let (_, message) = Sandbox::new(node, "p2").fail("ADD", &conf);
        assert!(message.contains("allocated none"), "{message}");
        sandbox.del(&conf);
    });
}
