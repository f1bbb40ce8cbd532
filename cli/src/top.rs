//! `kubectl-polypod top`: how much of something is in use.

mod devices;
mod share;
mod tables;

use std::process::ExitCode;

use anyhow::{Result, bail};
use api::{node_inventory::NodeInventory, node_resource_topology::NodeResourceTopology, pod::Pod};
use scheduler::report::Report;
use serde::{Deserialize as _, de::DeserializeOwned};
use serde_json::Value;

use self::devices::{Devices, Reported, devices};
use crate::{
    cluster::{
        Access, FilesArgs, Listed, Objects, Scope, Selection, Unseen,
        kinds::{NODE_INVENTORIES, NODE_RESOURCE_TOPOLOGIES, PODS},
    },
    output::{self, OutputArgs},
};

/// The arguments of `top`.
#[derive(Debug, clap::Args)]
pub struct TopArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Devices by resource, node, NUMA zone and physical function: how many are held, how many are free, and how many of
    /// these one pod can still get aligned.
    #[command(alias = "device")]
    Devices(DevicesArgs),
}

/// The arguments of `top devices`.
#[derive(Debug, clap::Args)]
struct DevicesArgs {
    /// Only this node.
    #[arg(long)]
    node: Option<String>,
    /// Only this resource.
    #[arg(long)]
    resource: Option<String>,
    /// Every node, zone and physical function, however many there are.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    files: FilesArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    access: Access,
}

/// What was read.
struct Read {
    reports: Vec<Reported>,
    pods: Vec<Pod>,
    unseen: Vec<Unseen>,
}

/// Prints what is in use. Exit code 2: nothing of it can be seen.
///
/// # Errors
/// Neither files nor a cluster can be read, or nobody reports devices.
pub fn run(arguments: &TopArgs) -> Result<ExitCode> {
    let What::Devices(arguments) = &arguments.what;
    let Read {
        reports,
        pods,
        unseen,
    } = Objects::reading(&arguments.access, &arguments.files, |objects| async move {
        Ok(read(&objects).await)
    })?;
    for one in &unseen {
        output::warn(one);
    }
    if reports.is_empty() {
        bail!(
            "no node reports its devices: there is neither a NodeInventory nor a NodeResourceTopology to be seen; `kubectl polypod status` says how the agents are"
        );
    }
    if let Some(node) = &arguments.node
        && !reports.iter().any(|report| report.node == *node)
    {
        bail!("the node {node} reports no devices; `kubectl polypod status` says how its agent is");
    }
    let wanted = |resource: &str| {
        let only = arguments.resource.as_deref();
        only.is_none_or(|only| only == resource)
    };
    let reports: Vec<Reported> = reports
        .into_iter()
        .filter(|report| {
            let only = arguments.node.as_deref();
            only.is_none_or(|only| only == report.node)
        })
        .collect();
    let found: Devices = devices(&reports, &pods, unseen, wanted);
    let is_detailed = arguments.all || arguments.node.is_some();
    output::print(arguments.output.output, &found, |screen| {
        tables::text(&found, is_detailed, screen)
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn read(objects: &Objects) -> Read {
    let not_ended = Selection {
        fields: Some("status.phase!=Succeeded,status.phase!=Failed,spec.nodeName!="),
        ..Selection::default()
    };
    let all = Selection::default();
    let (inventories, topologies, pods) = tokio::join!(
        objects.list_each(&NODE_INVENTORIES, Scope::Cluster, all, |object| {
            let inventory: NodeInventory = parsed(&object)?;
            let observed = inventory.observed_at.as_ref();
            Some(Reported {
                node: inventory.metadata.name.clone().unwrap_or_default(),
                observed_at: observed.map(|at| at.0.to_string()),
                report: Report::of_inventory(&inventory),
                interfaces: devices::interfaces(&inventory.inventory),
            })
        }),
        objects.list_each(&NODE_RESOURCE_TOPOLOGIES, Scope::Cluster, all, |object| {
            let topology: NodeResourceTopology = parsed(&object)?;
            Some(Reported {
                node: topology.metadata.name.clone().unwrap_or_default(),
                observed_at: None,
                report: Report::of_topology(&topology),
                interfaces: Vec::new(),
            })
        }),
        objects.list_each(&PODS, Scope::Cluster, not_ended, |object| {
            Pod::deserialize(&object).ok()
        }),
    );
    let mut unseen = Vec::new();
    let mut reports = told(inventories.readable(&NODE_INVENTORIES), &mut unseen);
    for other in told(topologies.readable(&NODE_RESOURCE_TOPOLOGIES), &mut unseen) {
        // What the agent says holds: it names devices, the other one sums.
        if !reports.iter().any(|report| report.node == other.node) {
            reports.push(other);
        }
    }
    reports.sort_by(|one, other| one.node.cmp(&other.node));
    // Whoever has NodeInventories needs no other kind, and is told nothing of it.
    let needs_other = reports.is_empty();
    unseen.retain(|unseen| needs_other || !unseen.is_of(&NODE_RESOURCE_TOPOLOGIES));
    Read {
        reports,
        pods: told(pods.readable(&PODS), &mut unseen),
        unseen,
    }
}

/// What is in a list, and why that is not all.
fn told<T>(listed: Listed<T>, unseen: &mut Vec<Unseen>) -> Vec<T> {
    unseen.extend(listed.unseen);
    listed.items
}

fn parsed<T: DeserializeOwned>(object: &Value) -> Option<T> {
    T::deserialize(object).ok()
}

#[cfg(test)]
mod tests;
