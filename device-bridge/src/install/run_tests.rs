//! The loop on real folders, with inotify: nothing polls here, as the interval is longer than any test.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use clap::Parser;
use serde_json::Value;
use tokio::task::JoinHandle;

use super::*;
use crate::install::args::InstallCommandArgs;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    install: InstallCommandArgs,
}

struct Node {
    folder: tempfile::TempDir,
    stop: watch::Sender<bool>,
    ready: watch::Receiver<Standing>,
    running: JoinHandle<Result<Vec<u8>, InstallError>>,
}

const A: &str = r#"{"name":"a","cniVersion":"1.0.0","type":"bridge"}"#;
const B: &str = r#"{"name":"b","cniVersion":"1.0.0","type":"ptp"}"#;
const OURS: &str = "net.d/00-polypod.conflist";
const LONG: Duration = Duration::from_secs(30);

impl Node {
    fn start(files: &[(&str, &str)]) -> Self {
        Self::start_with(files, |_| "plugin".to_owned(), &[])
    }

    /// With this plugin in the image, and these flags besides.
    fn start_with(files: &[(&str, &str)], plugin: impl Fn(&Path) -> String, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for made in ["bin", "net.d", "sa/..1"] {
            fs::create_dir_all(folder.path().join(made)).unwrap();
        }
        fs::write(folder.path().join("polypod"), plugin(folder.path())).unwrap();
        symlink("..1", folder.path().join("sa/..data")).unwrap();
        for (name, text) in [("token", "first"), ("ca.crt", "CA")] {
            fs::write(folder.path().join("sa/..1").join(name), text).unwrap();
            symlink(
                Path::new("..data").join(name),
                folder.path().join("sa").join(name),
            )
            .unwrap();
        }
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let text = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let (bin, conf, plugin) = (text("bin"), text("net.d"), text("polypod"));
        let (account, kubeconfig) = (text("sa"), text("net.d/polypod.d/k"));
        let usual = [
            "install",
            "--poll-interval",
            "3600",
            "--cni-bin-dir",
            &bin,
            "--cni-conf-dir",
            &conf,
            "--plugin-binary",
            &plugin,
            "--service-account-dir",
            &account,
            "--api-server",
            "https://a",
            "--plugin-kubeconfig",
            &kubeconfig,
        ];
        let line = Line::parse_from([&usual, more].concat());
        let install = Install::of_command(line.install).unwrap().0;
        let (stop, stopped) = watch::channel(false);
        let (sender, ready) = watch::channel(Standing::default());
        let running = tokio::spawn(async move {
            let mut said = Vec::new();
            keep(install, stopped, sender, &mut said)
                .await
                .map(|()| said)
        });
        Self {
            folder,
            stop,
            ready,
            running,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn delegate(&self) -> Option<String> {
        let text = fs::read_to_string(self.path(OURS)).ok()?;
        let list: Value = serde_json::from_str(&text).expect("what is there is whole");
        Some(
            list["plugins"][0]["delegates"][0]["type"]
                .as_str()?
                .to_owned(),
        )
    }

    async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let wait = async {
            while !is_so(self) {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(LONG, wait)
            .await
            .unwrap_or_else(|_| panic!("never: {what}"));
    }

    async fn until_delegate(&self, wanted: &str) {
        self.until(wanted, |node| node.delegate().as_deref() == Some(wanted))
            .await;
    }

    async fn stop(self) -> Vec<u8> {
        self.stop.send_replace(true);
        timeout(LONG, self.running).await.unwrap().unwrap().unwrap()
    }
}

#[tokio::test]
async fn a_late_primary_its_changes_and_an_earlier_one() {
    let mut node = Node::start(&[]);
    node.until("the plugin", |node| node.path("bin/polypod").exists())
        .await;
    assert!(!node.ready.borrow().is_ready);
    node.write("net.d/10-b.conf", B);
    timeout(LONG, node.ready.wait_for(|ready| ready.is_ready))
        .await
        .unwrap()
        .unwrap();
    node.until_delegate("ptp").await;
    // In place, as many installers write.
    node.write("net.d/10-b.conf", &B.replace("ptp", "macvlan"));
    node.until_delegate("macvlan").await;
    // By rename, as the others do.
    node.write("net.d/new", A);
    fs::rename(node.path("net.d/new"), node.path("net.d/05-a.conf")).unwrap();
    node.until_delegate("bridge").await;

    // Whatever happens to it, the last good one stays.
    node.write("net.d/05-a.conf", "{");
    fs::remove_file(node.path("net.d/10-b.conf")).unwrap();
    fs::remove_file(node.path("net.d/05-a.conf")).unwrap();
    sleep(SETTLE * 3).await;
    assert_eq!(node.delegate().as_deref(), Some("bridge"));
    let path = node.path(OURS);
    let said = node.stop().await;
    assert_eq!(
        String::from_utf8(said).unwrap(),
        format!("installed {}\n", path.display())
    );
}

#[tokio::test]
async fn another_writer_is_put_right() {
    let node = Node::start(&[("net.d/10-a.conf", A)]);
    node.until_delegate("bridge").await;
    fs::rename(
        node.path(OURS),
        node.path("net.d/00-polypod.conflist.cilium_bak"),
    )
    .unwrap();
    node.until_delegate("bridge").await;
    // In place: what the kernel hands a reader in between is theirs, and torn if they write so.
    fs::rename(
        node.path("net.d/00-polypod.conflist.cilium_bak"),
        node.path("theirs"),
    )
    .unwrap();
    sleep(Duration::from_secs(2)).await;
    fs::write(
        node.path("net.d/theirs"),
        r#"{"name":"t","plugins":[{"type":"x"}]}"#,
    )
    .unwrap();
    fs::rename(node.path("net.d/theirs"), node.path(OURS)).unwrap();
    node.until_delegate("bridge").await;
    node.stop().await;
}

#[tokio::test]
async fn credentials_stay_fresh_and_everything_stays_on_stop() {
    let node = Node::start(&[("net.d/10-a.conf", A)]);
    let kubeconfig =
        |node: &Node| fs::read_to_string(node.path("net.d/polypod.d/k")).unwrap_or_default();
    node.until("the first token", |node| kubeconfig(node).contains("first"))
        .await;
    // As the kubelet rotates a projected volume.
    fs::create_dir(node.path("sa/..2")).unwrap();
    node.write("sa/..2/token", "second");
    node.write("sa/..2/ca.crt", "CA");
    symlink("..2", node.path("sa/..data_tmp")).unwrap();
    fs::rename(node.path("sa/..data_tmp"), node.path("sa/..data")).unwrap();
    node.until("the second token", |node| {
        kubeconfig(node).contains("second")
    })
    .await;

    let folder = node.path("");
    node.until_delegate("bridge").await;
    let Node {
        folder: kept,
        stop,
        running,
        ..
    } = node;
    stop.send_replace(true);
    timeout(LONG, running).await.unwrap().unwrap().unwrap();
    for file in [
        OURS,
        "net.d/polypod.d/k",
        "bin/polypod",
        "bin/polypod-device-bridge",
        "net.d/10-a.conf",
    ] {
        assert!(folder.join(file).is_file(), "{file}");
    }
    drop(kept);
}

/// Which version it is, it is asked besides, and says nothing.
const NOT_ASKED: &str = "[ \"$1\" != --version ] || exit 0\n";

const MULTUS: &str = r#"{"name":"m","cniVersion":"0.3.1","type":"multus","delegates":[{"name":"a","type":"bridge"}]}"#;

#[tokio::test]
async fn nobody_waits_for_what_multus_left() {
    // Not for ever, whatever becomes of this test.
    let hangs = |folder: &Path| {
        let folder = folder.display();
        format!(
            "#!/bin/sh\n{NOT_ASKED}echo $CNI_COMMAND >> {folder}/called\ni=0\n\
             while [ ! -e {folder}/go ] && [ $i -lt 600 ]; do i=$((i+1)); sleep 0.1; done\n\
             echo ended >> {folder}/called\n"
        )
    };
    let files = [("net.d/00-multus.conf", MULTUS), ("net.d/10-a.conf", A)];
    let node = Node::start_with(&files, hangs, &["--adopt-multus"]);
    let called = |node: &Node| fs::read_to_string(node.path("called")).unwrap_or_default();
    node.until("it is executed", |node| called(node) == "GC\n")
        .await;
    node.until_delegate("bridge").await;
    node.write("net.d/10-a.conf", &A.replace("bridge", "ptp"));
    node.until_delegate("ptp").await;
    assert_eq!(called(&node), "GC\n", "it is at work still");
    node.write("go", "");
    node.until("its end", |node| called(node) == "GC\nended\n")
        .await;
    node.stop().await;
}

#[tokio::test]
async fn what_multus_left_is_tried_until_it_is_undone() {
    let fails_twice = |folder: &Path| {
        let folder = folder.display();
        format!(
            "#!/bin/sh\n{NOT_ASKED}echo x >> {folder}/called\n[ $(wc -l < {folder}/called) -gt 2 ]\n"
        )
    };
    let files = [("net.d/00-multus.conf", MULTUS), ("net.d/10-a.conf", A)];
    let node = Node::start_with(&files, fails_twice, &["--adopt-multus"]);
    let called = |node: &Node| {
        let called = fs::read_to_string(node.path("called")).unwrap_or_default();
        called.lines().count()
    };
    node.until("it is tried", |node| called(node) == 1).await;
    let text = |name: &str| node.path(name).to_str().unwrap().to_owned();
    let (bin, conf) = (text("bin"), text("net.d"));
    let line = Line::parse_from([
        "install",
        "--adopt-multus",
        "--cni-bin-dir",
        &bin,
        "--cni-conf-dir",
        &conf,
    ]);
    let places = Install::of_command(line.install).unwrap().0.places;
    let tidied = leftovers::undo_all(places, Duration::from_millis(10));
    timeout(LONG, tidied).await.unwrap();
    assert_eq!(called(&node), 3, "and no more");
    node.stop().await;
}

#[tokio::test]
async fn a_folder_that_comes_late_is_found() {
    let node = Node::start(&[]);
    fs::remove_dir(node.path("net.d/polypod.d")).ok();
    node.until("the plugin", |node| node.path("bin/polypod").exists())
        .await;
    node.until("the kubeconfig", |node| {
        node.path("net.d/polypod.d/k").exists()
    })
    .await;
    // The keeper may be writing into it.
    node.until("no folder", |node| {
        fs::remove_dir_all(node.path("net.d")).is_ok()
    })
    .await;
    sleep(SETTLE * 2).await;
    let _ = fs::create_dir(node.path("net.d"));
    node.write("net.d/10-a.conf", A);
    node.until_delegate("bridge").await;
    node.stop().await;
}

#[tokio::test]
async fn once_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let text = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    for made in ["bin", "net.d"] {
        fs::create_dir(folder.path().join(made)).unwrap();
    }
    fs::write(folder.path().join("polypod"), "plugin").unwrap();
    let install = || {
        let line = Line::parse_from([
            "install",
            "--once",
            "--cni-bin-dir",
            &text("bin"),
            "--cni-conf-dir",
            &text("net.d"),
            "--plugin-binary",
            &text("polypod"),
        ]);
        Install::of_command(line.install).unwrap().0
    };
    let error = once(install()).await.unwrap_err().to_string();
    assert!(
        error.contains("has no configuration of a cluster network"),
        "{error}"
    );
    fs::write(folder.path().join("net.d/10-a.conf"), A).unwrap();
    once(install()).await.unwrap();
    once(install()).await.unwrap();
}
