//! A node that Multus had, taken over with pods on it, and given back with pods on it.

mod daemon;
mod killed;
mod real;

use std::{fs, path::PathBuf};

use serde_json::{Value, json};

use crate::{
    fixture::{
        leftovers,
        multus::Delegate,
        multus_at_work::{attach, detach, forget},
        needs::{BRIDGE, plugin},
        node::Node,
        runtime::{Sandbox, host_local},
    },
    install::{Folders, plugin_binary},
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    let own = vec![
        Scenario {
            name: "adopt::pods_alive_through_both_and_deleted_on_either_side",
            needs: BRIDGE,
            body: pods_alive_through_both_and_deleted_on_either_side,
        },
        Scenario {
            name: "adopt::what_multus_left_of_pods_that_are_gone",
            needs: BRIDGE,
            body: what_multus_left_of_pods_that_are_gone,
        },
        Scenario {
            name: "adopt::pods_without_multus_files_are_handed_over",
            needs: BRIDGE,
            body: pods_without_multus_files_are_handed_over,
        },
        Scenario {
            name: "adopt::beside_multus",
            needs: BRIDGE,
            body: beside_multus,
        },
        Scenario {
            name: "adopt::malformed_files_change_nothing",
            needs: &[],
            body: malformed_files_change_nothing,
        },
    ];
    [
        own,
        daemon::scenarios(),
        killed::scenarios(),
        real::scenarios(),
    ]
    .concat()
}

/// The cluster network as a chain, and a network that Multus's configuration gives to every pod besides.
fn networks(node: &Node) -> [Value; 2] {
    let bridge = |name: &str, subnet: &str| json!({"cniVersion": "1.0.0", "type": "bridge", "bridge": name, "isGateway": true, "ipam": host_local(node, subnet)});
    let mut second = bridge("second", "10.78.0.0/24");
    second["name"] = json!("second");
    [
        json!({"cniVersion": "1.0.0", "name": "cbr0", "plugins": [bridge("cni0", "10.77.0.0/24")]}),
        second,
    ]
}

fn delegates(networks: &[Value; 2]) -> Vec<Delegate<'static>> {
    let [cluster, second] = networks.clone();
    vec![
        Delegate::new("cbr0", "eth0", cluster),
        Delegate::new("second", "net1", second),
    ]
}

/// A node with Multus as `thin_entrypoint` leaves it for version 1.0.0: its program, its configuration and the primary's.
fn thin(node: &Node, networks: &[Value; 2]) -> Folders {
    let folders = Folders::new(&node.path(""));
    folders.put("10-bridge.conflist", &networks[0]);
    folders.put(
        "00-multus.conflist",
        &json!({"cniVersion": "1.0.0", "name": "multus-cni-network", "plugins": [{
            "type": "multus", "logLevel": "verbose", "logToStderr": false, "cniConf": "/host/etc/cni/multus/net.d",
            "kubeconfig": "/etc/cni/net.d/multus.d/multus.kubeconfig", "cniDir": node.path("state"), "delegates": networks}]}),
    );
    fs::write(folders.path("cni-bin/multus"), "theirs").expect("the node's folder can be written");
    folders
}

/// Flags with which no agent is expected on the node.
fn adopt(binary: &str) -> [&str; 7] {
    [
        "--once",
        "--adopt-multus",
        "--no-bridge-socket",
        "--plugin-binary",
        binary,
        "--alias",
        "multus",
    ]
}

fn restore(folders: &Folders, more: &[&str]) -> String {
    // Nobody else starts pods meanwhile.
    let usual = ["--restore-multus", "--grace", "0"];
    let output = folders.command("install", &[&usual, more].concat());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "restore: {stderr}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn pods_alive_through_both_and_deleted_on_either_side() {
    Node::run(|node| {
        let networks = networks(node);
        let folders = thin(node, &networks);
        let multus = folders.taken();
        let [early, long, ours_early, ours_long] =
            ["early", "long", "ours-early", "ours-long"].map(|pod| Sandbox::new(node, pod));
        for sandbox in [&early, &long] {
            attach(node, sandbox, &delegates(&networks));
        }
        let binary = plugin_binary();
        for _ in 0..2 {
            folders.succeeds("install", &adopt(&binary));
        }
        let plugin = folders.taken_plugin();
        assert_eq!(plugin["name"], "multus-cni-network");
        assert_eq!(plugin["compat"], "multus");
        assert_eq!(
            plugin["delegates"],
            json!(networks),
            "every pod gets both as before"
        );
        assert!(!folders.path("net.d/00-multus.conflist").exists());
        for sandbox in [&early, &long] {
            assert_eq!(
                sandbox.netns.names(),
                ["eth0", "net1"],
                "nothing was touched"
            );
        }
        for sandbox in [&ours_early, &ours_long] {
            folders.run(sandbox, "ADD", &json!({})).succeeded();
            assert_eq!(sandbox.netns.names(), ["eth0", "net1"]);
        }
        folders.run(&early, "DEL", &json!({})).succeeded();
        folders.run(&ours_early, "DEL", &json!({})).succeeded();
        assert_eq!(
            leftovers::leases(node).len(),
            4,
            "two pods with two addresses"
        );

        for _ in 0..2 {
            let said = restore(&folders, &[]);
            assert!(
                said.contains("restored ") && said.contains("00-multus.conflist"),
                "{said}"
            );
            assert_eq!(folders.taken(), multus);
            assert_eq!(fs::read(folders.path("cni-bin/multus")).unwrap(), b"theirs");
            assert!(!folders.path("net.d/00-polypod.conflist").exists());
            assert_eq!(
                node.files("state/sandboxes"),
                [].into(),
                "Multus has them all"
            );
        }
        for sandbox in [&long, &ours_long] {
            assert_eq!(sandbox.netns.names(), ["eth0", "net1"]);
            detach(node, sandbox);
        }
        assert_eq!(leftovers::leases(node), Vec::<PathBuf>::new());
        assert_eq!(leftovers::veths(node), Vec::<String>::new());
        assert_eq!(node.files("state"), [].into());
        folders.succeeds("uninstall", &[]);
        assert!(!folders.path("cni-bin/polypod").exists());
        assert_eq!(folders.taken(), multus);
    });
}

