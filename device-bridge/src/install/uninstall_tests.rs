//! The way back on real folders.

use clap::Parser;

use super::*;
use crate::install::{args::UninstallCommandArgs, programs::Programs, settings::Uninstall};

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    uninstall: UninstallCommandArgs,
}

struct Node {
    folder: tempfile::TempDir,
}

const OURS: &str =
    r#"{"name":"a","plugins":[{"type":"polypod","delegates":[{"name":"a","type":"bridge"}]}]}"#;

impl Node {
    /// A node with everything that `install` leaves.
    fn installed() -> Self {
        let node = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        for folder in [
            "opt/cni/bin",
            "etc/cni/net.d/polypod.d",
            "var/lib/cni/multus/sandboxes",
            "var/lib/cni/results",
        ] {
            fs::create_dir_all(node.path(folder)).unwrap();
        }
        node.write("etc/cni/net.d/00-polypod.conflist", OURS);
        node.write("etc/cni/net.d/10-a.conf", r#"{"name":"a","type":"bridge"}"#);
        node.write("etc/cni/net.d/polypod.d/polypod.kubeconfig", "token");
        node.write("image", "polypod");
        let uninstall = node.uninstall(&[]);
        let programs = Programs {
            plugin: node.path("image"),
            resolver: Some(node.path("image")),
            alias: None,
        };
        programs.install(&uninstall.places).unwrap();
        node
    }

    fn uninstall(&self, arguments: &[&str]) -> Uninstall {
        let root = self.folder.path().to_str().unwrap();
        let kubeconfig = "/etc/cni/net.d/polypod.d/polypod.kubeconfig";
        let is_quick = !arguments.contains(&"--grace");
        let grace: &[&str] = if is_quick { &["--grace", "0"] } else { &[] };
        let places = [
            "uninstall",
            "--host-root",
            root,
            "--plugin-kubeconfig",
            kubeconfig,
        ];
        let line = Line::parse_from([&places, grace, arguments].concat());
        Uninstall::of_command(line.uninstall).unwrap().0
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

#[test]
fn everything_goes_and_the_primary_is_first() {
    let node = Node::installed();
    for _ in 0..2 {
        run(&node.uninstall(&[])).unwrap();
        assert_eq!(node.names("opt/cni/bin"), [""; 0]);
        assert_eq!(node.names("etc/cni/net.d"), ["10-a.conf", "polypod.d"]);
        assert_eq!(node.names("etc/cni/net.d/polypod.d"), [""; 0]);
    }
}

/// Where the runtime deletes by its cache, in the folders of the node of these tests.
const CRIO: [&str; 2] = ["--preset=crio", "--cni-bin-dir=/opt/cni/bin"];

#[test]
fn the_plugin_stays_as_long_as_sandboxes_need_it() {
    let node = Node::installed();
    node.write("var/lib/cni/multus/sandboxes/one.json", "");
    node.write("var/lib/cni/multus/sandboxes/two.json.new", "");
    for _ in 0..2 {
        let error = run(&node.uninstall(&CRIO)).unwrap_err();
        assert!(
            matches!(error, InstallError::Sandboxes { count: 2, .. }),
            "{error}"
        );
        assert_eq!(
            node.names("opt/cni/bin"),
            ["polypod", "polypod-device-bridge"]
        );
        assert_eq!(
            node.names("etc/cni/net.d")[0],
            "10-a.conf",
            "but the node is handed back"
        );
    }
    run(&node.uninstall(&["--force"])).unwrap();
    assert_eq!(node.names("opt/cni/bin"), [""; 0]);
}

/// Given back to Multus: there are no records any more, and the runtime deletes by the name that it started pods with.
#[test]
fn the_plugin_stays_as_long_as_the_runtimes_cache_may_need_it() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    let node = Node::installed();
    let cached = serde_json::json!({"kind": "cniCacheV1", "config": STANDARD.encode(OURS)});
    let entry = "var/lib/cni/results/a-c1-eth0";
    node.write(entry, &cached.to_string());
    let error = run(&node.uninstall(&CRIO)).unwrap_err();
    assert!(
        matches!(error, InstallError::Sandboxes { count: 1, .. }),
        "{error}"
    );
    assert!(node.path("opt/cni/bin/polypod").exists());

    // As in a container with the records mounted alone.
    node.write("etc/cni/net.d/00-polypod.conflist", OURS);
    fs::remove_dir_all(node.path("var/lib/cni/results")).unwrap();
    let all = |node: &Node| ["etc/cni/net.d", "opt/cni/bin"].map(|folder| node.names(folder));
    let before = all(&node);
    let error = run(&node.uninstall(&CRIO)).unwrap_err().to_string();
    let words = [
        "nothing is changed",
        "keeps in /var/lib/cni/results",
        "mount it below --host-root",
        "--force",
    ];
    assert!(words.iter().all(|word| error.contains(word)), "{error}");
    assert_eq!(all(&node), before);
    // Whoever deletes by what is in the folder then needs none of it.
    run(&node.uninstall(&[])).unwrap();
    run(&node.uninstall(&CRIO)).unwrap();
}

/// What libcni keeps of an attachment of pod `c1`.
fn cached(conf: &str, interface: &str, netns: &Path) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    serde_json::json!({"kind": "cniCacheV1", "containerId": "c1", "ifName": interface, "networkName": "m",
        "netns": netns, "config": STANDARD.encode(conf),
        "cniArgs": [["K8S_POD_NAMESPACE", "default"], ["K8S_POD_NAME", "p1"]]})
    .to_string()
}

/// Multus was removed after its place was taken, and its pods live on.
#[test]
fn what_multus_attached_and_the_cluster_network_does_not_delete() {
    let node = Node::installed();
    fs::create_dir_all(node.path("var/lib/cni/multus/results")).unwrap();
    let macvlan = r#"{"name":"m","type":"macvlan"}"#;
    let netns = node.path("image");
    node.write(
        "var/lib/cni/multus/results/m-c1-net1",
        &cached(macvlan, "net1", &netns),
    );
    for _ in 0..2 {
        let error = run(&node.uninstall(&[])).unwrap_err().to_string();
        assert!(
            error.starts_with("nothing is changed")
                && error.contains("pod default/p1 (m, by Multus)"),
            "{error}"
        );
        assert!(node.path("etc/cni/net.d/00-polypod.conflist").exists());
    }
    // Its pod is deleted, by the plugin.
    fs::remove_file(node.path("var/lib/cni/multus/results/m-c1-net1")).unwrap();
    run(&node.uninstall(&[])).unwrap();
    assert_eq!(node.names("opt/cni/bin"), [""; 0]);
}

/// The runtime has kept the name that Multus's configuration had, under which it executes us.
#[test]
fn an_alias_stays_as_long_as_the_runtimes_cache_needs_it() {
    let node = Node::installed();
    let alias = node.path("opt/cni/bin/multus-shim");
    fs::copy(node.path("opt/cni/bin/polypod"), &alias).unwrap();
    fs::write(programs::backup_of(&alias), "the shim").unwrap();
    let shim = r#"{"name":"n","type":"multus-shim"}"#;
    let entry = "var/lib/cni/results/m-c1-eth0";
    node.write(entry, &cached(shim, "eth0", &node.path("image")));
    for _ in 0..2 {
        let error = run(&node.uninstall(&CRIO)).unwrap_err();
        assert!(
            matches!(error, InstallError::Sandboxes { count: 1, .. }),
            "{error}"
        );
        assert_eq!(
            fs::read(&alias).unwrap(),
            fs::read(node.path("image")).unwrap()
        );
    }
    fs::remove_file(node.path(entry)).unwrap();
    run(&node.uninstall(&CRIO)).unwrap();
    assert_eq!(node.names("opt/cni/bin"), ["multus-shim"]);
    assert_eq!(fs::read_to_string(&alias).unwrap(), "the shim");
}

/// The text of the record of a pod that has the cluster network, and these besides.
fn record(pod: &str, others: &[&str]) -> String {
    let attachment = |name: &str, default: bool| {
        let conf = format!(r#"{{"name":"{name}","type":"bridge"}}"#);
        let value = serde_json::json!({
            "name": name, "default": default, "interface": "eth0", "conf": conf,
        });
        serde_json::from_value::<spec::record::Attachment>(value).unwrap()
    };
    let mut attachments = vec![attachment("a", true)];
    attachments.extend(others.iter().map(|name| attachment(name, false)));
    spec::record::intent(&spec::record::Record {
        pod: Some(spec::bridge::PodRef {
            namespace: "default".parse().unwrap(),
            name: pod.parse().unwrap(),
            uid: None,
        }),
        attachments,
        ..spec::record::Record::new(pod.parse().unwrap())
    })
}

#[test]
fn a_plain_pod_keeps_nothing_where_the_cluster_network_deletes_it() {
    let node = Node::installed();
    node.write(
        "var/lib/cni/multus/sandboxes/plain.json",
        &record("plain", &[]),
    );
    run(&node.uninstall(&[])).unwrap();
    assert_eq!(node.names("opt/cni/bin"), [""; 0]);
    assert_eq!(node.names("var/lib/cni/multus/sandboxes"), [""; 0]);
}

#[test]
fn a_pod_with_networks_is_named_and_can_be_deleted_by_us() {
    let node = Node::installed();
    let folder = "var/lib/cni/multus/sandboxes";
    node.write(&format!("{folder}/plain.json"), &record("plain", &[]));
    node.write(
        &format!("{folder}/more.json"),
        &record("more", &["default/m"]),
    );
    for _ in 0..2 {
        let error = run(&node.uninstall(&[])).unwrap_err().to_string();
        let words = ["nothing is changed", "pod default/more (default/m)"];
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
        assert!(!error.contains("plain"), "{error}");
        assert_eq!(
            node.names("etc/cni/net.d")[0],
            "00-polypod.conflist",
            "the runtime has the plugin delete it"
        );
        assert_eq!(node.names(folder), ["more.json", "plain.json"]);
    }
    // One that was attached in the last moment.
    fs::remove_file(node.path("etc/cni/net.d/00-polypod.conflist")).unwrap();
    let error = run(&node.uninstall(&[])).unwrap_err().to_string();
    assert!(error.contains("the plugin stays"), "{error}");
    assert_eq!(node.names(folder), ["more.json"]);
    fs::remove_file(node.path(&format!("{folder}/more.json"))).unwrap();
    run(&node.uninstall(&[])).unwrap();
    assert_eq!(node.names("opt/cni/bin"), [""; 0]);
}

#[test]
fn records_are_looked_for_where_the_configuration_keeps_them() {
    let node = Node::installed();
    let own = OURS.replace(
        r#""type":"polypod","#,
        r#""type":"polypod","cniDir":"/own","#,
    );
    node.write("etc/cni/net.d/00-polypod.conflist", &own);
    fs::create_dir_all(node.path("own/sandboxes")).unwrap();
    node.write("own/sandboxes/one.json", &record("one", &["default/m"]));
    for more in [&[][..], &["--cni-dir", "/own"]] {
        let error = run(&node.uninstall(more)).unwrap_err().to_string();
        assert!(
            error.contains("own/sandboxes") && error.contains("default/one"),
            "{error}"
        );
    }
}

#[test]
fn the_kubeconfig_is_there_as_long_as_the_plugin_may_be_executed() {
    let node = Node::installed();
    let uninstall = node.uninstall(&["--grace", "3"]);
    std::thread::scope(|scope| {
        let done = scope.spawn(|| run(&uninstall));
        let ours = node.path("etc/cni/net.d/00-polypod.conflist");
        while ours.exists() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let kubeconfig = node.names("etc/cni/net.d/polypod.d");
        assert_eq!(kubeconfig, ["polypod.kubeconfig"], "in the grace");
        done.join().unwrap().unwrap();
    });
    assert_eq!(node.names("etc/cni/net.d/polypod.d"), [""; 0]);
}

#[test]
fn a_configuration_that_executes_us_by_another_name_keeps_us() {
    let node = Node::installed();
    fs::copy(node.path("image"), node.path("opt/cni/bin/multus")).unwrap();
    node.write(
        "etc/cni/net.d/05-own.conf",
        r#"{"name":"m","type":"multus","delegates":[]}"#,
    );
    let error = run(&node.uninstall(&[])).unwrap_err();
    assert!(
        matches!(&error, InstallError::StillExecuted { file, program } if file == "05-own.conf" && program == "multus"),
        "{error}"
    );
    assert_eq!(
        node.names("opt/cni/bin"),
        ["multus", "polypod", "polypod-device-bridge"]
    );
}

#[test]
fn a_configuration_that_executes_us_from_inside_keeps_us() {
    let inlined = format!(r#"{{"name":"m","type":"genie","delegates":[{OURS}]}}"#);
    let by_path = r#"{"name":"m","type":"multus-shim","clusterNetwork":"/host/etc/cni/net.d/00-polypod.conflist"}"#;
    for text in [inlined.as_str(), by_path] {
        let node = Node::installed();
        node.write("opt/cni/bin/multus-shim", "theirs");
        node.write("etc/cni/net.d/20-own.conf", text);
        let error = run(&node.uninstall(&[])).unwrap_err();
        assert!(
            matches!(&error, InstallError::StillExecuted { file, program } if file == "20-own.conf" && program == "polypod"),
            "{error}"
        );
        assert!(node.path("opt/cni/bin/polypod").exists());
    }
}

#[test]
fn a_first_configuration_that_is_broken_keeps_everything() {
    let node = Node::installed();
    let all = |node: &Node| ["etc/cni/net.d", "opt/cni/bin"].map(|folder| node.names(folder));
    node.write("etc/cni/net.d/05-broken.conflist", "{");
    let before = all(&node);
    let error = run(&node.uninstall(&[])).unwrap_err().to_string();
    let words = [
        "00-polypod.conflist stays",
        "etc/cni/net.d/05-broken.conflist would be the first",
        "repair or remove that",
        "--force",
    ];
    assert!(words.iter().all(|word| error.contains(word)), "{error}");
    assert_eq!(all(&node), before);
    run(&node.uninstall(&["--force"])).unwrap();
    assert_eq!(
        node.names("etc/cni/net.d"),
        ["05-broken.conflist", "10-a.conf", "polypod.d"]
    );
}

#[test]
fn a_node_is_not_left_with_the_loopback_alone() {
    let node = Node::installed();
    fs::remove_file(node.path("etc/cni/net.d/10-a.conf")).unwrap();
    let loopback = r#"{"cniVersion":"0.3.1","name":"lo","type":"loopback"}"#;
    node.write("etc/cni/net.d/200-loopback.conf", loopback);
    run(&node.uninstall(&[])).unwrap();
    assert_eq!(
        node.names("etc/cni/net.d"),
        ["10-a.conf", "200-loopback.conf", "polypod.d"]
    );
}

#[test]
fn multus_gets_its_program_before_its_configuration() {
    let node = Node::installed();
    // Nobody else has the cluster network.
    fs::remove_file(node.path("etc/cni/net.d/10-a.conf")).unwrap();
    node.write(
        "etc/cni/net.d/00-polypod.conflist",
        r#"{"name":"a","plugins":[{"type":"polypod","clusterNetwork":"/gone"}]}"#,
    );
    fs::copy(node.path("image"), node.path("opt/cni/bin/multus")).unwrap();
    node.write("opt/cni/bin/multus.polypod-backup", "theirs");
    node.write(
        "etc/cni/net.d/00-multus.conf.polypod-backup",
        r#"{"name":"m","type":"multus"}"#,
    );
    run(&node.uninstall(&[])).unwrap();
    assert_eq!(node.names("opt/cni/bin"), ["multus"]);
    assert_eq!(
        fs::read_to_string(node.path("opt/cni/bin/multus")).unwrap(),
        "theirs"
    );
    assert_eq!(node.names("etc/cni/net.d"), ["00-multus.conf", "polypod.d"]);
}

/// Multus was deleted from the cluster, and what it had on the node stayed.
#[test]
fn a_dead_multus_is_not_put_back_in_force() {
    for (kind, program) in [("multus-shim", true), ("multus", true), ("multus", false)] {
        let node = Node::installed();
        if program {
            node.write(&format!("opt/cni/bin/{kind}"), "theirs");
        }
        node.write(
            "etc/cni/net.d/00-multus.conf.polypod-backup",
            &format!(
                r#"{{"name":"m","type":"{kind}","clusterNetwork":"/host/etc/cni/net.d/10-a.conf"}}"#
            ),
        );
        run(&node.uninstall(&[])).unwrap();
        assert_eq!(
            node.names("etc/cni/net.d"),
            ["00-multus.conf.polypod-backup", "10-a.conf", "polypod.d"]
        );
    }
}

#[test]
fn a_node_that_was_never_installed() {
    let node = Node {
        folder: tempfile::tempdir().unwrap(),
    };
    run(&node.uninstall(&[])).unwrap();
}
