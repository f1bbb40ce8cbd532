//! The node is handed back while pods of the cluster network start and end, and `uninstall` is killed before each of its
//! steps: whatever the runtime finds, pods start with it.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use crate::{
    fixture::{
        binaries, leftovers,
        needs::{BRIDGE, Need},
        node::Node,
        runtime::Sandbox,
        traced::Traced,
    },
    install::{Folders, bridge, plugin_binary, run},
    scenario::Scenario,
};

pub(super) fn scenarios() -> Vec<Scenario> {
    const TRACED: &[Need] = &[
        Need::Namespaces,
        Need::Ip,
        Need::Plugins(&["bridge", "host-local"]),
        Need::Tracing,
    ];
    vec![
        Scenario {
            name: "lifecycle::uninstall::pods_start_all_the_time",
            needs: BRIDGE,
            body: pods_start_all_the_time,
        },
        Scenario {
            name: "lifecycle::uninstall::killed_before_every_step",
            needs: TRACED,
            body: killed_before_every_step,
        },
    ]
}

const NO_VARIABLES: [(&str, &str); 0] = [];

/// Installs on a node whose cluster network is a bridge.
fn install(folders: &Folders) {
    let binary = plugin_binary();
    folders.succeeds(
        "install",
        &["--once", "--no-bridge-socket", "--plugin-binary", &binary],
    );
    assert_eq!(folders.taken().0, "00-polypod.conflist");
}

/// A pod from its start to its end, by one configuration, as CRI-O has it.
fn one_pod(node: &Node, folders: &Folders, name: &str) {
    let sandbox = Sandbox::new(node, name);
    let conf = folders.taken_plugin();
    let program = folders.executable(&conf["type"]);
    run(&program, &sandbox, "ADD", &conf).succeeded();
    assert_eq!(sandbox.netns.names(), ["eth0"]);
    run(&program, &sandbox, "DEL", &conf).succeeded();
    sandbox.netns.remove();
}

fn pods_start_all_the_time() {
    Node::run(|node| {
        let folders = Folders::new(&node.path(""));
        folders.put("10-bridge.conflist", &bridge(node));
        let over = AtomicBool::new(false);
        let started = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let over = Over(&over);
            let pods: Vec<_> = (0..3)
                .map(|worker| {
                    let (over, started, folders) = (over.0, &started, &folders);
                    scope.spawn(move || {
                        while !over.load(Ordering::Relaxed) {
                            one_pod(node, folders, &format!("pod-{worker}"));
                            started.fetch_add(1, Ordering::Relaxed);
                        }
                    })
                })
                .collect();
            let more = |wanted: usize| {
                let seen = started.load(Ordering::Relaxed);
                super::until("pods start", || {
                    started.load(Ordering::Relaxed) >= seen + wanted
                });
            };
            for _ in 0..2 {
                install(&folders);
                more(5);
                // A pod that was attached a moment ago may have its record still; then the executables wait for it.
                super::until("the node is handed back", || {
                    let output = folders.command("uninstall", &["--grace", "3"]);
                    let stderr = String::from_utf8_lossy(&output.stderr);
                    let is_done = output.status.success();
                    assert!(is_done || stderr.contains("sandboxes"), "{stderr}");
                    is_done
                });
                assert_eq!(folders.taken().0, "10-bridge.conflist");
                assert_eq!(node.files("cni-bin"), [].into());
                more(5);
            }
            drop(over);
            for pods in pods {
                if let Err(panic) = pods.join() {
                    std::panic::resume_unwind(panic);
                }
            }
        });
        assert_eq!(leftovers::leases(node), [""; 0].map(PathBuf::from));
        assert_eq!(leftovers::veths(node), [""; 0]);
        assert_eq!(node.files("state"), [].into());
    });
}

struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What stands in the runtime's folders.
fn contents(folders: &Folders) -> BTreeMap<PathBuf, Vec<u8>> {
    let all = ["net.d", "cni-bin"].into_iter().flat_map(|folder| {
        let entries = fs::read_dir(folders.path(folder)).expect("the folder is there");
        entries.map(|entry| entry.expect("the folder is read").path())
    });
    all.map(|path| {
        let bytes = fs::read(&path).unwrap_or_default();
        (path, bytes)
    })
    .collect()
}

fn killed_before_every_step() {
    Node::run(|node| {
        let folders = Folders::new(&node.path(""));
        folders.put("10-bridge.conflist", &bridge(node));
        install(&folders);
        let installed = contents(&folders);
        let program = binaries::path("polypod-device-bridge");
        let arguments = folders.arguments("uninstall", &["--grace", "0"]);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        // Of steps that have left the same, one is looked at.
        let mut seen = Vec::new();
        for step in 1.. {
            let call =
                Traced::with_arguments(&program, &arguments, &NO_VARIABLES, b"").kill_before(step);
            let left = contents(&folders);
            if !seen.contains(&left) {
                one_pod(node, &folders, &format!("after-{step}"));
                folders.succeeds("uninstall", &["--grace", "0"]);
                assert_eq!(folders.taken().0, "10-bridge.conflist");
                assert_eq!(node.files("cni-bin"), [].into());
                one_pod(node, &folders, &format!("at-last-{step}"));
                seen.push(left);
            }
            put_back(&folders, &installed);
            if call.is_none() {
                break;
            }
        }
        // All of it, without the configuration, without the plugin as well.
        assert!(seen.len() >= 3, "{} states", seen.len());
        println!("killed in each of {} states", seen.len());
        assert_eq!(leftovers::leases(node), [""; 0].map(PathBuf::from));
    });
}

/// Installs again, unless everything is still there.
fn put_back(folders: &Folders, installed: &BTreeMap<PathBuf, Vec<u8>>) {
    if &contents(folders) == installed {
        return;
    }
    for path in contents(folders).keys() {
        if !installed.contains_key(path) {
            fs::remove_file(path).expect("the node's folder can be written");
        }
    }
    install(folders);
    assert!(&contents(folders) == installed, "it is as it was");
}
