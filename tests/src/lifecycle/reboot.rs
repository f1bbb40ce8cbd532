//! A node after a reboot. What was in memory is gone: namespaces, interfaces, `/run`. What was on disk is there: our
//! configuration with the cluster network in it, the records, the leases. Then come, one after another, the runtime, the node
//! agent, the kubelet's socket, the device plugin, and the cluster network's own daemon.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::{Value, json};

use super::agent;
use crate::{
    fixture::{
        bridge::{network, pod, write_objects},
        delegates,
        kubelet::Kubelet,
        leftovers::{leases, veths},
        needs::BRIDGE,
        node::{Node, ip},
        runtime::{Sandbox, gc, host_local},
    },
    install::Folders,
    reconcile::age,
    scenario::Scenario,
};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![Scenario {
        name: "lifecycle::reboot::everything_comes_back_in_the_worst_order",
        needs: BRIDGE,
        body: everything_comes_back_in_the_worst_order,
    }]
}

/// Like flannel, which knows the node's subnet when its daemon has written it down.
const NEEDS_ITS_DAEMON: &str = r#"
if [ "$CNI_COMMAND" = ADD ] && [ ! -e "$node/run/flannel/subnet.env" ]; then
  cat > /dev/null
  printf '{"cniVersion":"0.3.1","code":999,"msg":"failed to load flannel subnet.env file"}'
  exit 1
fi
"#;

/// Whoever is not there yet after the boot is not waited for long.
const fn hasty<'a>(more: &'a [&'a str]) -> agent::Settings<'a> {
    agent::Settings {
        bridge_timeout: 1,
        more,
    }
}

const RESOURCE: &str = "intel.com/sriov";
const DEVICES: [&str; 3] = ["0000:03:02.0", "0000:03:02.1", "0000:03:02.2"];

/// As a runtime hands over a pod without annotations.
fn quiet() -> Value {
    json!({"runtimeConfig": {"io.kubernetes.cri.pod-annotations": {}}})
}

/// The runtime tries, is told why not, and takes the sandbox away again.
fn refused(folders: &Folders, sandbox: &Sandbox, more: &Value, code: u64, words: &[&str]) {
    let (found, message) = folders.run(sandbox, "ADD", more).failed();
    assert_eq!(found, code, "{message}");
    for word in words {
        assert!(message.contains(word), "{word}: {message}");
    }
    assert_eq!(sandbox.netns.names(), [""; 0], "{message}");
    folders.run(sandbox, "DEL", more).succeeded();
}

/// A sandbox that the runtime makes for a pod after the reboot.
fn anew(node: &Node, pod: &str) -> Sandbox {
    let mut sandbox = Sandbox::new(node, &format!("{pod}-anew"));
    pod.clone_into(&mut sandbox.pod);
    sandbox.uid = format!("uid-{pod}");
    sandbox
}

/// These pods, and the one that moves.
fn objects(node: &Node, pods: &[(&str, &str)], moves: &str) {
    let conf = json!({"cniVersion": "1.0.0", "type": "bridge", "bridge": "pool0", "ipam": host_local(node, "10.78.0.0/24")});
    let mut objects = vec![network("pool", Some(RESOURCE), &conf)];
    objects.extend(pods.iter().map(|(name, networks)| pod(name, networks)));
    let mut moving = pod("moves", "pool");
    moving["metadata"]["uid"] = json!(moves);
    objects.push(moving);
    write_objects(node, &objects);
}

fn records(node: &Node) -> BTreeSet<String> {
    let files = node.files("state/sandboxes").into_iter();
    files
        .filter_map(|file| Some(file.file_stem()?.to_str()?.to_owned()))
        .collect()
}

fn names<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(str::to_owned).into()
}

/// The cluster network's daemon is up.
fn subnet(node: &Node) {
    fs::create_dir_all(node.path("run/flannel")).expect("the node's folder can be written");
    fs::write(node.path("run/flannel/subnet.env"), "").expect("the node's folder can be written");
}

/// What a reboot leaves of a node with these sandboxes.
fn reboot(node: &Node, sandboxes: &[&Sandbox]) {
    for sandbox in sandboxes {
        sandbox.netns.remove();
    }
    fs::remove_dir_all(node.path("run")).expect("it was there");
    assert!(
        node.path("kubelet.sock").exists(),
        "it is on the disk, and nobody listens"
    );
    for bridge in ["cni0", "pool0"] {
        ip(&["link", "delete", bridge]);
    }
}

