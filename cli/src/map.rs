//! `kubectl-polypod map`: a cluster's nodes, devices, pods and networks as a picture.
//!
//! What is seen becomes a document, by a pure function; the page, the SVG and the PNG are drawn from the document alone. The
//! page is served on loopback and told of changes while it is open, or written into a file that needs nobody.

mod attachments;
mod claimed;
mod claims;
mod cluster;
mod delta;
mod document;
mod draw;
mod files;
mod hardware;
mod in_turn;
mod out;
mod page;
mod png;
mod seen;
mod serve;
mod snapshot;
mod state;
mod svg;

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result, bail};
use spec::network::Namespace;

use self::{files::Files, out::Out};
use crate::cluster::Access;

/// The arguments of `map`.
#[derive(Debug, clap::Args)]
pub struct MapArgs {
    /// Files or folders with Nodes, NodeInventories, NodeResourceTopologies, Pods, NetworkAttachmentDefinitions, ResourceClaims
    /// and ResourceSlices instead of a cluster; `-` is standard input. They are read again when they change.
    #[arg(short, long = "filename", value_name = "FILE", num_args = 1.., conflicts_with_all = ["kubeconfig", "context", "namespace"])]
    filenames: Vec<PathBuf>,
    /// Write the map and end: the page, or an overview.
    #[arg(long, value_name = "FILE.html|svg|png")]
    out: Option<Out>,
    /// The port on 127.0.0.1 that the map is served on; without it a free one.
    #[arg(
        long,
        default_value_t = 0,
        hide_default_value = true,
        conflicts_with = "out"
    )]
    port: u16,
    #[command(flatten)]
    access: Access,
}

/// Serves the map until it is interrupted, or writes it. With a namespace only that namespace's pods and networks are looked
/// at, and all nodes.
///
/// # Errors
/// The objects cannot be read, the API server does not answer or shows nothing, the port is taken, or the file cannot be written.
pub fn run(arguments: &MapArgs) -> Result<ExitCode> {
    if arguments.filenames.is_empty() {
        of_cluster(arguments)?;
    } else {
        of_files(arguments)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn of_files(arguments: &MapArgs) -> Result<()> {
    let files = Files::new(&arguments.filenames)?;
    let (first, label) = (files.read()?, files.label());
    if let Some(out) = &arguments.out {
        return out::write(out, &first, &label);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot prepare to serve the map")?;
    let (sender, snapshots) = snapshot::channel(first, label);
    let served = serve::until_interrupted(arguments.port, snapshots, files.follow(sender));
    runtime.block_on(served)
}

fn of_cluster(arguments: &MapArgs) -> Result<()> {
    let access = &arguments.access;
    let namespace = access.namespace.as_ref().map(Namespace::as_str);
    access.reading(|cluster| async move {
        let label = cluster::label(access, &cluster);
        let read = cluster::read(&cluster, namespace).await;
        if let Some(all) = read.blind() {
            bail!("nothing of the cluster can be seen: {all}");
        }
        let first = read.document();
        if let Some(out) = &arguments.out {
            for unseen in &first.unseen {
                eprintln!("warning: {}", unseen.replace(char::is_control, " "));
            }
            return out::write(out, &first, &label);
        }
        let (sender, snapshots) = snapshot::channel(first, label);
        let namespace = namespace.map(str::to_owned);
        let follow = cluster::follow(cluster, namespace, read, sender);
        serve::until_interrupted(arguments.port, snapshots, follow).await
    })
}

#[cfg(test)]
mod tests;
