//! A node that is installed, used and handed back, as its runtime sees it: the first configuration by name, and the
//! executables in its folder.

use std::{
    ffi::OsStr,
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    fixture::{
        binaries,
        bridge::{network, pod, write_objects},
        daemon::Daemon,
        kubelet::Kubelet,
        leftovers,
        needs::{BRIDGE, plugin},
        node::Node,
        runtime::{Ran, Sandbox, host_local},
    },
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "install::pods_of_before_meanwhile_and_afterwards",
            needs: BRIDGE,
            body: pods_of_before_meanwhile_and_afterwards,
        },
        Scenario {
            name: "install::the_agent_installs_and_answers",
            needs: BRIDGE,
            body: the_agent_installs_and_answers,
        },
        Scenario {
            name: "install::killed_while_the_primary_changes",
            needs: &[],
            body: killed_while_the_primary_changes,
        },
        Scenario {
            name: "install::replaced_while_it_runs",
            needs: &[],
            body: replaced_while_it_runs,
        },
        Scenario {
            name: "install::from_multus_and_back",
            needs: &[],
            body: from_multus_and_back,
        },
    ]
}

/// The folders of a node that `install` touches.
pub(crate) struct Folders(PathBuf);

impl Folders {
    pub(crate) fn new(folder: &Path) -> Self {
        for made in ["cni-bin", "net.d"] {
            fs::create_dir_all(folder.join(made)).expect("the node's folder can be written");
        }
        Self(folder.to_owned())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn put(&self, name: &str, conf: &Value) {
        let new = self.path("new");
        fs::write(&new, conf.to_string()).expect("the node's folder can be written");
        fs::rename(new, self.path("net.d").join(name)).expect("the node's folder can be written");
    }

    /// `polypod-device-bridge` with the flags that say where this node is.
    pub(crate) fn arguments(&self, command: &str, more: &[&str]) -> Vec<String> {
        let path = |name: &str| self.path(name).display().to_string();
        let mut arguments = vec![
            command.to_owned(),
            "--cni-bin-dir".to_owned(),
            path("cni-bin"),
            "--cni-conf-dir".to_owned(),
            path("net.d"),
            "--cni-dir".to_owned(),
            path("state"),
        ];
        arguments.extend(more.iter().map(|argument| (*argument).to_owned()));
        arguments
    }

    pub(crate) fn command(&self, command: &str, more: &[&str]) -> Output {
        Command::new(binaries::path("polypod-device-bridge"))
            .args(self.arguments(command, more))
            .output()
            .expect("polypod-device-bridge can be executed")
    }

    pub(crate) fn succeeds(&self, command: &str, more: &[&str]) {
        let output = self.command(command, more);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command} {more:?}: {stderr}");
    }

