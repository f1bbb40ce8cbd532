//! A daemon of Multus that still runs beside: it writes its configuration in place, again and again, and removes it at its end.

use std::{
    fs,
    os::unix::net::UnixListener,
    sync::atomic::{AtomicBool, Ordering},
};

use serde_json::{Value, json};

use super::{delegates, networks, restore};
use crate::{
    fixture::{
        daemon::Daemon,
        leftovers,
        multus_at_work::{attach, detach},
        needs::BRIDGE,
        node::Node,
        runtime::Sandbox,
    },
    install::{Folders, plugin_binary, until},
    scenario::Scenario,
};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "adopt::a_daemon_that_still_runs",
            needs: BRIDGE,
            body: a_daemon_that_still_runs,
        },
        Scenario {
            name: "adopt::a_daemon_that_was_stopped_before",
            needs: BRIDGE,
            body: a_daemon_that_was_stopped_before,
        },
    ]
}

/// What the daemon generates, and its own configuration, whose paths are those of its container.
fn daemon_files(node: &Node, folders: &Folders) -> Value {
    let primary = folders.path("net.d/10-bridge.conflist");
    let shim = json!({"capabilities": {"portMappings": true}, "cniVersion": "0.3.1", "name": "multus-cni-network", "logToStderr": true,
        "type": "multus-shim", "clusterNetwork": format!("/host{}", primary.display()), "daemonSocketDir": node.path("multus")});
    let own = json!({"chrootDir": "/hostroot", "cniVersion": "0.3.1", "LogLevel": "verbose", "namespaceIsolation": true,
        "globalNamespaces": "default,shared", "cniConfigDir": "/host/etc/cni/net.d", "multusAutoconfigDir": "/host/etc/cni/net.d",
        "multusConfigFile": "auto", "socketDir": "/host/run/multus/", "confDir": "/host/etc/cni/multus/net.d", "metricsPort": 9091,
        "cniDir": format!("/hostroot{}", node.path("state").display())});
    let path = folders.path("net.d/multus.d/daemon-config.json");
    fs::create_dir_all(path.parent().expect("a file is in a folder"))
        .expect("the node's folder can be written");
    fs::write(path, own.to_string()).expect("the node's folder can be written");
    shim
}

/// As `os.WriteFile` does: the file is emptied and then written.
fn write_in_place(folders: &Folders, conf: &Value) {
    fs::write(folders.path("net.d/00-multus.conf"), conf.to_string())
        .expect("the node's folder can be written");
}

/// The first configuration by name; `None` while Multus's own daemon is half-way with its own.
fn taken(folders: &Folders) -> Option<(String, Value)> {
    let mut names: Vec<String> = fs::read_dir(folders.path("net.d"))
        .expect("the folder is there")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".conf") || name.ends_with(".conflist"))
        .collect();
    names.sort();
    let name = names.into_iter().next().expect("there is a configuration");
    // One that is gone by now was renamed: the next look finds the other.
    let text = fs::read_to_string(folders.path("net.d").join(&name)).ok()?;
    match serde_json::from_str(&text) {
        Ok(conf) => Some((name, conf)),
        Err(_) if name == "00-multus.conf" => None,
        Err(error) => panic!("{name} is torn ({error}): {text}"),
    }
}

