//! Pods that must not notice what happens around them, and pods that start meanwhile.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use serde_json::Value;

use super::super::{
    cluster::{Cluster, POD, is_ready},
    evidence::until,
    pods::{self, network_status},
};
use crate::fixture::{control_plane::ControlPlane, node::Link};

/// Where the plugin keeps what it knows of sandboxes.
pub(super) const RECORDS: &str = "/var/lib/cni/multus/sandboxes";

/// A pod that runs, as it was seen.
pub(super) struct Seen {
    name: String,
    sandbox: String,
    links: Vec<Link>,
    containers: Value,
}

impl Seen {
    /// A pod, which is created and waited for.
    pub(super) fn new(cluster: &Cluster, name: &str, networks: &str) -> Self {
        cluster.create_pod(&pods::pod(name, networks));
        let pod = cluster.running(name);
        Self::see(cluster, name, &pod)
    }

    /// The same without networks, on a node where nobody publishes a network-status.
    pub(super) fn of_before(cluster: &Cluster, name: &str) -> Self {
        cluster.create_pod(&pods::pod(name, ""));
        let pod = starts(cluster, name);
        Self::see(cluster, name, &pod)
    }

    fn see(cluster: &Cluster, name: &str, pod: &Value) -> Self {
        Self {
            name: name.to_owned(),
            sandbox: cluster.sandbox(name).id,
            links: cluster.links(name),
            containers: containers(pod),
        }
    }

    /// Checks that it has not noticed anything: sandbox, interfaces with their addresses, and containers are those of before,
    /// and a command can be executed in it.
    pub(super) fn is_as_before(&self, cluster: &Cluster) {
        let Self { name, .. } = self;
        let pod = starts(cluster, name);
        assert_eq!(cluster.sandbox(name).id, self.sandbox, "{name}");
        assert_eq!(cluster.links(name), self.links, "{name}");
        assert_eq!(containers(&pod), self.containers, "{name}");
        let printed = cluster.exec(name, &["ip", "-o", "link"]);
        let printed = printed.unwrap_or_else(|error| panic!("exec in {name}: {error}"));
        for link in &self.links {
            assert!(printed.contains(&link.name), "{name}: {printed}");
        }
    }

    /// What it is called.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Its interfaces when it was seen.
    pub(super) fn links(&self) -> &[Link] {
        &self.links
    }
}

/// Which containers there are, and how often they were started.
fn containers(pod: &Value) -> Value {
    let statuses = pod["status"]["containerStatuses"].as_array();
    statuses
        .into_iter()
        .flatten()
        .map(|status| {
            let part = |key: &str| status[key].clone();
            Value::from(vec![
                part("name"),
                part("containerID"),
                part("restartCount"),
            ])
        })
        .collect()
}

/// Creates pods `<prefix>-<n>` that select `networks`, and gives back their names.
pub(super) fn create(cluster: &Cluster, prefix: &str, count: usize, networks: &str) -> Vec<String> {
    let names: Vec<String> = (0..count).map(|n| format!("{prefix}-{n}")).collect();
    for name in &names {
        cluster.create_pod(&pods::pod(name, networks));
    }
    names
}

/// Does something while pods that select `networks` are created all the time, and gives back their names.
pub(super) fn during(plane: &ControlPlane, networks: &str, body: impl FnOnce()) -> Vec<String> {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let creator = scope.spawn(|| {
            let mut names = Vec::new();
            // A node has room for so many, whatever happens to the body.
            while !done.load(Ordering::Relaxed) && names.len() < 80 {
                let name = format!("meanwhile-{}", names.len());
                let reply = plane.ask("POST", pods::PODS, &pods::pod(&name, networks));
                assert_eq!(reply.status, 201, "{}", reply.body);
                names.push(name);
                std::thread::sleep(Duration::from_millis(500));
            }
            names
        });
        // Also when it panics: the scope waits for the creator.
        let body = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
        done.store(true, Ordering::Relaxed);
        let names = creator.join().expect("the API server takes pods");
        if let Err(panic) = body {
            std::panic::resume_unwind(panic);
        }
        names
    })
}

/// Waits until a pod runs, and checks that it has these interfaces, no others, and network-status of each.
pub(super) fn has(cluster: &Cluster, name: &str, interfaces: &[&str]) {
    let pod = cluster.running(name);
    let mut found: Vec<String> = cluster
        .links(name)
        .into_iter()
        .map(|link| link.name)
        .collect();
    found.sort();
    assert_eq!(found, interfaces, "{name}: {:?}", cluster.events(name));
    let status = network_status(&pod).expect("it was waited for");
    let told: Vec<&str> = status
        .iter()
        .filter_map(|entry| entry["interface"].as_str())
        .collect();
    assert_eq!(told, interfaces, "{name}: {status:?}");
}

/// Waits until a pod runs, whether or not anybody has published its network-status.
pub(super) fn starts(cluster: &Cluster, name: &str) -> Value {
    until(&format!("the pod {name} starts"), POD, || {
        let pod = cluster.pod(name).ok_or("it is not there")?;
        let why = || format!("{} {:?}", pod["status"], cluster.events(name));
        if is_ready(&pod) { Ok(pod) } else { Err(why()) }
    })
}

/// Waits until an Event of a pod says all of `words`.
pub(super) fn is_told(cluster: &Cluster, name: &str, words: &[&str]) {
    // The plugin waits for half a minute before it fails, and Events of a busy kubelet come late.
    until(
        &format!("the pod {name} is told {words:?}"),
        3 * POD,
        || {
            let events = cluster.events(name);
            let says_all = |event: &String| words.iter().all(|word| event.contains(word));
            if events.iter().any(says_all) {
                Ok(())
            } else {
                Err(events.join("; "))
            }
        },
    );
}

/// Waits until the plugin is at work for a sandbox that it knew nothing of before: `known` are the records of before.
pub(super) fn wait_for_add(known: &[String]) {
    until("an ADD is under way", POD, || {
        let records = records();
        let is_new = records.iter().any(|name| !known.contains(name));
        if is_new {
            Ok(())
        } else {
            Err(format!("{records:?}"))
        }
    });
}

/// The records of the plugin, by name.
pub(super) fn records() -> Vec<String> {
    files(Path::new(RECORDS))
}

/// The names of what is in a folder, which need not be there.
pub(super) fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Checks that nothing about these pods failed, as their Events tell.
pub(super) fn none_failed(cluster: &Cluster, names: &[String]) {
    let failed: Vec<String> = names
        .iter()
        .flat_map(|name| cluster.events(name))
        .filter(|event| event.starts_with("Failed"))
        .collect();
    assert_eq!(failed, [""; 0], "of {} pods", names.len());
}

/// Asks for the end of pods, and waits until all of them are gone.
pub(super) fn delete<'a>(cluster: &Cluster, names: impl IntoIterator<Item = &'a str>) {
    let names: Vec<&str> = names.into_iter().collect();
    for name in &names {
        cluster.ask("DELETE", &format!("{}/{name}", pods::PODS), &Value::Null);
    }
    for name in names {
        cluster.gone(name);
    }
}