    pub(crate) fn fails(&self, command: &str, more: &[&str]) -> String {
        let output = self.command(command, more);
        assert!(!output.status.success(), "{command} {more:?} succeeded");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// The configuration that a runtime takes: the first by name among those that it reads.
    pub(crate) fn taken(&self) -> (String, Value) {
        let mut names: Vec<String> = fs::read_dir(self.path("net.d"))
            .expect("the folder is there")
            .map(|entry| entry.expect("the folder is read").file_name())
            .filter_map(|name| name.into_string().ok())
            .filter(|name| {
                [".conf", ".conflist", ".json"]
                    .iter()
                    .any(|ending| name.ends_with(ending))
            })
            .collect();
        names.sort();
        let name = names.into_iter().next().expect("there is a configuration");
        let text = fs::read_to_string(self.path("net.d").join(&name)).expect("it can be read");
        let conf = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{name} is torn ({error}): {text}"));
        (name, conf)
    }

    /// The only plugin of the configuration that the runtime takes, as the runtime hands it over.
    pub(crate) fn taken_plugin(&self) -> Value {
        let (_, list) = self.taken();
        assert_eq!(list["plugins"].as_array().map(Vec::len), Some(1), "{list}");
        let mut conf = list["plugins"][0].clone();
        conf["name"] = list["name"].clone();
        conf["cniVersion"] = list["cniVersion"].clone();
        conf
    }

    /// The executable of a plugin: the runtime's own folder, else where the reference plugins are.
    pub(crate) fn executable(&self, name: &Value) -> PathBuf {
        let name = name.as_str().expect("a plugin has a type");
        let own = self.path("cni-bin").join(name);
        if own.exists() {
            own
        } else {
            plugin(name).expect("Need::Plugins was checked")
        }
    }

    /// Executes a verb with the configuration that the runtime takes now.
    pub(crate) fn run(&self, sandbox: &Sandbox, verb: &str, more: &Value) -> Ran {
        let mut conf = self.taken_plugin();
        if let (Value::Object(conf), Value::Object(more)) = (&mut conf, more) {
            conf.extend(more.clone());
        }
        run(&self.executable(&conf["type"]), sandbox, verb, &conf)
    }
}

/// Executes a plugin, as a runtime does.
pub(crate) fn run(program: &Path, sandbox: &Sandbox, verb: &str, conf: &Value) -> Ran {
    let mut child = Command::new(program)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs(sandbox.environment(verb))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the plugin can be executed");
    let mut stdin = child.stdin.take().expect("standard input is piped");
    let _ = stdin.write_all(conf.to_string().as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("the plugin ends");
    Ran {
        success: output.status.success(),
        printed: serde_json::from_slice(&output.stdout).unwrap_or_default(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A bridge as Debian's plugins make it.
pub(crate) fn bridge(node: &Node) -> Value {
    json!({"cniVersion": "1.0.0", "name": "cbr0", "plugins": [{
        "type": "bridge", "bridge": "cni0", "isGateway": true, "capabilities": {"ips": true},
        "ipam": host_local(node, "10.77.0.0/24")}]})
}

pub(crate) fn plugin_binary() -> String {
    binaries::path("polypod").display().to_string()
}

/// A pod that the cluster network attached by itself is deleted by the plugin; one that the plugin attached keeps it on the
/// node until it is deleted, while the cluster network has the node back.
fn pods_of_before_meanwhile_and_afterwards() {
    Node::run(|node| {
        let folders = Folders::new(&node.path(""));
        let none = json!({});
        folders.put("10-bridge.conflist", &bridge(node));
        let before = Sandbox::new(node, "before");
        let result = folders.run(&before, "ADD", &none).succeeded().printed;

        let binary = plugin_binary();
        let install = ["--once", "--no-bridge-socket", "--plugin-binary", &binary];
        folders.succeeds("install", &install);
        let (name, list) = folders.taken();
        assert_eq!(
            (name.as_str(), &list["name"]),
            ("00-polypod.conflist", &json!("cbr0"))
        );
        assert_eq!(list["plugins"][0]["capabilities"]["ips"], true);
        let installed = folders.path("cni-bin/polypod");
        assert_eq!(fs::read(&installed).unwrap(), fs::read(&binary).unwrap());

        let meanwhile = Sandbox::new(node, "meanwhile");
        let added = folders.run(&meanwhile, "ADD", &none).succeeded().printed;
        assert_eq!(added["cniVersion"], "1.0.0");
        let links = meanwhile.netns.links();
        assert!(links[0].addresses[0].starts_with("10.77.0."), "{links:?}");
        folders
            .run(&meanwhile, "CHECK", &json!({"prevResult": added}))
            .succeeded();
        assert_eq!(leftovers::leases(node).len(), 2);
        // Known by the same name, it is handed over with its result.
        folders
            .run(&before, "DEL", &json!({"prevResult": result}))
            .succeeded();
        assert_eq!(leftovers::leases(node).len(), 1);

        // As CRI-O keeps it for DEL.
        let cached = folders.taken_plugin();
        let kept = folders.fails("uninstall", &["--preset", "crio"]);
        assert!(
            kept.contains("1 sandboxes") && kept.contains("--force"),
            "{kept}"
        );
        assert_eq!(folders.taken().0, "10-bridge.conflist");
        let afterwards = Sandbox::new(node, "afterwards");
        folders.run(&afterwards, "ADD", &none).succeeded();
        run(&installed, &meanwhile, "DEL", &cached).succeeded();
        folders.run(&afterwards, "DEL", &none).succeeded();
        assert_eq!(leftovers::leases(node), Vec::<PathBuf>::new());

        for _ in 0..2 {
            folders.succeeds("uninstall", &[]);
            assert!(!installed.exists());
            assert_eq!(folders.taken().0, "10-bridge.conflist");
        }
    });
}

fn the_agent_installs_and_answers() {
    Node::run(|node| {
        let folders = Folders::new(&node.path(""));
        let second = json!({"cniVersion": "1.0.0", "type": "bridge", "bridge": "second", "ipam": host_local(node, "10.78.0.0/24")});
        write_objects(
            node,
            &[network("second", None, &second), pod("two", "second")],
        );
        let _kubelet = Kubelet::start(&node.path("kubelet.sock"), true);
        let path = |name: &str| node.path(name).display().to_string();
        let (objects, socket, kubelet, status) = (
            path("objects.yaml"),
            path("run/bridge.sock"),
            path("kubelet.sock"),
            path("status"),
        );
        let binary = plugin_binary();
        let arguments = folders.arguments(
            "serve",
            &[
                "--install",
                "--plugin-binary",
                &binary,
                "--objects",
                &objects,
                "--bridge-socket",
                &socket,
                "--pod-resources-socket",
                &kubelet,
                "--publish-to",
                &status,
            ],
        );
        let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        let daemon = Daemon::start("polypod-device-bridge", &arguments);
        daemon.ready("serving unix://");
        // Late, as on a fresh node.
        folders.put("10-bridge.conflist", &bridge(node));
        until("our configuration", || {
            folders.taken().0 == "00-polypod.conflist"
        });
        let sandbox = Sandbox::new(node, "two");
        folders.run(&sandbox, "ADD", &json!({})).succeeded();
        assert_eq!(sandbox.netns.names(), ["eth0", "net1"]);
        folders.run(&sandbox, "DEL", &json!({})).succeeded();

        assert!(daemon.stop(), "it ends well");
        assert_eq!(
            folders.taken().0,
            "00-polypod.conflist",
            "and leaves everything"
        );
        assert!(folders.path("cni-bin/polypod").is_file());
    });
}

/// The runtime reads all the time, the cluster network's installer writes all the time, and the agent is killed again and
/// again: what the runtime reads is whole and executes the plugin.
fn killed_while_the_primary_changes() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let folders = Folders::new(folder.path());
    let primary = |number: usize| {
        // Long enough for a torn one to be seen.
        let filler = "x".repeat(20_000 + number);
        json!({"cniVersion": "1.0.0", "name": "a", "type": "bridge", "number": number, "filler": filler})
    };
    folders.put("10-a.conf", &primary(0));
    let binary = plugin_binary();
    folders.succeeds("install", &["--once", "--plugin-binary", &binary]);
    let over = AtomicBool::new(false);
    let reads = std::thread::scope(|scope| {
        let runtime = scope.spawn(|| {
            let mut reads = 0_usize;
            while !over.load(Ordering::Relaxed) {
                let (name, list) = folders.taken();
                assert_eq!(name, "00-polypod.conflist");
                let plugin = &list["plugins"][0];
                assert_eq!(plugin["type"], "polypod");
                assert!(plugin["delegates"][0]["number"].is_u64());
                reads += 1;
            }
            reads
        });
        let installer = scope.spawn(|| {
            let mut number = 0;
            while !over.load(Ordering::Relaxed) {
                number += 1;
                folders.put("10-a.conf", &primary(number));
                std::thread::sleep(Duration::from_millis(3));
            }
        });
        for round in 0..15_u64 {
            let mut agent = Command::new(binaries::path("polypod-device-bridge"))
                .args(folders.arguments("install", &["--plugin-binary", &binary]))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("polypod-device-bridge can be executed");
            std::thread::sleep(Duration::from_millis(40 + round * 17));
            agent.kill().expect("it is our child");
            agent.wait().expect("it is our child");
        }
        over.store(true, Ordering::Relaxed);
        installer.join().expect("the installer only writes");
        runtime.join()
    });
    let reads = reads.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    assert!(reads > 0, "the runtime has read");
    // What a killed one has left is not in the runtime's sight, and a new one puts all of it right.
    folders.put(
        "10-a.conf",
        &json!({"cniVersion": "1.0.0", "name": "a", "type": "ptp"}),
    );
    folders.succeeds("install", &["--once", "--plugin-binary", &binary]);
    assert_eq!(
        folders.taken().1["plugins"][0]["delegates"][0]["type"],
        "ptp"
    );
}

fn replaced_while_it_runs() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let folders = Folders::new(folder.path());
    folders.put(
        "10-a.conf",
        &json!({"cniVersion": "1.0.0", "name": "a", "type": "bridge"}),
    );
    let mut images = Vec::new();
    for version in 0..2_u8 {
        let mut image = fs::read(binaries::path("polypod")).expect("it is built");
        // What stands after the last section of an executable is not looked at.
        image.push(version);
        let path = folder.path().join(format!("image-{version}"));
        fs::write(&path, image).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        images.push(path.display().to_string());
    }
    folders.succeeds("install", &["--once", "--plugin-binary", &images[0]]);
    let installed = folders.path("cni-bin/polypod");
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let runtime = scope.spawn(|| {
            let mut runs = 0;
            while !over.load(Ordering::Relaxed) {
                // Not through a fixture that tries again: the first `text file busy` counts.
                let output = Command::new(&installed)
                    .arg("--version")
                    .output()
                    .unwrap_or_else(|error| panic!("after {runs} runs: {error}"));
                assert!(output.status.success());
                runs += 1;
            }
            runs
        });
        for round in 1..=12 {
            folders.succeeds(
                "install",
                &["--once", "--plugin-binary", &images[round % 2]],
            );
            assert_eq!(
                fs::read(&installed).unwrap(),
                fs::read(&images[round % 2]).unwrap()
            );
        }
        over.store(true, Ordering::Relaxed);
        let runs: usize = runtime.join().expect("every run succeeds");
        assert!(runs > 0, "it was executed");
    });
}

fn from_multus_and_back() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let folders = Folders::new(folder.path());
    let multus = json!({"cniVersion": "0.3.1", "name": "multus-cni-network", "type": "multus-shim", "namespaceIsolation": true,
        "clusterNetwork": "/host/etc/cni/net.d/10-a.conflist", "daemonSocketDir": "/run/multus"});
    let primary = json!({"cniVersion": "0.3.1", "name": "a", "plugins": [{"type": "bridge"}]});
    folders.put("00-multus.conf", &multus);
    folders.put("10-a.conflist", &primary);
    fs::write(folders.path("cni-bin/multus-shim"), "theirs").unwrap();
    let binary = plugin_binary();
    let not_asked = folders.fails("install", &["--once", "--plugin-binary", &binary]);
    assert!(
        not_asked.contains("00-multus.conf sorts before 00-polypod.conflist"),
        "{not_asked}"
    );
    assert_eq!(folders.taken().0, "00-multus.conf");

    let replace = [
        "--once",
        "--plugin-binary",
        &binary,
        "--adopt-multus",
        "--alias",
        "multus-shim",
    ];
    for _ in 0..2 {
        folders.succeeds("install", &replace);
        let plugin = folders.taken_plugin();
        assert_eq!(plugin["type"], "polypod");
        assert_eq!(plugin["name"], "multus-cni-network");
        assert_eq!(plugin["namespaceIsolation"], true);
        assert_eq!(plugin["delegates"], json!([primary]));
    }
    for _ in 0..2 {
        folders.succeeds("uninstall", &[]);
        // Its daemon is not there: its configuration would fail every pod.
        assert_eq!(
            folders.taken(),
            ("10-a.conflist".to_owned(), primary.clone())
        );
        let aside = fs::read(folders.path("net.d/00-multus.conf.polypod-backup")).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&aside).unwrap(), multus);
        assert_eq!(
            fs::read(folders.path("cni-bin/multus-shim")).unwrap(),
            b"theirs"
        );
        assert!(!folders.path("cni-bin/polypod").exists());
    }
}

/// Waits until something is so.
pub(crate) fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