fn what_multus_left_of_pods_that_are_gone() {
    Node::run(|node| {
        let networks = networks(node);
        let folders = thin(node, &networks);
        let [alive, gone, torn] = ["alive", "gone", "torn"].map(|pod| Sandbox::new(node, pod));
        for sandbox in [&alive, &gone, &torn] {
            attach(node, sandbox, &delegates(&networks));
        }
        fs::write(node.path("state/sandbox-torn"), "").unwrap();
        // Nobody but a runtime says where else plugins are.
        for name in ["bridge", "host-local"] {
            let program = plugin(name).expect("Need::Plugins was checked");
            std::os::unix::fs::symlink(program, folders.path("cni-bin").join(name)).unwrap();
        }
        for sandbox in [&gone, &torn] {
            forget(sandbox);
        }
        assert_eq!(leftovers::leases(node).len(), 6);
        let binary = plugin_binary();
        folders.succeeds("install", &adopt(&binary));
        assert_eq!(leftovers::leases(node).len(), 2, "the live pod's own");
        assert_eq!(alive.netns.names(), ["eth0", "net1"]);
        let left = node.files("state");
        assert_eq!(
            left.iter()
                .filter(|file| file.display().to_string().contains("sandbox-gone"))
                .count(),
            0,
            "{left:?}"
        );
        // What was torn may have had more than its results say; somebody is to look.
        assert!(left.contains(&node.path("state/sandbox-torn")), "{left:?}");
        folders.run(&alive, "DEL", &json!({})).succeeded();
        assert_eq!(leftovers::leases(node), Vec::<PathBuf>::new());
        assert_eq!(leftovers::veths(node), Vec::<String>::new());
    });
}

/// Without `compat` Multus knows nothing of a pod until it is handed over.
fn pods_without_multus_files_are_handed_over() {
    Node::run(|node| {
        let networks = networks(node);
        let folders = thin(node, &networks);
        let binary = plugin_binary();
        folders.succeeds(
            "install",
            &[&adopt(&binary)[..], &["--compat", "none"]].concat(),
        );
        let [pod, torn] = ["pod", "torn"].map(|pod| Sandbox::new(node, pod));
        for sandbox in [&pod, &torn] {
            folders.run(sandbox, "ADD", &json!({})).succeeded();
            assert!(!node.path("state").join(&sandbox.id).exists());
        }
        let record = node.path("state/sandboxes/sandbox-torn.json");
        let text = fs::read_to_string(&record).unwrap();
        fs::write(&record, &text[..text.len() / 3]).unwrap();
        let refused = folders.fails("install", &["--restore-multus"]);
        assert!(
            refused.contains("1 sandboxes in ")
                && refused.contains("sandbox-torn: ")
                && refused.contains("--force"),
            "{refused}"
        );
        assert_eq!(
            folders.taken().0,
            "00-polypod.conflist",
            "nothing is changed"
        );
        fs::write(&record, text).unwrap();
        restore(&folders, &[]);
        for sandbox in [&pod, &torn] {
            detach(node, sandbox);
        }
        assert_eq!(leftovers::leases(node), Vec::<PathBuf>::new());
        assert_eq!(node.files("state"), [].into());
    });
}

