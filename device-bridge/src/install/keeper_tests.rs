//! One look at a real node: what it writes, and with what rights.

use std::os::unix::fs::PermissionsExt as _;

use clap::Parser;

use super::*;
use crate::install::args::InstallCommandArgs;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    install: InstallCommandArgs,
}

struct Node {
    folder: tempfile::TempDir,
}

impl Node {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for made in ["host/opt/cni/bin", "host/etc/cni/net.d", "sa"] {
            fs::create_dir_all(folder.path().join(made)).unwrap();
        }
        let node = Self { folder };
        node.write("polypod", "plugin");
        node.write(
            "host/etc/cni/net.d/10-a.conf",
            r#"{"name":"a","cniVersion":"1.0.0","type":"bridge"}"#,
        );
        node.write("sa/token", "secret");
        node.write("sa/ca.crt", "CA");
        node
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn keeper(&self, arguments: &[&str]) -> Result<Keeper, InstallError> {
        let text = |name: &str| self.path(name).to_str().unwrap().to_owned();
        let (host, plugin, account) = (text("host"), text("polypod"), text("sa"));
        let usual = [
            "install",
            "--host-root",
            &host,
            "--plugin-binary",
            &plugin,
            "--service-account-dir",
            &account,
            "--api-server",
            "https://a",
        ];
        let line = Line::parse_from([&usual, arguments].concat());
        Keeper::new(Install::of_command(line.install).unwrap().0)
    }

    fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o7777
    }
}

#[test]
fn all_of_it_in_one_look() {
    let node = Node::new();
    node.write("keys.yaml", "confDir: /c\nbridgeSocket: /other\n");
    let keys = node.path("keys.yaml");
    let arguments = [
        "--plugin-kubeconfig",
        "/etc/cni/net.d/polypod.d/polypod.kubeconfig",
        "--alias",
        "multus",
        "--conf-keys",
        keys.to_str().unwrap(),
    ];
    let mut keeper = node.keeper(&arguments).unwrap();
    let turn = keeper.turn(Instant::now());
    assert!(turn.is_ready && turn.problems.is_empty(), "{turn:?}");
    assert_eq!(turn.in_force.as_deref(), Some("00-polypod.conflist"));
    for program in ["polypod", "multus", "polypod-device-bridge"] {
        assert_eq!(
            node.mode(&format!("host/opt/cni/bin/{program}")),
            0o755,
            "{program}"
        );
    }
    assert_eq!(node.mode("host/etc/cni/net.d/00-polypod.conflist"), 0o600);
    assert_eq!(
        node.mode("host/etc/cni/net.d/polypod.d/polypod.kubeconfig"),
        0o600
    );
    let text = fs::read_to_string(node.path("host/etc/cni/net.d/00-polypod.conflist")).unwrap();
    let plugin = &serde_json::from_str::<Value>(&text).unwrap()["plugins"][0];
    assert_eq!(
        plugin["kubeconfig"],
        "/etc/cni/net.d/polypod.d/polypod.kubeconfig"
    );
    assert_eq!(
        (plugin["confDir"].as_str(), plugin["bridgeSocket"].as_str()),
        (Some("/c"), Some("/run/polypod/bridge.sock"))
    );
    assert_eq!(keeper.turn(Instant::now()), turn, "once more is no more");
    assert_eq!(
        fs::read_dir(node.path("host/etc/cni/net.d"))
            .unwrap()
            .count(),
        3,
        "nothing is left over"
    );
}

#[test]
fn no_configuration_without_the_plugin() {
    let node = Node::new();
    fs::remove_file(node.path("polypod")).unwrap();
    let mut keeper = node.keeper(&[]).unwrap();
    let turn = keeper.turn(Instant::now());
    assert!(
        !turn.is_ready && turn.problems[0].contains("--plugin-binary"),
        "{turn:?}"
    );
    assert!(!node.path("host/etc/cni/net.d/00-polypod.conflist").exists());
    node.write("polypod", "plugin");
    assert!(keeper.turn(Instant::now()).is_ready);
    // A new image, and a plugin that somebody has removed.
    node.write("polypod", "another plugin");
    keeper.turn(Instant::now());
    assert_eq!(
        fs::read_to_string(node.path("host/opt/cni/bin/polypod")).unwrap(),
        "another plugin"
    );
    fs::remove_file(node.path("host/opt/cni/bin/polypod")).unwrap();
    assert!(keeper.turn(Instant::now()).is_ready);
    assert!(node.path("host/opt/cni/bin/polypod").exists());
}

