//! What pods may leave behind on a node. It is looked for in the kernel, on disk, in containerd and in the kubelet: nobody is
//! asked who might have forgotten it.

use std::{
    collections::BTreeSet,
    fs,
    net::IpAddr,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    allocations::allocations,
    cluster::{Cluster, ctr},
    networks::BRIDGES,
};
use crate::fixture::node::ip;

/// How long the node may take to tidy up after the last pod.
const TIDY: Duration = Duration::from_secs(60);

/// What there is now, a line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Left(BTreeSet<String>);

impl Left {
    pub(super) fn now(cluster: &Cluster) -> Self {
        let mut found = BTreeSet::new();
        found.extend(interfaces());
        found.extend(files("network namespace", Path::new("/run/netns"), |_| {
            true
        }));
        found.extend(leases(""));
        found.extend(records());
        let result_cache = Path::new("/var/lib/cni/results");
        // The runtime's loopback is no network of anybody's: it is cached, and a runtime that is killed leaves it so.
        found.extend(files("cached result", result_cache, |name| {
            !name.starts_with("cni-loopback-")
        }));
        let device_info = Path::new("/run/k8s.cni.cncf.io/devinfo");
        found.extend(files("device-info", device_info, |_| true));
        found.extend(containers());
        found.extend(devices());
        found.extend(pods(cluster));
        Self(found)
    }

    /// What is here and was not there, and the other way round: a device that has not come home.
    fn since(&self, before: &Self) -> Vec<String> {
        let more = self.0.difference(&before.0).cloned();
        let less = before.0.difference(&self.0);
        more.chain(less.map(|line| format!("missing: {line}")))
            .collect()
    }
}

/// Waits until there is what there was before.
pub(super) fn wait_until_none(cluster: &Cluster, before: &Left) -> Result<(), String> {
    let until = Instant::now() + TIDY;
    loop {
        let left = Left::now(cluster).since(before);
        if left.is_empty() {
            return Ok(());
        }
        if Instant::now() > until {
            return Err(left.join(", "));
        }
        std::thread::sleep(Duration::from_millis(300));
    }
}

/// The leases of host-local in a network, or in all of them.
pub(super) fn leases(network: &str) -> Vec<String> {
    // Beside them are a lock, and the last address that was given.
    files(
        "lease",
        &Path::new("/var/lib/cni/networks").join(network),
        |name| name.parse::<IpAddr>().is_ok(),
    )
}

/// The sandbox records, and what else the plugin keeps beside them.
pub(super) fn records() -> Vec<String> {
    files("record", Path::new("/var/lib/cni/multus"), |_| true)
}

/// Those of the node itself, but for the bridges that plugins leave to it.
fn interfaces() -> Vec<String> {
    let links: Value =
        serde_json::from_str(&ip(&["-json", "link"])).expect("ip -json prints a list");
    let links = links.as_array().cloned().unwrap_or_default();
    links
        .iter()
        .filter_map(|link| link["ifname"].as_str())
        .filter(|name| !BRIDGES.contains(name))
        .map(|name| format!("interface {name}"))
        .collect()
}

fn files(what: &str, folder: &Path, counts: impl Fn(&str) -> bool + Copy) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(what, &path, counts));
        } else if path
            .file_name()
            .is_some_and(|name| counts(&name.to_string_lossy()))
        {
            found.push(format!("{what} {}", path.display()));
        }
    }
    found
}

/// The processes of containers and sandboxes. What containerd remembers of those that have ended the kubelet clears away once a
/// minute.
fn containers() -> Vec<String> {
    match ctr(&["tasks", "list", "-q"]) {
        Ok(ids) => ids.lines().map(|id| format!("container {id}")).collect(),
        Err(error) => vec![format!("containerd does not answer: {error}")],
    }
}

/// The devices that the kubelet has allocated to pods.
fn devices() -> Vec<String> {
    match allocations() {
        Ok(allocations) => allocations
            .into_iter()
            .map(|((pod, _), ids)| format!("devices {} of pod {pod}", ids.join(" ")))
            .collect(),
        Err(error) => vec![format!("the kubelet does not answer: {error}")],
    }
}

fn pods(cluster: &Cluster) -> Vec<String> {
    let pods = cluster.pods();
    let names = pods
        .iter()
        .filter_map(|pod| pod["metadata"]["name"].as_str());
    names.map(|name| format!("pod {name}")).collect()
}
