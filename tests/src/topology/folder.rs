//! Without a cluster: `serve --objects … --publish-to DIR` writes what it would publish into files.

use std::{
    ffi::OsStr,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::machine::{self, Kubelet};
use crate::fixture::daemon::Daemon;

const CHECKPOINT: &str = r#"{"Data":{"PodDeviceEntries":[
    {"PodUID":"uid-p1","ContainerName":"app","ResourceName":"intel.com/sriov","DeviceIDs":{"0":["0000:03:00.2"]},"AllocResp":""},
    {"PodUID":"uid-p2","ContainerName":"init","ResourceName":"intel.com/sriov","DeviceIDs":{"0":["0000:03:00.3"]},"AllocResp":""},
    {"PodUID":"uid-p2","ContainerName":"app","ResourceName":"intel.com/sriov","DeviceIDs":{"1":["0000:81:00.2"]},"AllocResp":""}],
    "RegisteredDevices":{}},"Checksum":1}"#;

pub(super) fn a_node_in_a_folder() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = |name: &str| folder.path().join(name);
    let sysfs = machine::sysfs(folder.path());
    let kubelet = Kubelet::start(&path("kubelet.sock"));
    kubelet.allocate("p1", 0, 2);
    let objects = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p1","namespace":"default","uid":"uid-p1"},"spec":{"containers":[{"name":"app"}]}}"#;
    std::fs::write(path("objects.yaml"), objects).expect("the folder is ours");
    let config = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\ntopologyManagerPolicy: single-numa-node\ntopologyManagerScope: pod\n";
    std::fs::write(path("kubelet.yaml"), config).expect("the folder is ours");

    let start = || {
        let (objects, socket, kubelet_socket, out, config, checkpoint) = (
            path("objects.yaml"),
            path("bridge.sock"),
            path("kubelet.sock"),
            path("out"),
            path("kubelet.yaml"),
            path("checkpoint"),
        );
        let arguments: [&OsStr; 17] = [
            "serve".as_ref(),
            "--objects".as_ref(),
            objects.as_ref(),
            "--node-name".as_ref(),
            "node-1".as_ref(),
            "--bridge-socket".as_ref(),
            socket.as_ref(),
            "--pod-resources-socket".as_ref(),
            kubelet_socket.as_ref(),
            "--publish-to".as_ref(),
            out.as_ref(),
            "--sysfs-root".as_ref(),
            sysfs.as_ref(),
            "--kubelet-config".as_ref(),
            config.as_ref(),
            "--device-checkpoint".as_ref(),
            checkpoint.as_ref(),
        ];
        let daemon = Daemon::start("polypod-device-bridge", &arguments);
        daemon.ready("serving unix://");
        daemon
    };
    let inventory = path("out/node-1.inventory.json");
    let daemon = start();
    let first = wait_for(&inventory, |_| true);
    assert_eq!(first["topologyManager"]["policy"], "single-numa-node");
    assert_eq!(first["topologyManager"]["memoryManager"], "None");
    let holder = &first["allocations"][0];
    assert_eq!(holder["podUID"], "uid-p1");
    assert_eq!(
        holder["containers"][0]["devices"][0]["ids"][0],
        "0000:03:00.2"
    );
    assert_eq!(holder["containers"][0]["cpus"], "2");
    assert_eq!(available(&first, 0), [2, 2, 1]);
    let topology = wait_for(&path("out/node-1.topology.json"), |_| true);
    assert_eq!(topology["zones"][0]["name"], "node-0");
    assert_eq!(topology["attributes"][1]["value"], "pod");

    // The kubelet allocates, and says so in its checkpoint, in which ended pods stand as well. Of the pod's init container
    // and of its UID its list is silent.
    kubelet.allocate("p2", 2, 5);
    kubelet.forget("p1");
    std::fs::write(path("checkpoint"), CHECKPOINT).expect("the folder is ours");
    let second = wait_for(&inventory, |found| found["sequence"] != first["sequence"]);
    assert_eq!(second["epoch"], first["epoch"]);
    assert_eq!(second["allocations"].as_array().map(Vec::len), Some(1));
    let holder = &second["allocations"][0];
    assert_eq!(
        (&holder["name"], &holder["podUID"]),
        (&json!("p2"), &json!("uid-p2"))
    );
    assert_eq!(holder["containers"][0]["name"], "init");
    assert_eq!(available(&second, 0), [3, 1, 0]);
    assert!(daemon.stop());

    let _daemon = start();
    let third = wait_for(&inventory, |found| found["epoch"] != first["epoch"]);
    let epoch = |object: &Value| object["epoch"].as_u64().expect("it is a number");
    assert!(epoch(&third) > epoch(&first));
    assert_eq!(third["sequence"], 1);
    assert_eq!(third["physicalFunctions"], second["physicalFunctions"]);
}

