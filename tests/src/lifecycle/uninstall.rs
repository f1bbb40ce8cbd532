//! The node is handed back while pods of the cluster network start and end, and `uninstall` is killed before each of its
//! steps: whatever the runtime finds, pods start with it.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use serde_json::Value;

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
            name: "lifecycle::uninstall::pods_that_live_on",
            needs: BRIDGE,
            body: pods_that_live_on,
        },
        Scenario {
            name: "lifecycle::uninstall::an_agent_that_still_runs",
            needs: BRIDGE,
            body: an_agent_that_still_runs,
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

/// A pod from its start to its end, each by the configuration that is in force then, as containerd has it.
fn one_pod(node: &Node, folders: &Folders, name: &str) {
    let pod = start(node, folders, name);
    end(folders, &pod);
}

/// A pod that was started, with the result that the runtime keeps of it.
struct Started {
    sandbox: Sandbox,
    result: Value,
}

fn start(node: &Node, folders: &Folders, name: &str) -> Started {
    let sandbox = Sandbox::new(node, name);
    let conf = folders.taken_plugin();
    let result = run(&folders.executable(&conf["type"]), &sandbox, "ADD", &conf)
        .succeeded()
        .printed;
    assert_eq!(sandbox.netns.names(), ["eth0"]);
    Started { sandbox, result }
}

fn end(folders: &Folders, Started { sandbox, result }: &Started) {
    let mut conf = folders.taken_plugin();
    // libcni hands over what it has kept of the ADD, whoever was in force then.
    conf["prevResult"] = result.clone();
    run(&folders.executable(&conf["type"]), sandbox, "DEL", &conf).succeeded();
    assert_eq!(sandbox.netns.names(), [""; 0]);
    sandbox.netns.remove();
}

/// Pods that we attached live on, and the cluster network deletes them.
fn pods_that_live_on() {
    Node::run(|node| {
        let folders = Folders::new(&node.path(""));
        folders.put("10-bridge.conflist", &bridge(node));
        install(&folders);
        let pods = ["one", "two"].map(|name| start(node, &folders, name));
        assert_eq!(node.files("state").len(), 2, "a record each");
        folders.succeeds("uninstall", &["--grace", "0"]);
        assert_eq!(node.files("cni-bin"), [].into());
        assert_eq!(node.files("state"), [].into());
        for pod in &pods {
            assert_eq!(pod.sandbox.netns.names(), ["eth0"]);
            end(&folders, pod);
        }
        assert_eq!(leftovers::leases(node), [""; 0].map(PathBuf::from));
        assert_eq!(leftovers::veths(node), [""; 0]);
    });
}

/// An agent that has been told to end, and has not yet.
fn an_agent_that_still_runs() {
    Node::run(|node| {
        let folders = Folders::new(&node.path(""));
        folders.put("10-bridge.conflist", &bridge(node));
        let (socket, binary) = (node.path("bridge.sock"), plugin_binary());
        let socket = socket.display().to_string();
        let flags = [
            "--plugin-bridge-socket",
            &socket,
            "--plugin-binary",
            &binary,
        ];
        let agent = Command::new(binaries::path("polypod-device-bridge"))
            .args(folders.arguments("install", &flags))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it can be executed");
        let agent = Running(agent);
        let ours = folders.path("net.d/00-polypod.conflist");
        super::until("it has installed", || ours.exists());
        let mut uninstall = Command::new(binaries::path("polypod-device-bridge"))
            .args(folders.arguments("uninstall", &["--grace", "0"]))
            .stderr(Stdio::piped())
            .spawn()
            .expect("it can be executed");
        let stderr = uninstall.stderr.take().expect("it is piped");
        let mut said = BufReader::new(stderr).lines().map_while(Result::ok);
        let waits = said.any(|line| line.contains("it is waited for until it has ended"));
        let is_changed = !ours.exists();
        drop(agent);
        // Whoever writes more must find a reader.
        let rest: Vec<String> = said.collect();
        let status = uninstall.wait().expect("it is our child");
        assert!(waits && !is_changed, "{rest:?}");
        assert!(status.success(), "{rest:?}");
        assert_eq!(folders.taken().0, "10-bridge.conflist");
        assert_eq!(node.files("cni-bin"), [].into());
    });
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
                // A pod may be about to be attached; then the executables wait for it.
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

/// Ends with the test, however that ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
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