fn everything_comes_back_in_the_worst_order() {
    Node::run(|node| {
        let folders = Folders::new(&node.path(""));
        let script = format!("{NEEDS_ITS_DAEMON}{}", delegates::FLANNEL);
        delegates::install(node, "flannel", &script);
        folders.put(
            "10-flannel.conflist",
            &json!({"name": "cbr0", "cniVersion": "0.3.1", "plugins": [{"type": "flannel", "delegate": {"isDefaultGateway": true}}]}),
        );
        let plugin = agent::releases(node)[0].clone();
        let [first, second, third] = DEVICES;
        let both: &[(&str, &str, &[&str])] = &[("app", RESOURCE, &[first, second])];
        let one: &[(&str, &str, &[&str])] = &[("app", RESOURCE, &[third])];
        let (none, quiet) = (json!({}), quiet());

        objects(node, &[("stays", "pool, pool")], "uid-moves");
        subnet(node);
        let kubelet = Kubelet::start(&node.path("kubelet.sock"), true);
        kubelet.allocate("stays", both);
        kubelet.allocate("moves", one);
        let old_agent = agent::ready(node, &folders, &plugin, &hasty(&[]));
        let old = ["stays", "moves", "plain"].map(|name| Sandbox::new(node, name));
        for (sandbox, more) in old.iter().zip([&none, &none, &quiet]) {
            folders.run(sandbox, "ADD", more).succeeded();
        }
        assert_eq!(leases(node).len(), 6);
        drop((old_agent, kubelet));
        let [stays, moves, plain] = &old;
        reboot(node, &[stays, moves, plain]);
        age(node, moves);
        // Its owner has made it anew on another node meanwhile, and what it had here is another pod's.
        objects(
            node,
            &[("stays", "pool, pool"), ("comes", "pool")],
            "uid-elsewhere",
        );

        // The runtime alone. It has no other configuration than ours of before, and what it starts is told what is missing.
        assert_eq!(folders.taken().0, "00-polypod.conflist");
        let new = ["stays", "comes", "plain"].map(|name| anew(node, name));
        let [stays_anew, comes, plain_anew] = &new;
        let before = records(node);
        let no_agent = &["is polypod-device-bridge running on this node?"];
        refused(&folders, stays_anew, &none, 11, no_agent);
        let no_daemon = &["flannel", "subnet.env"];
        refused(&folders, plain_anew, &quiet, 999, no_daemon);
        assert_eq!(records(node), before);

        // The agent, which takes away what no runtime asks for any more.
        let more = [
            "--reconcile-interval",
            "1",
            "--plugin-path",
            &plugin.display().to_string(),
            "--request-timeout",
            "3",
        ];
        let agent = agent::ready(node, &folders, &plugin, &hasty(&more));
        let no_kubelet = &["kubelet", "default/stays"];
        refused(&folders, stays_anew, &none, 11, no_kubelet);
        super::until("what is left of the pod that moved is gone", || {
            records(node) == names(["sandbox-stays", "sandbox-plain"])
        });

        // The kubelet, whose device plugins are not there yet.
        fs::remove_file(node.path("kubelet.sock")).expect("it was there");
        let kubelet = Kubelet::start(&node.path("kubelet.sock"), true);
        kubelet.allocate("stays", &[("app", RESOURCE, &[])]);
        refused(
            &folders,
            stays_anew,
            &none,
            101,
            &["default/stays", RESOURCE],
        );

        // The device plugin; the cluster network still is not.
        kubelet.allocate("stays", both);
        kubelet.allocate("comes", one);
        refused(&folders, stays_anew, &none, 999, no_daemon);
        refused(&folders, plain_anew, &quiet, 999, no_daemon);
        assert_eq!(records(node), names(["sandbox-stays", "sandbox-plain"]));

        subnet(node);
        for (sandbox, more) in new.iter().zip([&none, &none, &quiet]) {
            folders.run(sandbox, "ADD", more).succeeded();
        }
        is_right(
            node,
            stays_anew,
            &["eth0", "net1", "net2"],
            &[first, second],
        );
        is_right(node, comes, &["eth0", "net1"], &[third]);
        is_right(node, plain_anew, &["eth0"], &[]);

        // Of one sandbox of before the runtime knows; of the other it does not.
        folders.run(stays, "DEL", &none).succeeded();
        gc(
            node,
            &folders.taken_plugin(),
            &[stays_anew, comes, plain_anew],
        )
        .succeeded();
        assert_eq!(
            records(node),
            names([
                "sandbox-stays-anew",
                "sandbox-comes-anew",
                "sandbox-plain-anew"
            ])
        );
        assert_eq!(leases(node).len(), 6, "those of the new ones");
        is_right(
            node,
            stays_anew,
            &["eth0", "net1", "net2"],
            &[first, second],
        );
        for sandbox in &new {
            folders.run(sandbox, "DEL", &none).succeeded();
        }
        assert_eq!(leases(node).len(), 0);
        assert_eq!(veths(node), [""; 0]);
        assert_eq!(node.files("state"), [].into());
        assert!(agent.stop(), "it ends well");
    });
}

fn is_right(node: &Node, sandbox: &Sandbox, interfaces: &[&str], devices: &[&str]) {
    assert_eq!(sandbox.netns.names(), interfaces, "{}", sandbox.pod);
    for link in sandbox.netns.links() {
        assert_eq!(link.addresses.len(), 1, "{}: {link:?}", sandbox.pod);
    }
    let path = node.path("state/sandboxes");
    assert_eq!(recorded(&path, &sandbox.id), devices, "{}", sandbox.pod);
}

fn recorded(folder: &Path, id: &str) -> Vec<String> {
    let text = fs::read_to_string(folder.join(format!("{id}.json"))).expect("it is attached");
    let record = spec::record::parse(&text).expect("the plugin's record is whole");
    let devices = record.attachments.into_iter().filter_map(|one| one.device);
    devices.map(|device| device.id.to_string()).collect()
}
