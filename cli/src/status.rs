//! `kubectl-polypod status`: how an installation is, and since when.

mod component;
mod degraded;
mod node;
mod summary;
mod tables;

use std::{process::ExitCode, time::SystemTime};

use anyhow::{Result, bail};
use api::{node_inventory::NodeInventory, pod::Pod};
use serde::Deserialize as _;
use serde_json::Value;
use spec::network::{NETWORK_STATUS, NETWORKS as ASKED_FOR, Namespace};

use self::summary::{Seen, Status, status};
use crate::{
    attachments::Told,
    cluster::{
        Access, FilesArgs, Objects, Scope, Selection,
        kinds::{DAEMON_SETS, DEPLOYMENTS, EVENTS, NETWORKS, NODE_INVENTORIES, NODES, PODS},
    },
    output::{self, OutputArgs},
};

/// What the parts of an installation are labelled with.
const PARTS: &str = "app.kubernetes.io/part-of=polypod";

/// The arguments of `status`. With a namespace, only pods and networks of it are looked at.
#[derive(Debug, clap::Args)]
pub struct StatusArgs {
    /// Every node and everything that is degraded, however many there are.
    #[arg(long)]
    all: bool,
    /// Where Polypod is installed.
    #[arg(long, value_name = "NAMESPACE", default_value = "polypod-system")]
    installed_in: Namespace,
    #[command(flatten)]
    files: FilesArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    access: Access,
}

/// Prints how an installation is. Exit code 1: something is degraded; 2: nothing can be seen.
///
/// # Errors
/// Neither files nor a cluster can be read, or nothing of it can be seen.
pub fn run(arguments: &StatusArgs) -> Result<ExitCode> {
    let seen = Objects::reading(&arguments.access, &arguments.files, |objects| async move {
        let namespace = arguments.access.namespace.as_ref();
        let namespace = namespace.map(Namespace::as_str);
        Ok(read(&objects, namespace, arguments.installed_in.as_str()).await)
    })?;
    if let Some(all) = seen.blind() {
        bail!("nothing of the cluster can be seen: {all}");
    }
    // A dump is judged as of its time.
    let dumped = seen
        .newest()
        .filter(|_| !arguments.files.filenames.is_empty());
    let now = dumped.unwrap_or_else(SystemTime::now);
    let found: Status = status(seen, now);
    for one in &found.unseen {
        output::warn(one);
    }
    output::print(arguments.output.output, &found, |screen| {
        tables::text(&found, arguments.all, now, screen)
    })?;
    Ok(ExitCode::from(u8::from(!found.degraded.is_empty())))
}

async fn read(objects: &Objects, namespace: Option<&str>, installed_in: &str) -> Seen {
    let scope = namespace.map_or(Scope::Cluster, Scope::Namespace);
    let all = Selection::default();
    let parts = Selection {
        labels: Some(PARTS),
        ..all
    };
    let not_ended = Selection::by_fields("status.phase!=Succeeded,status.phase!=Failed");
    let of_pods = Selection::by_fields("involvedObject.kind=Pod");
    let system = Scope::Namespace(installed_in);
    let (deployments, daemon_sets, nodes, inventories, networks, pods, told) = tokio::join!(
        objects.list(&DEPLOYMENTS, system, parts),
        objects.list(&DAEMON_SETS, system, parts),
        objects.list_each(&NODES, Scope::Cluster, all, |object| node::Node::of(
            &object
        )),
        objects.list_each(&NODE_INVENTORIES, Scope::Cluster, all, |object| {
            NodeInventory::deserialize(&object).ok()
        }),
        objects.list(&NETWORKS, scope, all),
        objects.list_each(&PODS, scope, not_ended, |object| with_networks(&object)),
        objects.list_each(&EVENTS, scope, of_pods, |object| Told::of(&object)),
    );
    Seen {
        installed_in: installed_in.to_owned(),
        deployments,
        daemon_sets,
        nodes: nodes.readable(&NODES),
        inventories: inventories.readable(&NODE_INVENTORIES),
        networks,
        pods: pods.kept(),
        told: told.kept(),
    }
}

/// A pod that runs or waits, and has or wants networks.
fn with_networks(object: &Value) -> Option<Pod> {
    let annotations = &object["metadata"]["annotations"];
    annotations
        .get(ASKED_FOR)
        .or(annotations.get(NETWORK_STATUS))?;
    let pod = Pod::deserialize(object).ok()?;
    let is_over = matches!(pod.status.phase.as_str(), "Succeeded" | "Failed");
    Some(pod).filter(|_| !is_over)
}

#[cfg(test)]
mod tests;
