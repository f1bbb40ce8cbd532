//! `kubectl-polypod why`: why a pod is where it is, or on no node.
//!
//! The answer is the engine's that the webhook asks too; here it is fed from files or from the API server, and printed.

mod cluster;
mod files;
mod moment;
mod observed;

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use scheduler::explain::{Explanation, View, explain};
use spec::network::Namespace;

use self::observed::Observed;

/// The arguments of `why`.
#[derive(Debug, clap::Args)]
pub struct WhyArgs {
    /// The pod.
    pod: String,
    /// Its namespace; without it the kubeconfig's, or `default`.
    #[arg(short, long)]
    namespace: Option<Namespace>,
    /// Files or folders with Nodes, NodeInventories, NodeResourceTopologies and Pods instead of a cluster; `-` is standard
    /// input.
    #[arg(short, long = "filename", value_name = "FILE", num_args = 1.., conflicts_with_all = ["kubeconfig", "context"])]
    filenames: Vec<PathBuf>,
    /// Only this node.
    #[arg(long)]
    node: Option<String>,
    /// So many nodes in detail: the best, then those that nearly fit.
    #[arg(long, value_name = "NUMBER", default_value_t = View::default().nodes)]
    nodes: usize,
    /// How the explanation is printed.
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
    /// The kubeconfig; without it $KUBECONFIG, ~/.kube/config, or the service account of the pod this runs in.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig.
    #[arg(long)]
    context: Option<String>,
}

/// How an explanation is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// One object.
    Json,
}

/// Explains a pod. Exit code 0: it is bound, or some node is for it; 1: none is; 2: it is not there, or cannot be judged.
///
/// # Errors
/// There is no such pod, it cannot be read, or what it is judged by cannot be.
pub fn run(arguments: &WhyArgs) -> Result<ExitCode> {
    let (observed, namespace) = if arguments.filenames.is_empty() {
        cluster::observed(
            arguments.kubeconfig.as_deref(),
            arguments.context.as_deref(),
            arguments.namespace.as_ref().map(Namespace::as_str),
            &arguments.pod,
        )?
    } else {
        let namespace = arguments.namespace.as_ref();
        let namespace = namespace.map_or("default", Namespace::as_str);
        let observed = files::observed(&arguments.filenames, namespace)?;
        (observed, namespace.to_owned())
    };
    for warning in observed.warnings() {
        eprintln!("warning: {warning}");
    }
    let explanation = explained(observed, &namespace, arguments)?;
    let text = match arguments.output {
        Format::Text => explanation.to_string(),
        Format::Json => serde_json::to_string_pretty(&explanation)? + "\n",
    };
    io::stdout()
        .write_all(text.as_bytes())
        .context("cannot write to standard output")?;
    let is_placed = explanation.bound_to.is_some() || explanation.fitting > 0;
    Ok(ExitCode::from(u8::from(!is_placed)))
}

fn explained(observed: Observed, namespace: &str, arguments: &WhyArgs) -> Result<Explanation> {
    let pod = &arguments.pod;
    let Some(demand) = observed.pod(namespace, pod) else {
        bail!("there is no pod {namespace}/{pod}; name its namespace with -n");
    };
    let demand = demand.context("the pod cannot be judged")?;
    let (engine, now) = observed.engine();
    let view = View {
        node: arguments.node.as_deref(),
        nodes: arguments.nodes,
        ..View::default()
    };
    Ok(explain(&engine, &demand, now, &view))
}

#[cfg(test)]
mod tests;
