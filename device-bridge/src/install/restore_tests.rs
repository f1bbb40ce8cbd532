//! The way back to Multus on real folders.

use std::{fs, os::unix::fs::PermissionsExt as _};

use clap::Parser;

use super::*;
use crate::install::args::InstallCommandArgs;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    install: InstallCommandArgs,
}

const OURS: &str = r#"{"name":"m","plugins":[{"type":"polypod","cniDir":"/own","delegates":[{"name":"a","type":"bridge"}]}]}"#;
const THIN: &str =
    r#"{"name":"m","type":"multus","cniDir":"/own","delegates":[{"name":"a","type":"bridge"}]}"#;

struct Node(tempfile::TempDir);

impl Node {
    fn adopted() -> Self {
        let node = Self(tempfile::tempdir().unwrap());
        for folder in ["opt/cni/bin", "etc/cni/net.d", "own/sandboxes"] {
            fs::create_dir_all(node.path(folder)).unwrap();
        }
        node.write("etc/cni/net.d/00-polypod.conflist", OURS);
        node.write("etc/cni/net.d/00-multus.conf.polypod-backup", THIN);
        node.write("opt/cni/bin/multus.polypod-backup", "theirs");
        node.write("opt/cni/bin/multus", "ours: polypod-device-bridge");
        node
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn plugin(&self, prints: &str) {
        let asked = self.path("asked");
        self.program(&format!("cat >> {}\necho '{prints}'", asked.display()));
    }

    fn program(&self, script: &str) {
        let program = self.path("opt/cni/bin/polypod");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn restore(&self, more: &[&str]) -> Result<String, String> {
        let root = self.0.path().to_str().unwrap();
        let is_quick = !more.contains(&"--grace");
        let grace: &[&str] = if is_quick { &["--grace", "0"] } else { &[] };
        let usual = ["install", "--restore-multus", "--host-root", root];
        let line = Line::parse_from([&usual, grace, more].concat());
        let (restore, _) = Restore::of_command(line.install).unwrap();
        let mut said = Vec::new();
        run(&restore, &mut said).map_err(|error| error.to_string())?;
        Ok(String::from_utf8(said).unwrap())
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("etc/cni/net.d")).unwrap();
        let mut names: Vec<String> = entries
            .map(|one| one.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

#[test]
fn multus_has_all_back_and_again() {
    let node = Node::adopted();
    node.write("own/sandboxes/c1.json", "x");
    node.plugin(r#"{"handedOver":1,"kept":[]}"#);
    for _ in 0..2 {
        let said = node.restore(&[]).unwrap();
        assert!(
            said.starts_with("restored ") && said.ends_with("/00-multus.conf\n"),
            "{said}"
        );
        assert_eq!(node.names(), ["00-multus.conf"]);
        assert_eq!(
            fs::read(node.path("opt/cni/bin/multus")).unwrap(),
            b"theirs"
        );
        assert!(!node.path("opt/cni/bin/multus.polypod-backup").exists());
    }
    let asked = fs::read_to_string(node.path("asked")).unwrap();
    assert!(
        asked.contains(&format!("\"cniDir\":\"{}\"", node.path("own").display())),
        "{asked}"
    );
}

#[test]
fn pods_that_multus_could_not_delete_stay_ours() {
    let node = Node::adopted();
    node.write("own/sandboxes/c1.json", "x");
    let no_plugin = node.restore(&[]).unwrap_err();
    assert!(no_plugin.contains("there is no polypod"), "{no_plugin}");
    node.plugin(r#"{"handedOver":0,"kept":[{"containerId":"c1","problem":"it is torn"}]}"#);
    let kept = node.restore(&[]).unwrap_err();
    assert!(
        kept.starts_with("1 sandboxes in ")
            && kept.contains("c1: it is torn")
            && kept.contains("--force"),
        "{kept}"
    );
    assert!(
        node.names().contains(&"00-polypod.conflist".to_owned()),
        "nothing is changed"
    );
    assert!(!node.path("etc/cni/net.d/00-multus.conf").exists());
    node.restore(&["--force"]).unwrap();
    assert_eq!(node.names(), ["00-multus.conf"]);
}

#[test]
fn what_multus_made_from_ours_does_not_stay() {
    let node = Node::adopted();
    node.plugin(r#"{"handedOver":0,"kept":[]}"#);
    let on_ours = format!(r#"{{"name":"m","type":"multus","delegates":[{OURS}]}}"#);
    node.write("etc/cni/net.d/00-multus.conf", &on_ours);
    node.restore(&[]).unwrap();
    assert_eq!(node.names(), ["00-multus.conf"]);
    let there = fs::read_to_string(node.path("etc/cni/net.d/00-multus.conf")).unwrap();
    assert_eq!(there, THIN);
    // What an earlier release left, or a Multus that was started before its primary was named.
    for ours in [false, true] {
        node.write("etc/cni/net.d/00-multus.conf", &on_ours);
        if ours {
            node.write("etc/cni/net.d/00-polypod.conflist", OURS);
        }
        let before = node.names();
        let refused = node.restore(&["--force"]).unwrap_err();
        assert!(
            refused.contains("nothing is changed")
                && refused.contains("--multus-master-cni-file-name"),
            "{refused}"
        );
        assert_eq!(node.names(), before);
    }
}

/// Multus's daemon has written its file again, and the agent, which is about to end, moves it aside.
#[test]
fn what_the_agent_moved_at_its_end_is_put_back() {
    let node = Node::adopted();
    node.plugin(r#"{"handedOver":0,"kept":[]}"#);
    let (conf, aside) = (
        node.path("etc/cni/net.d/00-multus.conf"),
        node.path("etc/cni/net.d/00-multus.conf.polypod-backup"),
    );
    fs::rename(&aside, &conf).unwrap();
    let socket = node.path("run/polypod/bridge.sock");
    let agent = crate::sole::Sole::wait_for(&socket, std::time::Duration::ZERO);
    let agent = agent.unwrap().unwrap();
    std::thread::scope(|scope| {
        let restored = scope.spawn(|| node.restore(&[]));
        // Long enough for it to have begun to wait.
        std::thread::sleep(std::time::Duration::from_secs(1));
        fs::rename(&conf, &aside).unwrap();
        drop(agent);
        restored.join().unwrap().unwrap();
    });
    assert_eq!(node.names(), ["00-multus.conf"]);
}

/// Somebody is at work on Multus's file while pods are handed over.
#[test]
fn ours_stays_where_multus_went_meanwhile() {
    for meanwhile in ["rm", "sed -i s/bridge/polypod/"] {
        let node = Node::adopted();
        node.write("own/sandboxes/c1.json", "x");
        let conf = node.path("etc/cni/net.d/00-multus.conf");
        fs::write(&conf, THIN).unwrap();
        node.program(&format!(
            r#"{meanwhile} {}; echo '{{"handedOver":0,"kept":[]}}'"#,
            conf.display()
        ));
        for force in [&[][..], &["--force"]] {
            fs::write(&conf, THIN).unwrap();
            let refused = node.restore(force).unwrap_err();
            assert!(
                refused.contains("00-polypod.conflist stays")
                    && refused.contains("net.d/00-multus.conf"),
                "{refused}"
            );
            assert!(node.names().contains(&"00-polypod.conflist".to_owned()));
        }
    }
}

/// The runtime has read our configuration just before it was removed.
#[test]
fn what_is_attached_in_the_last_moment_is_handed_over() {
    let node = Node::adopted();
    let records = node.path("own/sandboxes");
    node.program(&format!(
        r#"rm {}/*; echo '{{"handedOver":1,"kept":[]}}'"#,
        records.display()
    ));
    std::thread::scope(|scope| {
        let restored = scope.spawn(|| node.restore(&["--grace", "4"]));
        let ours = node.path("etc/cni/net.d/00-polypod.conflist");
        while ours.exists() && !restored.is_finished() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        std::thread::sleep(std::time::Duration::from_secs(1));
        fs::write(records.join("late.json"), "x").unwrap();
        restored.join().unwrap().unwrap();
    });
    assert_eq!(fs::read_dir(&records).unwrap().count(), 0);
}

#[test]
fn a_folder_of_records_that_is_not_mounted_is_not_passed_over() {
    let node = Node::adopted();
    node.plugin(r#"{"handedOver":0,"kept":[]}"#);
    let other = THIN.replace("/own", "/theirs");
    node.write("etc/cni/net.d/00-multus.conf.polypod-backup", &other);
    let before = node.names();
    let refused = node.restore(&[]).unwrap_err();
    assert!(
        refused.contains("known of pods in /theirs") && refused.contains("mount it"),
        "{refused}"
    );
    assert_eq!(node.names(), before);
    fs::create_dir(node.path("theirs")).unwrap();
    fs::remove_dir_all(node.path("own")).unwrap();
    let refused = node.restore(&[]).unwrap_err();
    assert!(refused.contains("known of pods in /own"), "{refused}");
    fs::create_dir(node.path("own")).unwrap();
    node.restore(&[]).unwrap();
    assert_eq!(node.names(), ["00-multus.conf"]);
}

#[test]
fn a_multus_that_could_not_start_pods_is_not_put_back() {
    let node = Node::adopted();
    fs::remove_file(node.path("opt/cni/bin/multus.polypod-backup")).unwrap();
    let refused = node.restore(&[]).unwrap_err();
    assert!(
        refused.contains("executes ") && refused.contains("opt/cni/bin/multus, which is not there"),
        "{refused}"
    );
    node.write("opt/cni/bin/multus-shim", "theirs");
    node.write(
        "etc/cni/net.d/00-multus.conf.polypod-backup",
        &THIN.replace("\"multus\"", "\"multus-shim\""),
    );
    let refused = node.restore(&[]).unwrap_err();
    assert!(
        refused.contains("does not listen on ") && refused.contains("run/multus/multus.sock"),
        "{refused}"
    );
    fs::create_dir_all(node.path("run/multus")).unwrap();
    let _listens =
        std::os::unix::net::UnixListener::bind(node.path("run/multus/multus.sock")).unwrap();
    node.restore(&[]).unwrap();
    assert_eq!(node.names(), ["00-multus.conf"]);
    fs::remove_file(node.path("etc/cni/net.d/00-multus.conf")).unwrap();
    assert!(
        node.restore(&["--force"])
            .unwrap_err()
            .contains("no configuration of Multus")
    );
}

#[test]
fn a_daemon_that_would_execute_us_is_refused() {
    const THICK: &str = r#"{"name":"m","type":"multus-shim","daemonSocketDir":"/run/multus"}"#;
    let node = Node::adopted();
    node.plugin(r#"{"handedOver":0,"kept":[]}"#);
    fs::remove_file(node.path("etc/cni/net.d/00-multus.conf.polypod-backup")).unwrap();
    node.write("etc/cni/net.d/00-multus.conf", THICK);
    node.write("opt/cni/bin/multus-shim", "theirs");
    fs::create_dir_all(node.path("run/multus")).unwrap();
    let _daemon = std::os::unix::net::UnixListener::bind(node.path("run/multus/multus.sock"));
    let usual = node.path("etc/cni/net.d/multus.d/daemon-config.json");
    let named = node.path("daemon-config.json");
    fs::create_dir_all(usual.parent().unwrap()).unwrap();
    let on_ours = r#"{"clusterNetwork":"/host/etc/cni/net.d/00-polypod.conflist"}"#;
    let flag = ["--multus-daemon-config", named.to_str().unwrap()];
    for (path, more) in [(&usual, &[][..]), (&named, &flag[..])] {
        fs::write(path, on_ours).unwrap();
        let before = node.names();
        let refused = node.restore(&[more, &["--force"]].concat()).unwrap_err();
        assert!(
            refused.contains("nothing is changed, as ")
                && refused.contains(&path.display().to_string())
                && refused.contains("clusterNetwork"),
            "{refused}"
        );
        assert_eq!(node.names(), before);
        fs::write(path, "{").unwrap();
        let broken = node.restore(more).unwrap_err();
        assert!(broken.contains("it is not JSON"), "{broken}");
        assert_eq!(node.names(), before);
        fs::write(
            path,
            r#"{"clusterNetwork":"/host/etc/cni/net.d/10-a.conflist"}"#,
        )
        .unwrap();
    }
    node.restore(&flag).unwrap();
    assert!(!node.names().contains(&"00-polypod.conflist".to_owned()));
}
