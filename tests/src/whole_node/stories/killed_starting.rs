//! Pods, and plugins, that end while the pod is being started.

use std::{fs, time::Duration};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

use super::super::{
    Story,
    cluster::Cluster,
    evidence::until,
    pods::{PODS, pod},
};

pub(super) const DELETED: Story = Story {
    name: "pods killed while starting",
    checks: "eight pods of three networks, one of which takes three seconds, deleted by force 0.5 to 4 seconds after they were created",
    tell: deleted,
};

pub(super) const PLUGIN_KILLED: Story = Story {
    name: "plugin killed while a pod starts",
    checks: "SIGKILL while a delegate works: the pod is tried again and runs with all its networks",
    tell: plugin_killed,
};

/// The networks of each: the slow one is between two others.
const NETWORKS: &str = "front,slow,storage";

fn deleted(cluster: &mut Cluster) {
    std::thread::scope(|scope| {
        let cluster = &*cluster;
        for number in 1..=8_u32 {
            scope.spawn(move || {
                let name = format!("short-{number}");
                cluster.create_pod(&pod(&name, NETWORKS));
                std::thread::sleep(Duration::from_millis(500) * number);
                let path = format!("{PODS}/{name}?gracePeriodSeconds=0");
                let reply = cluster.ask("DELETE", &path, &Value::Null);
                assert_eq!(reply.status, 200, "{}", reply.body);
                cluster.gone(&name);
            });
        }
    });
}

fn plugin_killed(cluster: &mut Cluster) {
    cluster.create_pod(&pod("retried", NETWORKS));
    let limit = Duration::from_secs(60);
    until("the slow delegate works", limit, || {
        let works = !processes("slow-macvlan").is_empty();
        if works {
            Ok(())
        } else {
            Err(cluster.events("retried").join("\n"))
        }
    });
    let plugins = processes("polypod");
    assert!(!plugins.is_empty(), "the plugin waits for its delegate");
    for plugin in plugins {
        kill(plugin, Signal::SIGKILL).expect("it is a process of the node");
    }
    cluster.running("retried");
    let mut names = cluster.netns("retried").names();
    names.sort();
    assert_eq!(names, ["eth0", "net1", "net2", "net3"]);
    cluster.delete_pod("retried");
}

/// The processes of this name.
fn processes(name: &str) -> Vec<Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let own = fs::read_to_string(entry.path().join("comm")).ok()?;
            (own.trim() == name).then(|| Pid::from_raw(pid))
        })
        .collect()
}
