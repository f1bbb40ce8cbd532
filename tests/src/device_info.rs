//! Device-info files: the device plugin's is handed to the delegate, told in network-status, and removed with the attachment.

use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::{Value, json};

use crate::{
    fixture::{
        bridge::{Bridge, network, pod},
        delegates,
        needs::SCRIPTS,
        node::Node,
        probed::take_adds,
        runtime::Sandbox,
    },
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "device_info::from_the_device_plugin_to_the_status",
            needs: SCRIPTS,
            body: from_the_device_plugin_to_the_status,
        },
        Scenario {
            name: "device_info::a_failed_add_leaves_none",
            needs: SCRIPTS,
            body: a_failed_add_leaves_none,
        },
    ]
}

const RESOURCE: &str = "intel.com/sriov";
const DEVICE: &str = "0000:03:02.2";

/// Shows what is in the file that it is told of, and writes one where there is none.
const READS: &str = r#"
stdin=$(cat)
[ "$CNI_COMMAND" = ADD ] || exit 0
file=${stdin#*\"CNIDeviceInfoFile\":\"}
file=${file%%\"*}
echo "$file" >> "$node/told"
if [ -e "$file" ]; then cat "$file" >> "$node/read"; else mkdir -p "${file%/*}"; printf '{"type":"memif","version":"1.1.0","memif":{"path":"/x"}}' > "$file"; fi
printf '{"cniVersion":"1.0.0","interfaces":[{"name":"%s","sandbox":"%s"}]}' "$CNI_IFNAME" "$CNI_NETNS"
"#;

fn device_info() -> Value {
    json!({"type": "pci", "version": "1.1.0", "pci": {"pci-address": DEVICE, "rdma-device": "mlx5_3", "x-new": 7}})
}

/// A node with two allocated devices, of which the device plugin tells something of one.
fn with_devices<'a>(node: &'a Node, networks: &[Value], pods: &[Value]) -> Bridge<'a> {
    delegates::install(node, "reads", READS);
    delegates::install(node, "probe", delegates::PROBE);
    fs::create_dir_all(node.path("devinfo/dp")).unwrap();
    let name = format!("devinfo/dp/intel.com-sriov-{DEVICE}-device.json");
    fs::write(node.path(&name), device_info().to_string()).unwrap();
    let bridge = Bridge::start(node, &[networks, pods].concat());
    for pod in pods {
        let name = pod["metadata"]["name"].as_str().unwrap();
        let devices: &[&str] = &[DEVICE, "0000:03:02.3", "0000:03:02.4"];
        bridge.kubelet.allocate(name, &[("app", RESOURCE, devices)]);
    }
    bridge
}

fn conf(node: &Node, bridge: &Bridge<'_>) -> Value {
    let cluster = json!({"cniVersion": "1.0.0", "name": "main", "type": "probe", "capabilities": {"CNIDeviceInfoFile": true}});
    bridge.conf_with(&json!({"deviceInfoDir": node.path("devinfo"), "delegates": [cluster]}))
}

fn reads() -> Value {
    json!({"cniVersion": "1.0.0", "type": "reads", "capabilities": {"CNIDeviceInfoFile": true}})
}

/// The names of the attachments' files.
fn files(node: &Node) -> Vec<String> {
    let files = node.files("devinfo/cni");
    let names = files.iter().filter_map(|file| file.file_name()?.to_str());
    names.map(str::to_owned).collect()
}

fn from_the_device_plugin_to_the_status() {
    Node::run(|node| {
        let networks = [
            network("reads", Some(RESOURCE), &reads()),
            network(
                "plain",
                Some(RESOURCE),
                &json!({"cniVersion": "1.0.0", "type": "probe"}),
            ),
        ];
        let bridge = with_devices(node, &networks, &[pod("p1", "reads,reads,plain@data0")]);
        let conf = conf(node, &bridge);
        let sandbox = Sandbox::new(node, "p1");
        sandbox.add(&conf);
        let names = [
            "default-reads-sandbox-p1_net1",
            "default-reads-sandbox-p1_net2",
        ];
        assert_eq!(files(node), names, "Multus's names");
        let mode = fs::metadata(node.path("devinfo/cni").join(names[0]))
            .unwrap()
            .permissions();
        assert_eq!(mode.mode() & 0o777, 0o444);
        let told = fs::read_to_string(node.path("told")).unwrap();
        let wanted = names.map(|name| node.path("devinfo/cni").join(name).display().to_string());
        assert_eq!(told.lines().collect::<Vec<_>>(), wanted);
        let read: Value =
            serde_json::from_str(&fs::read_to_string(node.path("read")).unwrap()).unwrap();
        assert_eq!(
            read,
            device_info(),
            "the delegate finds what the device plugin wrote"
        );
        let calls = take_adds(node);
        assert_eq!(
            calls[0].conf["runtimeConfig"],
            Value::Null,
            "the cluster network has no device"
        );

        let status = bridge.status("p1");
        assert_eq!(status[0].get("device-info"), None);
        assert_eq!(status[1]["device-info"], device_info());
        assert_eq!(
            status[2]["device-info"]["memif"]["path"], "/x",
            "what the delegate wrote itself"
        );
        assert_eq!(
            status[3]["device-info"],
            json!({"type": "pci", "version": "1.1.0", "pci": {"pci-address": "0000:03:02.4"}}),
            "what the device's id says, where nobody wrote a file"
        );
        sandbox.del(&conf);
        assert_eq!(files(node), Vec::<String>::new());
        assert_eq!(
            node.files("devinfo/dp").len(),
            1,
            "the device plugin's file is its own"
        );
    });
}

fn a_failed_add_leaves_none() {
    Node::run(|node| {
        delegates::install(node, "fails", delegates::FAILS);
        let networks = [
            network("reads", Some(RESOURCE), &reads()),
            network(
                "broken",
                Some(RESOURCE),
                &json!({"cniVersion": "1.0.0", "type": "fails"}),
            ),
        ];
        let pods = [pod("p1", "reads,reads,broken"), pod("p2", "reads")];
        let bridge = with_devices(node, &networks, &pods);
        let conf = conf(node, &bridge);
        let sandbox = Sandbox::new(node, "p1");
        let (code, message) = sandbox.fail("ADD", &conf);
        assert_eq!(code, 11, "{message}");
        assert_eq!(
            fs::read_to_string(node.path("told"))
                .unwrap()
                .lines()
                .count(),
            2,
            "they were there"
        );
        assert_eq!(files(node), Vec::<String>::new());
        assert_eq!(node.files("state"), [].into());

        // The pod is gone, and the next one may have its devices. A device plugin that writes what is none.
        bridge.kubelet.allocate("p1", &[]);
        let name = format!("devinfo/dp/intel.com-sriov-{DEVICE}-device.json");
        fs::write(node.path(&name), "{\"type\":").unwrap();
        let conf = {
            let mut conf = conf;
            conf["logLevel"] = json!("error");
            conf
        };
        let sandbox = Sandbox::new(node, "p2");
        let ran = sandbox.run("ADD", &conf);
        assert!(ran.success, "the network does not need it: {}", ran.printed);
        assert!(
            ran.stderr.contains("default/reads") && ran.stderr.contains(&name),
            "{}",
            ran.stderr
        );
        sandbox.del(&conf);
        assert_eq!(files(node), Vec::<String>::new());
    });
}
