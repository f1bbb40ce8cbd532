//! `kubectl-polypod get`: what a cluster has, one line each.

mod tables;

use std::{collections::BTreeSet, process::ExitCode, time::SystemTime};

use anyhow::{Result, bail};
use api::{node_inventory::NodeInventory, pod::Pod};
use serde::{Deserialize as _, Serialize};
use serde_json::Value;

use crate::{
    attachments::{Attachment, Surroundings, Told, times},
    cluster::{
        Access, AllNamespaces, FilesArgs, Listed, Objects, Scope, Selection, Unseen,
        kinds::{EVENTS, NETWORKS, NODE_INVENTORIES, PODS},
    },
    output::{self, OutputArgs},
    pod_name::PodName,
};

/// The arguments of `get`.
#[derive(Debug, clap::Args)]
pub struct GetArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// The attachments of pods: interface, network, addresses, device and where it sits, delegate, since when, and how long it took; also
    /// those that a pod asks for and does not have.
    #[command(alias = "attachment")]
    Attachments(AttachmentsArgs),
}

/// The arguments of `get attachments`.
#[derive(Debug, clap::Args)]
struct AttachmentsArgs {
    /// The pod, NAME or pod/NAME; without it all that have not ended.
    #[arg(conflicts_with = "all_namespaces")]
    pod: Option<PodName>,
    /// Only of pods on this node.
    #[arg(long)]
    node: Option<String>,
    #[command(flatten)]
    all: AllNamespaces,
    #[command(flatten)]
    files: FilesArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    access: Access,
}

/// What is printed; the documented form of `-o json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    attachments: Vec<Attachment>,
    unseen: Vec<Unseen>,
}

/// Prints attachments. Exit code 2: the pod is not there, or pods cannot be seen.
///
/// # Errors
/// Neither files nor a cluster can be read, there is no such pod, or pods cannot be seen.
pub fn run(arguments: &GetArgs) -> Result<ExitCode> {
    let What::Attachments(arguments) = &arguments.what;
    let answer = Objects::reading(&arguments.access, &arguments.files, |objects| async move {
        read(&objects, arguments).await
    })?;
    for one in &answer.unseen {
        output::warn(one);
    }
    let view = tables::View {
        with_namespace: arguments.all.all_namespaces,
        of_one_pod: arguments.pod.is_some(),
    };
    output::print(arguments.output.output, &answer, |screen| {
        tables::text(&answer.attachments, view, SystemTime::now(), screen)
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn read(objects: &Objects, arguments: &AttachmentsArgs) -> Result<Answer> {
    let namespace = objects.namespace().to_owned();
    let scope = if arguments.all.all_namespaces {
        Scope::Cluster
    } else {
        Scope::Namespace(&namespace)
    };
    let (name, node) = (arguments.pod.as_deref(), arguments.node.as_deref());
    let (pods, told) = pods_and_events(objects, scope, name, node).await;
    if let Some(unseen) = pods.unseen.as_ref().filter(|_| pods.items.is_empty()) {
        bail!("{unseen}");
    }
    let is_meant = |pod: &Pod| {
        let is_over = matches!(pod.status.phase.as_str(), "Succeeded" | "Failed");
        // Files know no field selectors.
        let is_named = name.map_or(!is_over, |name| pod.metadata.name == name);
        is_named && node.is_none_or(|node| pod.spec.node_name == node)
    };
    let mut found: Vec<Pod> = pods.items.into_iter().flatten().collect();
    found.retain(is_meant);
    if let (Some(name), true) = (name, found.is_empty()) {
        bail!("there is no pod {namespace}/{name}; name its namespace with -n");
    }
    let (networks, inventories) = tokio::join!(
        networks(objects, scope, &found),
        inventories(objects, &found)
    );
    let mut unseen: Vec<Unseen> = pods.unseen.into_iter().chain(told.unseen).collect();
    unseen.extend(networks.unseen);
    unseen.extend(inventories.unseen);
    unseen.extend(times::unseen(&found));
    let inventories = inventories.items.into_iter().flatten().collect();
    let told = told.items.into_iter().flatten().collect();
    let surroundings = Surroundings::of(networks.items, inventories, told);
    let attachments = found
        .iter()
        .flat_map(|pod| surroundings.attachments(pod))
        .collect();
    Ok(Answer {
        attachments,
        unseen,
    })
}

async fn pods_and_events(
    objects: &Objects,
    scope: Scope<'_>,
    name: Option<&str>,
    node: Option<&str>,
) -> (Listed<Option<Pod>>, Listed<Option<Told>>) {
    let only = |(key, name): (&str, Option<&str>)| Some(format!("{key}={}", name?));
    let joined = |fields: &[(&str, Option<&str>)]| -> String {
        let fields: Vec<String> = fields.iter().copied().filter_map(only).collect();
        fields.join(",")
    };
    let of_pods = joined(&[("metadata.name", name), ("spec.nodeName", node)]);
    let of_events = joined(&[
        ("involvedObject.kind", Some("Pod")),
        ("involvedObject.name", name),
    ]);
    tokio::join!(
        objects.list_each(&PODS, scope, Selection::by_fields(&of_pods), |object| {
            Pod::deserialize(&object).ok()
        }),
        objects.list_each(&EVENTS, scope, Selection::by_fields(&of_events), |object| {
            Told::of(&object)
        }),
    )
}

/// The networks of the namespaces that these pods select networks of.
async fn networks(objects: &Objects, scope: Scope<'_>, pods: &[Pod]) -> Listed {
    if scope == Scope::Cluster {
        return objects.list(&NETWORKS, scope, Selection::default()).await;
    }
    let mut namespaces: BTreeSet<String> = BTreeSet::new();
    for pod in pods {
        let named = Surroundings::default().attachments(pod).into_iter();
        let namespace = |found: Attachment| Some(found.network.split_once('/')?.0.to_owned());
        namespaces.extend(named.filter_map(namespace));
    }
    let lists = namespaces
        .iter()
        .map(|name| objects.list(&NETWORKS, Scope::Namespace(name), Selection::default()));
    let mut all = Listed {
        items: Vec::new(),
        unseen: None,
    };
    for listed in futures::future::join_all(lists).await {
        all.items.extend(listed.items);
        all.unseen = all.unseen.or(listed.unseen);
    }
    all
}

/// What the nodes of these pods report.
async fn inventories(objects: &Objects, pods: &[Pod]) -> Listed<Option<NodeInventory>> {
    let nodes: BTreeSet<&str> = pods
        .iter()
        .map(|pod| pod.spec.node_name.as_str())
        .filter(|node| !node.is_empty())
        .collect();
    let only = match (nodes.first(), nodes.len()) {
        (Some(node), 1) => format!("metadata.name={node}"),
        _ => String::new(),
    };
    if nodes.is_empty() {
        return Listed {
            items: Vec::new(),
            unseen: None,
        };
    }
    let parsed = |object: Value| {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let is_wanted = nodes.contains(name);
        NodeInventory::deserialize(&object)
            .ok()
            .filter(|_| is_wanted)
    };
    let selection = Selection::by_fields(&only);
    objects
        .list_each(&NODE_INVENTORIES, Scope::Cluster, selection, parsed)
        .await
}

#[cfg(test)]
mod tests;