/// What the agent of such a node exposes on its port for everybody, once it has told of its zones.
pub(crate) fn metrics() -> String {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = |name: &str| folder.path().join(name);
    let sysfs = machine::sysfs(folder.path());
    let kubelet = Kubelet::start(&path("kubelet.sock"));
    kubelet.allocate("p1", 0, 2);
    let objects = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p1","namespace":"default","uid":"uid-p1"},"spec":{"containers":[{"name":"app"}]}}"#;
    std::fs::write(path("objects.yaml"), objects).expect("the folder is ours");
    let (objects, socket, kubelet_socket, out) = (
        path("objects.yaml"),
        path("bridge.sock"),
        path("kubelet.sock"),
        path("out"),
    );
    let arguments: [&OsStr; 17] = [
        "serve".as_ref(),
        "--objects".as_ref(),
        objects.as_ref(),
        "--node-name".as_ref(),
        "node-1".as_ref(),
        "--bridge-socket".as_ref(),
        socket.as_ref(),
        "--pod-resources-socket".as_ref(),
        kubelet_socket.as_ref(),
        "--publish-to".as_ref(),
        out.as_ref(),
        "--sysfs-root".as_ref(),
        sysfs.as_ref(),
        "--health-listen".as_ref(),
        "off".as_ref(),
        "--metrics-listen".as_ref(),
        "127.0.0.1:0".as_ref(),
    ];
    let daemon = Daemon::start("polypod-device-bridge", &arguments);
    let address = daemon.ready("metrics ");
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let mut answer = ureq::get(format!("{address}/metrics"))
            .call()
            .expect("it answers");
        let text = answer.body_mut().read_to_string().expect("it is text");
        if text.contains("polypod_bridge_zone_devices{") {
            return text;
        }
        assert!(Instant::now() < until, "{text}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What is free: CPUs of a zone, devices of the zone's physical function and of the other one.
fn available(inventory: &Value, zone: usize) -> [u64; 3] {
    let number = |value: &Value| value.as_u64().expect("it is a number");
    let of = |resources: &Value, name: &str| {
        let resources = resources.as_array().expect("it is a list");
        let found = resources.iter().find(|amount| amount["name"] == name);
        number(&found.expect("the resource is there")["available"])
    };
    let cpus = of(&inventory["zones"][zone]["resources"], "cpu");
    let functions = &inventory["physicalFunctions"];
    let total = of(&inventory["resources"], "intel.com/sriov");
    let first = of(&functions[0]["resources"], "intel.com/sriov");
    let second = of(&functions[1]["resources"], "intel.com/sriov");
    assert_eq!(total, first + second);
    [cpus, first + second, second]
}

fn wait_for(file: &Path, is_wanted: impl Fn(&Value) -> bool) -> Value {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let found: Option<Value> = std::fs::read_to_string(file)
            .ok()
            .map(|text| serde_json::from_str(&text).expect("it is never half a file"));
        if let Some(found) = found.filter(|found| is_wanted(found)) {
            return found;
        }
        assert!(
            Instant::now() < until,
            "{} did not come about",
            file.display()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}