fn a_daemon_that_still_runs() {
    Node::run(|node| {
        let networks = networks(node);
        let folders = Folders::new(&node.path(""));
        folders.put("10-bridge.conflist", &networks[0]);
        let shim = daemon_files(node, &folders);
        write_in_place(&folders, &shim);
        fs::write(folders.path("cni-bin/multus-shim"), "theirs").unwrap();
        let before = Sandbox::new(node, "before");
        attach(node, &before, &delegates(&networks)[..1]);

        let binary = plugin_binary();
        let arguments = folders.arguments(
            "install",
            &[
                "--adopt-multus",
                "--no-bridge-socket",
                "--plugin-binary",
                &binary,
                "--poll-interval",
                "1",
            ],
        );
        let arguments: Vec<&std::ffi::OsStr> = arguments.iter().map(std::ffi::OsStr::new).collect();
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let runtime = scope.spawn(|| {
                let mut looks = 0_usize;
                while !over.load(Ordering::Relaxed) {
                    if let Some((name, conf)) = taken(&folders) {
                        let plugin = conf["plugins"].get(0).unwrap_or(&conf);
                        let wanted = match name.as_str() {
                            "00-multus.conf" => "multus-shim",
                            "00-polypod.conflist" => "polypod",
                            other => panic!("{other} is the cluster network alone"),
                        };
                        assert_eq!(plugin["type"], wanted);
                        looks += 1;
                    }
                }
                looks
            });
            let agent = Daemon::start("polypod-device-bridge", &arguments);
            agent.ready("installed ");
            let in_force =
                || taken(&folders).is_some_and(|(name, _)| name == "00-polypod.conflist");
            let plugin = folders.taken_plugin();
            assert_eq!(
                plugin["namespaceIsolation"], true,
                "the daemon's word is over the client's"
            );
            assert_eq!(plugin["globalNamespaces"], "default,shared");
            assert_eq!(
                plugin["confDir"], "/etc/cni/multus/net.d",
                "as the node has it"
            );
            assert_eq!(plugin["cniDir"], json!(node.path("state")));
            assert_eq!(plugin["logLevel"], "verbose");
            assert_eq!(plugin.get("metricsPort"), None);
            // It starts again, and sees changes of the primary.
            for round in 0..3 {
                let mut again = shim.clone();
                again["round"] = json!(round);
                write_in_place(&folders, &again);
                until("ours is in force again", in_force);
            }
            // It ends, with its file there and with none.
            write_in_place(&folders, &shim);
            let _ = fs::remove_file(folders.path("net.d/00-multus.conf"));
            until("ours is in force at its end", in_force);
            over.store(true, Ordering::Relaxed);
            assert!(agent.stop(), "it ends well");
            let looks = runtime
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            assert!(looks > 0);
        });
        let meanwhile = Sandbox::new(node, "meanwhile");
        folders.run(&meanwhile, "ADD", &json!({})).succeeded();
        folders.run(&before, "DEL", &json!({})).succeeded();

        // Back: not as long as no pod would start.
        let told = folders.fails("install", &["--restore-multus"]);
        assert!(
            told.contains("does not listen on") && told.contains("nothing is changed"),
            "{told}"
        );
        assert_eq!(folders.taken().0, "00-polypod.conflist");
        fs::create_dir_all(node.path("multus")).unwrap();
        let _listens = UnixListener::bind(node.path("multus/multus.sock")).unwrap();
        restore(&folders, &[]);
        assert_eq!(folders.taken().1["type"], "multus-shim");
        detach(node, &meanwhile);
        assert_eq!(leftovers::leases(node), Vec::<std::path::PathBuf>::new());
        assert_eq!(leftovers::veths(node), Vec::<String>::new());
        assert_eq!(node.files("state"), [].into());
    });
}

/// It has removed what it had written, and only its own configuration says what it was told.
fn a_daemon_that_was_stopped_before() {
    Node::run(|node| {
        let networks = networks(node);
        let folders = Folders::new(&node.path(""));
        folders.put("10-bridge.conflist", &networks[0]);
        let shim = daemon_files(node, &folders);
        fs::write(folders.path("cni-bin/multus-shim"), "theirs").unwrap();
        let binary = plugin_binary();
        let flags = [
            "--once",
            "--adopt-multus",
            "--no-bridge-socket",
            "--plugin-binary",
            &binary,
        ];
        folders.succeeds("install", &flags);
        let plugin = folders.taken_plugin();
        assert_eq!(plugin["name"], "multus-cni-network");
        assert_eq!(plugin["namespaceIsolation"], true);
        let pod = Sandbox::new(node, "pod");
        folders.run(&pod, "ADD", &json!({})).succeeded();
        let told = folders.fails("install", &["--restore-multus"]);
        assert!(told.contains("has no configuration of Multus"), "{told}");
        // Its daemon is started first then, and takes the node over by itself.
        fs::create_dir_all(node.path("multus")).unwrap();
        let _listens = UnixListener::bind(node.path("multus/multus.sock")).unwrap();
        write_in_place(&folders, &shim);
        restore(&folders, &[]);
        assert!(!folders.path("net.d/00-polypod.conflist").exists());
        detach(node, &pod);
        assert_eq!(leftovers::leases(node), Vec::<std::path::PathBuf>::new());
        assert_eq!(node.files("state"), [].into());
    });
}
