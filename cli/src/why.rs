//! `kubectl-polypod why`: why a pod is where it is, or on no node, and what became of it there.
//!
//! Of its place the answer is the engine's that the webhook asks too; here it is fed from files or from the API server, and
//! printed. The rest is joined in `story`.

mod admitted;
mod cluster;
mod files;
mod given;
mod material;
mod moment;
mod observed;
mod place;
mod story;
mod timeline;

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result, bail};
use scheduler::explain::{View, explain};
use serde::Serialize;
use spec::network::Namespace;

use self::{
    observed::Observed,
    place::{Place, Unjudged},
    story::Story,
};
use crate::{
    cluster::{Access, Unseen},
    output::{self, OutputArgs, Screen, hanging},
    pod_name::PodName,
};

/// The arguments of `why`.
#[derive(Debug, clap::Args)]
pub struct WhyArgs {
    /// The pod: NAME or pod/NAME.
    pod: PodName,
    /// Files or folders with Nodes, NodeInventories, NodeResourceTopologies, Pods, NetworkAttachmentDefinitions and Events
    /// instead of a cluster; `-` is standard input.
    #[arg(short, long = "filename", value_name = "FILE", num_args = 1.., conflicts_with_all = ["kubeconfig", "context"])]
    filenames: Vec<PathBuf>,
    /// Only this node.
    #[arg(long)]
    node: Option<String>,
    /// So many nodes in detail: the best, then those that nearly fit.
    #[arg(long, value_name = "NUMBER", default_value_t = View::default().nodes)]
    nodes: usize,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    access: Access,
}

/// Why a pod is where it is, and what became of it.
#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    place: &'a Place,
    #[serde(flatten)]
    story: &'a Story,
    unseen: &'a [Unseen],
}

impl Whole<'_> {
    /// For people.
    fn text(&self, screen: &Screen) -> String {
        let Self { place, story, .. } = self;
        let text = format!("{}{place}{}", story.before(), story.after());
        hanging(&text, screen)
    }
}

/// Explains a pod. Exit code 0: it is bound, or some node is for it, or nodes cannot be judged; 1: none is; 2: it is not there, or
/// cannot be judged.
///
/// # Errors
/// There is no such pod, or it cannot be read.
pub fn run(arguments: &WhyArgs) -> Result<ExitCode> {
    let (mut observed, namespace) = if arguments.filenames.is_empty() {
        cluster::observed(&arguments.access, &arguments.pod)?
    } else {
        let namespace = arguments.access.namespace.as_ref();
        let namespace = namespace.map_or("default", Namespace::as_str);
        let observed = files::observed(&arguments.filenames, namespace, &arguments.pod)?;
        (observed, namespace.to_owned())
    };
    for warning in observed.warnings() {
        output::warn(warning);
    }
    let node = observed.material().node().map(str::to_owned);
    let mut story = Story::of(std::mem::take(observed.material()));
    let unseen = observed.unseen().to_vec();
    let advice = observed.unplaced().iter();
    story.advise(
        advice.map(|unseen| format!("to see why nodes fit or do not: {}", unseen.what_to_do)),
    );
    let place = placed(
        observed,
        [&namespace, &arguments.pod],
        node.as_deref(),
        arguments,
    )?;
    let whole = Whole {
        place: &place,
        story: &story,
        unseen: &unseen,
    };
    output::print(arguments.output.output, &whole, |screen| whole.text(screen))?;
    Ok(ExitCode::from(u8::from(!place.is_open())))
}

fn placed(
    observed: Observed,
    [namespace, pod]: [&str; 2],
    node: Option<&str>,
    arguments: &WhyArgs,
) -> Result<Place> {
    let Some(demand) = observed.pod(namespace, pod) else {
        bail!("there is no pod {namespace}/{pod}; name its namespace with -n");
    };
    if !observed.unplaced().is_empty() {
        let unjudged = Unjudged::of([namespace, pod], node, observed.unplaced());
        return Ok(Place::Unjudged(unjudged));
    }
    let demand = demand.context("the pod cannot be judged")?;
    let (engine, now) = observed.engine();
    let view = View {
        node: arguments.node.as_deref(),
        nodes: arguments.nodes,
        ..View::default()
    };
    Ok(Place::Judged(Box::new(explain(
        &engine, &demand, now, &view,
    ))))
}

#[cfg(test)]
mod tests;
