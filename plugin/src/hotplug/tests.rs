//! DEL for sandboxes that have no record of ours.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use serde_json::json;
use spec::cni::code;

use super::*;
use crate::{
    log::{Context, Trace},
    sandbox_file::Sandboxes,
};

/// A node whose plugin `probe` notes every interface it is executed for.
struct Node {
    folder: tempfile::TempDir,
}

impl Node {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let probe = folder.path().join("probe");
        let calls = folder.path().join("calls");
        let script = format!("#!/bin/sh\necho $CNI_IFNAME >> {}\n", calls.display());
        fs::write(&probe, script).unwrap();
        fs::set_permissions(&probe, fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder }
    }

    fn del(&self, interface: &str, netns: Option<&Path>) -> Result<(), Error> {
        let stdin = json!({
            "cniVersion": "1.0.0", "name": "n", "type": "polypod", "hotplug": {},
            "cniDir": self.folder.path().join("state"), "delegates": [{"name": "n", "type": "probe"}],
        });
        let conf = NetConf::parse(stdin.to_string().as_bytes()).unwrap();
        let invocation = Invocation::read(Command::Del, |name| match name {
            "CNI_CONTAINERID" => Some("c1".to_owned()),
            "CNI_IFNAME" => Some(interface.to_owned()),
            "CNI_NETNS" => Some(netns?.to_str()?.to_owned()),
            "CNI_PATH" => Some(self.folder.path().to_str()?.to_owned()),
            _ => None,
        })
        .unwrap();
        let trace = Trace::default();
        let log = Log::open(&conf.state.log, Context::of_node(Command::Del, &trace));
        del(&conf, &invocation, &log)
    }

    /// What remembers that the loss of the sandbox's record was told.
    fn remembers_a_loss(&self) {
        let sandboxes = Sandboxes::new(&self.folder.path().join("state"));
        let conf = NetConf::parse(br#"{"name":"n","delegates":[{"type":"a"}]}"#).unwrap();
        let patience = conf.state.patience(Instant::now());
        let told = Record::new("c1".parse().unwrap());
        sandboxes.begin(&told, patience).unwrap();
    }

    fn was_attached_by_multus(&self, text: &str) {
        let state = self.folder.path().join("state");
        fs::create_dir_all(&state).unwrap();
        fs::write(state.join("c1"), text).unwrap();
    }

    fn calls(&self) -> String {
        fs::read_to_string(self.folder.path().join("calls")).unwrap_or_default()
    }
}

struct Namespace {
    name: String,
    path: PathBuf,
}

impl Namespace {
    fn with_eth0() -> Self {
        let name = format!("hotplug-{}", std::process::id());
        ip(&["netns", "add", &name]);
        let path = Path::new("/run/netns").join(&name);
        let namespace = Self { name, path };
        let name = namespace.name.as_str();
        ip(&["-n", name, "link", "add", "eth0", "type", "veth"]);
        namespace
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let arguments = ["netns", "del", &self.name];
        let _ = std::process::Command::new("ip").args(arguments).status();
    }
}

fn ip(arguments: &[&str]) {
    let output = std::process::Command::new("ip").args(arguments).output();
    let output = output.unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {arguments:?}: {words}");
}

#[test]
fn nothing_is_executed_for_a_sandbox_of_nobody() {
    for is_remembered in [false, true] {
        let node = Node::new();
        if is_remembered {
            node.remembers_a_loss();
        }
        let unmounted = node.folder.path().join("unmounted");
        fs::write(&unmounted, "").unwrap();
        for netns in [None, Some(Path::new("/run/netns/none")), Some(&unmounted)] {
            node.del("net1", netns).unwrap();
            node.del("eth0", netns).unwrap();
        }
        assert_eq!(node.calls(), "");
    }
}

#[test]
fn an_interface_of_nobody_that_is_there_is_left_alone() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: only root can make network namespaces");
        return;
    }
    let namespace = Namespace::with_eth0();
    let netns = Some(namespace.path.as_path());
    for is_remembered in [false, true] {
        let node = Node::new();
        if is_remembered {
            node.remembers_a_loss();
        }
        let error = node.del("eth0", netns).unwrap_err();
        assert_eq!(error.code(), code::UNKNOWN_CONTAINER, "{error}");
        assert!(error.to_string().contains("cniDir"), "{error}");
        node.del("net1", netns).unwrap();
        assert_eq!(node.calls(), "");
    }
}

#[test]
fn of_a_sandbox_of_multus_all_but_the_cluster_network_is_taken_away() {
    let whole = r#"[{"Name":"c","ConfList":{},"Bytes":"eyJuYW1lIjoiYyIsInR5cGUiOiJwcm9iZSJ9"}]"#;
    for text in [whole, "[{", "[]"] {
        let node = Node::new();
        node.was_attached_by_multus(text);
        let error = node.del("eth0", None).unwrap_err();
        assert_eq!(error.code(), code::UNMET_REQUEST, "{text}: {error}");
        node.del("net1", None).unwrap();
        assert_eq!(node.calls(), "net1\n", "{text}");
    }
}
