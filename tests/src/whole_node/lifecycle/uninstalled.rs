//! The node is handed back to its cluster network, and taken again, with pods starting all the time.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    super::{
        Story,
        bringing_up::{CNI_BIN, CNI_CONF, agent_is_ready},
        cluster::Cluster,
        parts,
    },
    alive::{self, Seen, create, during, starts},
};
use crate::fixture::binaries;

pub(super) fn stories() -> Vec<Story> {
    vec![Story {
        name: "uninstalled",
        checks: "handed back and installed again three times while plain pods are created: none fails to start, not even once; at last nothing of Polypod is on the node while a pod of before lives on, and pods start",
        tell: uninstalled,
    }]
}

fn uninstalled(cluster: &mut Cluster) {
    let before = Seen::new(cluster, "before", "");
    let Cluster { agent, plane, .. } = &mut *cluster;
    let created = during(plane, "", || {
        for _ in 0..3 {
            agent.terminate();
            // It fails while a pod is being attached, which says that the executables have to stay.
            let _ = uninstall();
            assert!(
                !ours().exists(),
                "the cluster network's configuration is in force"
            );
            std::thread::sleep(Duration::from_secs(1));
            agent.start();
            agent_is_ready(agent);
        }
    });
    for name in &created {
        starts(cluster, name);
        assert_eq!(cluster.links(name).len(), 1, "{name}");
    }
    alive::none_failed(cluster, &created);
    before.is_as_before(cluster);
    alive::delete(
        cluster,
        created.iter().map(String::as_str).chain([before.name()]),
    );

    leave(cluster);
    create(cluster, "without", 2, "");
    for name in ["without-0", "without-1"] {
        starts(cluster, name);
    }
    alive::delete(cluster, ["without-0", "without-1"]);
    cluster.agent.start();
    agent_is_ready(&mut cluster.agent);
}

/// Stops the agent and hands the node back, as the documentation says, while a pod lives that Polypod attached. It lives on, and
/// the runtime deletes it by what is there then.
pub(super) fn leave(cluster: &mut Cluster) {
    let alive = Seen::new(cluster, "stays", "");
    assert_ne!(alive::records(), [""; 0], "of the pod that stays");
    cluster.agent.terminate();
    if let Err(why) = uninstall() {
        panic!("uninstall: {why}; records: {:?}", alive::records());
    }
    let bin = Path::new(CNI_BIN);
    let left: Vec<String> = alive::files(bin)
        .into_iter()
        .chain(alive::files(Path::new(CNI_CONF)))
        .filter(|name| name.contains("polypod"))
        .collect();
    assert_eq!(left, [""; 0]);
    assert_eq!(alive::records(), [""; 0]);
    alive.is_as_before(cluster);
    alive::delete(cluster, [alive.name()]);
}

/// Our configuration.
fn ours() -> PathBuf {
    Path::new(CNI_CONF).join("00-polypod.conflist")
}

/// Runs `uninstall` with the flags that the agent was started with.
fn uninstall() -> Result<(), String> {
    let output = Command::new(binaries::path("polypod-device-bridge"))
        .args([
            "uninstall",
            "--plugin-kubeconfig=/run/polypod/plugin.kubeconfig",
        ])
        .env("PATH", parts::search_path())
        .output()
        .expect("it is built");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() {
        Ok(())
    } else {
        Err(stderr)
    }
}

/// Executes GC of our configuration with no sandbox that is valid: what has a network namespace is let alone.
pub(super) fn gc() {
    let text = std::fs::read_to_string(ours()).expect("it is in force");
    let list: Value = serde_json::from_str(&text).expect("it is JSON");
    let mut conf = list["plugins"][0].clone();
    conf["cniVersion"] = json!("1.1.0");
    conf["name"] = list["name"].clone();
    conf["cni.dev/valid-attachments"] = json!([]);
    let mut child = Command::new(Path::new(CNI_BIN).join("polypod"))
        .env_clear()
        .env("CNI_COMMAND", "GC")
        .env("CNI_PATH", CNI_BIN)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it is installed");
    let mut pipe = child.stdin.take().expect("it is piped");
    pipe.write_all(conf.to_string().as_bytes())
        .expect("the plugin reads its configuration");
    drop(pipe);
    let output = child.wait_with_output().expect("it is our child");
    assert!(
        output.status.success(),
        "GC: {}",
        String::from_utf8_lossy(&output.stdout)
    );
}
