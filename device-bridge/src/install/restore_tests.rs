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
        self.write(
            "opt/cni/bin/polypod",
            &format!(
                "#!/bin/sh\ncat >> {}\necho '{prints}'\n",
                self.path("asked").display()
            ),
        );
        fs::set_permissions(
            self.path("opt/cni/bin/polypod"),
            fs::Permissions::from_mode(0o755),
        )
        .unwrap();
    }

    fn restore(&self, more: &[&str]) -> Result<String, String> {
        let root = self.0.path().to_str().unwrap();
        let line = Line::parse_from(
            [&["install", "--restore-multus", "--host-root", root], more].concat(),
        );
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