#[test]
fn a_folder_that_cannot_be_read_changes_nothing() {
    let node = Node::new();
    let mut keeper = node.keeper(&[]).unwrap();
    assert!(keeper.turn(Instant::now()).is_ready);
    let (folder, away) = (node.path("host/etc/cni/net.d"), node.path("away"));
    fs::rename(&folder, &away).unwrap();
    fs::write(&folder, "no folder").unwrap();
    let turn = keeper.turn(Instant::now());
    assert!(
        !turn.is_ready && turn.problems[0].contains("--cni-conf-dir"),
        "{turn:?}"
    );
    fs::remove_file(&folder).unwrap();
    fs::rename(&away, &folder).unwrap();
    let turn = keeper.turn(Instant::now());
    assert!(turn.is_ready && turn.problems.is_empty(), "{turn:?}");
}

#[test]
fn wrong_keys_are_refused_before_anything_is_done() {
    let node = Node::new();
    let keys = node.path("keys.json");
    let keys = keys.to_str().unwrap();
    assert!(matches!(
        node.keeper(&["--conf-keys", keys]),
        Err(InstallError::KeysFile { .. })
    ));
    node.write("keys.json", r#"{"delegates":[]}"#);
    let error = node.keeper(&["--conf-keys", keys]).unwrap_err().to_string();
    assert!(
        error.contains("keys.json has the key \"delegates\""),
        "{error}"
    );
    assert_eq!(
        fs::read_dir(node.path("host/opt/cni/bin")).unwrap().count(),
        0
    );
}

#[test]
fn what_a_killed_installer_left_goes_although_nothing_else_is_to_be_done() {
    let node = Node::new();
    let mut keeper = node.keeper(&[]).unwrap();
    assert!(keeper.turn(Instant::now()).is_ready);
    let left = [
        "host/opt/cni/bin/.polypod.abc.polypod-new",
        "host/etc/cni/net.d/.00-polypod.conflist.abc.polypod-new",
    ];
    for name in left {
        node.write(name, "torn");
        let file = fs::File::options()
            .write(true)
            .open(node.path(name))
            .unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(120))
            .unwrap();
    }
    assert!(keeper.turn(Instant::now()).is_ready);
    for name in left {
        assert!(!node.path(name).exists(), "{name}");
    }
}

#[test]
fn a_kubeconfig_of_the_operators_needs_the_resolver_too() {
    let node = Node::new();
    node.write("keys.json", r#"{"kubeconfig":"/etc/own"}"#);
    let keys = node.path("keys.json");
    let mut keeper = node
        .keeper(&["--conf-keys", keys.to_str().unwrap()])
        .unwrap();
    assert!(keeper.turn(Instant::now()).is_ready);
    assert!(node.path("host/opt/cni/bin/polypod-device-bridge").exists());
    assert!(!node.path("host/etc/own").exists());
}

#[test]
fn what_the_plugin_gets_is_written_and_nothing_over_it() {
    use crate::install::plugin_token::{Credential, Token};

    let node = Node::new();
    let (sender, supply) = watch::channel(Supply::default());
    let mut keeper = node
        .keeper(&["--plugin-kubeconfig", "/etc/polypod/k"])
        .unwrap()
        .supplied_by(supply);
    let file = node.path("host/etc/polypod/k");
    let first = keeper.turn(Instant::now());
    assert!(!first.is_ready && first.problems.is_empty() && !file.exists());

    let bound = |token: &str| Some(Credential::Bound(Token::new(token).unwrap()));
    let give = |credential, problem: Option<&str>| {
        sender.send_replace(Supply {
            credential,
            problem: problem.map(str::to_owned),
        });
    };
    give(bound("token-1"), None);
    assert!(keeper.turn(Instant::now()).is_ready);
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        text.contains("token-1") && !text.contains("secret"),
        "{text}"
    );
    assert_eq!(node.mode("host/etc/polypod/k"), 0o600);

    // Ended, and not renewed: what is there may be better, as another agent's.
    fs::write(&file, "another").unwrap();
    give(bound("token-1"), Some("the API server is away"));
    let ended = keeper.turn(Instant::now());
    assert!(!ended.is_ready);
    assert!(ended.problems[0].contains("is away"), "{ended:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "another");

    give(bound("token-2"), None);
    assert!(keeper.turn(Instant::now()).is_ready);
    assert!(fs::read_to_string(&file).unwrap().contains("token-2"));
    give(Some(Credential::Own), None);
    assert!(keeper.turn(Instant::now()).is_ready);
    assert!(fs::read_to_string(&file).unwrap().contains("secret"));
}
