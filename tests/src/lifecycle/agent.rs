//! The node agent of a release: it installs that release's plugin and answers.

use std::{
    ffi::OsStr,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use crate::{
    fixture::{binaries, daemon::Daemon, node::Node},
    install::Folders,
};

/// The plugin as two releases bring it.
pub(super) fn releases(node: &Node) -> [PathBuf; 2] {
    [0_u8, 1].map(|release| {
        let mut image = fs::read(binaries::path("polypod")).expect("it is built");
        // What stands after the last section of an executable is not looked at.
        image.push(release);
        let path = node.path(&format!("polypod-{release}"));
        fs::write(&path, image).expect("the node's folder can be written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("the file is ours");
        path
    })
}

/// How long the plugin waits for an agent that is away, and more arguments of the agent.
#[derive(Clone, Debug)]
pub(super) struct Settings<'a> {
    /// In seconds.
    pub(super) bridge_timeout: u32,
    pub(super) more: &'a [&'a str],
}

/// However slow the machine is: what is proved is that a pod waits, not for how long.
pub(super) const PATIENT: Settings<'_> = Settings {
    bridge_timeout: 120,
    more: &[],
};

/// Begins to start the agent whose image has this plugin. It is ready when it prints `serving unix://`.
pub(super) fn start(
    node: &Node,
    folders: &Folders,
    plugin: &Path,
    settings: &Settings<'_>,
) -> Daemon {
    let path = |name: &str| node.path(name).display().to_string();
    let keys = node.path("keys.json");
    let text = serde_json::json!({"bridgeTimeout": settings.bridge_timeout}).to_string();
    fs::write(&keys, text).expect("the node's folder can be written");
    let arguments = folders.arguments(
        "serve",
        &[
            "--install",
            "--plugin-binary",
            &plugin.display().to_string(),
            "--conf-keys",
            &keys.display().to_string(),
            "--objects",
            &path("objects.yaml"),
            "--bridge-socket",
            &path("run/bridge.sock"),
            "--pod-resources-socket",
            &path("kubelet.sock"),
            "--publish-to",
            &path("status"),
            "--health-listen",
            "off",
        ],
    );
    let more = settings.more.iter().map(|more| (*more).to_owned());
    let arguments: Vec<String> = arguments.into_iter().chain(more).collect();
    let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
    Daemon::start("polypod-device-bridge", &arguments)
}

/// The agent, when it answers and the runtime takes its configuration.
pub(super) fn ready(
    node: &Node,
    folders: &Folders,
    plugin: &Path,
    settings: &Settings<'_>,
) -> Daemon {
    let agent = start(node, folders, plugin, settings);
    agent.ready("serving unix://");
    super::until("our configuration", || {
        folders.taken().0 == "00-polypod.conflist"
    });
    agent
}