/// Multus stays first; ours is there for a runtime handler of its own (`cni_conf_dir` of containerd), or behind it.
fn beside_multus() {
    Node::run(|node| {
        let networks = networks(node);
        let folders = thin(node, &networks);
        let multus = folders.taken();
        let before = Sandbox::new(node, "before");
        attach(node, &before, &delegates(&networks));
        let files = |folder: &str| {
            let names = node.files(folder).into_iter();
            names
                .map(|file| (fs::read(&file).unwrap(), file))
                .collect::<Vec<_>>()
        };
        let (conf, state) = (files("net.d"), files("state"));
        let binary = plugin_binary();
        let path = |name: &str| node.path(name).display().to_string();
        let (own_conf, own_state, primary) =
            (path("polypod.d"), path("polypod-state"), path("net.d"));
        let flags = [
            "--cni-conf-dir",
            &own_conf,
            "--primary-conf-dir",
            &primary,
            "--cni-dir",
            &own_state,
        ];
        let bin = path("cni-bin");
        let place = |command: &str, more: &[&str]| {
            let mut arguments = vec![command, "--cni-bin-dir", &bin];
            arguments.extend(flags);
            arguments.extend(more);
            let program = crate::fixture::binaries::path("polypod-device-bridge");
            let output = std::process::Command::new(program).args(arguments).output();
            let output = output.expect("it can be executed");
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
        };
        fs::create_dir_all(&own_conf).unwrap();
        place(
            "install",
            &["--once", "--no-bridge-socket", "--plugin-binary", &binary],
        );
        let text = fs::read_to_string(node.path("polypod.d/00-polypod.conflist")).unwrap();
        let list: Value = serde_json::from_str(&text).unwrap();
        let mut own = list["plugins"][0].clone();
        own["name"] = list["name"].clone();
        own["cniVersion"] = list["cniVersion"].clone();
        assert_eq!(
            own["delegates"],
            json!([networks[0]]),
            "the primary, and not Multus"
        );
        let mine = Sandbox::new(node, "mine");
        mine.add(&own);
        assert_eq!(mine.netns.names(), ["eth0"]);
        assert_eq!(folders.taken(), multus);
        assert_eq!(
            (files("net.d"), files("state")),
            (conf.clone(), state.clone())
        );
        mine.del(&own);
        place("uninstall", &[]);
        assert!(!folders.path("cni-bin/polypod").exists());
        assert_eq!((files("net.d"), files("state")), (conf, state));

        // In the same folder, behind: it says that it is not in force.
        let behind = [
            "--conf-name",
            "99-polypod.conflist",
            "--once",
            "--plugin-binary",
            &binary,
        ];
        let told = folders.fails("install", &behind);
        assert!(
            told.contains("00-multus.conflist sorts before 99-polypod.conflist"),
            "{told}"
        );
        assert_eq!(folders.taken(), multus);
        folders.succeeds("uninstall", &["--conf-name", "99-polypod.conflist"]);
        assert_eq!(folders.taken(), multus);
        detach(node, &before);
        assert_eq!(leftovers::leases(node), Vec::<PathBuf>::new());
        assert_eq!(leftovers::veths(node), Vec::<String>::new());
    });
}

fn malformed_files_change_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let folders = Folders::new(folder.path());
    let shim = json!({"cniVersion": "0.3.1", "name": "multus-cni-network", "type": "multus-shim", "clusterNetwork": "/host/x/10-a.conf"});
    folders.put(
        "10-a.conf",
        &json!({"cniVersion": "0.3.1", "name": "a", "type": "bridge"}),
    );
    let binary = plugin_binary();
    let flags = ["--once", "--adopt-multus", "--plugin-binary", &binary];
    let daemon = folders.path("net.d/multus.d/daemon-config.json");
    fs::create_dir_all(daemon.parent().unwrap()).unwrap();
    for (conf, over, words) in [
        ("{", "{}", "00-multus.conf: "),
        (
            r#"{"name":"m","type":"multus-shim","namespaceIsolation":"yes"}"#,
            "{}",
            "namespaceIsolation",
        ),
        (&shim.to_string(), "{", "daemon-config.json: it is not JSON"),
        (
            &shim.to_string(),
            r#"{"globalNamespaces": ["a"]}"#,
            "daemon-config.json has [\"a\"] as \"globalNamespaces\"",
        ),
    ] {
        fs::write(folders.path("net.d/00-multus.conf"), conf).unwrap();
        fs::write(&daemon, over).unwrap();
        let told = folders.fails("install", &flags);
        assert!(
            told.contains("nothing is changed") && told.contains(words),
            "{told}"
        );
        assert_eq!(
            fs::read_to_string(folders.path("net.d/00-multus.conf")).unwrap(),
            conf
        );
        assert!(!folders.path("net.d/00-polypod.conflist").exists());
    }
    let none = folder.path().join("none").display().to_string();
    let told = folders.fails(
        "install",
        &[&flags[..], &["--multus-daemon-config", &none]].concat(),
    );
    assert!(told.contains("none: it cannot be read"), "{told}");
    fs::write(&daemon, "{}").unwrap();
    folders.succeeds("install", &flags);
    let told = folders.fails("install", &["--restore-multus"]);
    assert!(told.contains("multus-shim, which is not there"), "{told}");
}
