//! `install` gets the plugin's token on the wire, and what becomes of it when the Node goes.

use std::{ffi::OsStr, os::unix::fs::PermissionsExt as _, path::Path};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{Cluster, PLUGIN, SYSTEM, create_node, until};
use crate::{
    fixture::daemon::Daemon,
    install::{Folders, plugin_binary},
};

pub(super) fn the_plugins_token_is_bound_and_renewed() {
    let cluster = Cluster::start();
    let node = Node::new(&cluster);
    let agent = node.install(&cluster, "node-1");
    agent.ready("installed ");
    let first = node.token();
    let mode = std::fs::metadata(node.kubeconfig()).expect("it is there");
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    let own = cluster.agent_token();
    assert_ne!(first, own);
    let account = format!("system:serviceaccount:{SYSTEM}:{PLUGIN}");
    let who = cluster.who(&first).expect("it is taken");
    assert_eq!(who["username"], account.as_str());
    let extra = &who["extra"];
    assert_eq!(
        extra["authentication.kubernetes.io/node-name"],
        json!(["node-1"])
    );
    let uid = |cluster: &Cluster| {
        let node = cluster
            .installed
            .plane
            .ask("GET", "/api/v1/nodes/node-1", &Value::Null);
        node.body["metadata"]["uid"].clone()
    };
    let claims = claims(&first);
    assert_eq!(claims["kubernetes.io"]["node"]["uid"], uid(&cluster));
    let life = claims["exp"].as_i64().zip(claims["iat"].as_i64());
    assert_eq!(life.map(|(end, begin)| end - begin), Some(600));

    // What somebody removes is there again, and is the same.
    std::fs::remove_file(node.kubeconfig()).expect("it is there");
    until("the kubeconfig", || {
        node.kubeconfig().exists().then_some(())
    });
    assert_eq!(node.token(), first);
    assert!(agent.stop());
    assert_eq!(node.token(), first, "a stop takes nothing away");

    // The next agent asks for the next one.
    let agent = node.install(&cluster, "node-1");
    agent.ready("installed ");
    let second = node.token();
    assert_ne!(second, first);
    assert!(agent.stop());

    // With its Node a token goes, long before its end; what is there stays as it is until there is a better one.
    let plane = &cluster.installed.plane;
    let path = "/api/v1/nodes/node-1";
    assert_eq!(plane.ask("DELETE", path, &Value::Null).status, 200);
    until("the end of the token", || {
        cluster.who(&second).is_none().then_some(())
    });
    let refused = node.refused(&cluster, "node-1");
    assert!(
        refused.contains(r#"nodes \"node-1\" not found"#),
        "{refused}"
    );
    assert_eq!(node.token(), second);
    let agent = node.install(&cluster, "node-1");
    create_node(&cluster.installed, "node-1");
    agent.ready("installed ");
    let third = node.token();
    assert!(cluster.who(&third).is_some() && cluster.who(&second).is_none());
    assert!(agent.stop());

    // One that says that it is another node is refused, and overwrites nothing.
    let refused = node.refused(&cluster, "node-2");
    assert!(
        refused.contains("must be bound to Node 'node-1'"),
        "{refused}"
    );
    assert_eq!(node.token(), third);
}

/// The payload of a token.
fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("a token has three parts");
    let payload = URL_SAFE_NO_PAD.decode(payload).expect("it is base64");
    serde_json::from_slice(&payload).expect("it is JSON")
}

/// The folders of node-1.
struct Node {
    folder: tempfile::TempDir,
    folders: Folders,
}

impl Node {
    fn new(cluster: &Cluster) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let folders = Folders::new(folder.path());
        folders.put(
            "10-bridge.conflist",
            &json!({"cniVersion": "1.0.0", "name": "a", "plugins": [{"type": "bridge"}]}),
        );
        cluster.write_service_account(&folder.path().join("account"));
        Self { folder, folders }
    }

    fn kubeconfig(&self) -> std::path::PathBuf {
        self.folder.path().join("run/plugin.kubeconfig")
    }

    fn token(&self) -> String {
        token_in(&self.kubeconfig())
    }

    fn install(&self, cluster: &Cluster, node: &str) -> Daemon {
        let arguments = self.arguments(cluster, node);
        let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        Daemon::start("polypod-device-bridge", &arguments)
    }

    fn arguments(&self, cluster: &Cluster, node: &str) -> Vec<String> {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let binary = plugin_binary();
        self.folders.arguments(
            "install",
            &[
                "--plugin-binary",
                &binary,
                "--poll-interval=1",
                "--plugin-kubeconfig",
                &self.kubeconfig().display().to_string(),
                "--plugin-service-account",
                PLUGIN,
                "--plugin-token-life=600",
                "--node-name",
                node,
                "--service-account-dir",
                &path("account"),
                "--api-server",
                cluster.installed.plane.server(),
            ],
        )
    }

    /// What it says when it gets no token, and is stopped then.
    fn refused(&self, cluster: &Cluster, node: &str) -> String {
        let log = self.folder.path().join("log");
        let file = std::fs::File::create(&log).expect("the folder is ours");
        let mut child =
            std::process::Command::new(crate::fixture::binaries::path("polypod-device-bridge"))
                .args(self.arguments(cluster, node))
                .stdout(std::process::Stdio::null())
                .stderr(file)
                .spawn()
                .expect("it can be executed");
        let said = || {
            let text = std::fs::read_to_string(&log).expect("the folder is ours");
            text.contains("cannot get a token").then_some(text)
        };
        let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
        let found = loop {
            let found = said();
            if found.is_some() || std::time::Instant::now() >= end {
                break found;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        };
        child.kill().expect("it runs");
        child.wait().expect("it is ours");
        found.expect("it gets no token and says so")
    }
}

/// The token in a kubeconfig.
fn token_in(kubeconfig: &Path) -> String {
    let text = std::fs::read_to_string(kubeconfig).expect("the kubeconfig is there");
    let read: Value = serde_yaml_ng::from_str(&text).expect("it is whole");
    let token = read["users"][0]["user"]["token"].as_str();
    token.expect("it has a token").to_owned()
}
