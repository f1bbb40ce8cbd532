//! `kubectl-polypod render`: pods as the webhook would return them, without a cluster.
//!
//! The decision is the one function that the webhook calls too; here are only files, formats and exit codes.

use std::{
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use admission::{Cluster, NetworkIndex, Patched, Policy, Refusal, patched};
use anyhow::{Context, Result, bail};
use api::{
    objects::{self, Object},
    pod::Pod,
};
use clap::ValueEnum;
use serde::Deserialize;
use serde_json::{Value, json};
use spec::network::Namespace;

/// The arguments of `render`.
#[derive(Debug, clap::Args)]
pub struct RenderArgs {
    /// Files or folders with pods and NetworkAttachmentDefinitions, in YAML or JSON; `-` is standard input.
    #[arg(short, long = "filename", value_name = "FILE", required = true, num_args = 1..)]
    filenames: Vec<PathBuf>,
    /// Whole pods, or for each pod one line with its JSON patch.
    #[arg(short, long, value_enum, default_value_t = Format::Yaml)]
    output: Format,
    /// The namespace of objects that name none.
    #[arg(short, long, default_value = "default")]
    namespace: Namespace,
    /// Where a default network without a namespace is looked for (Multus's multusNamespace).
    #[arg(long, value_name = "NAMESPACE", default_value = "kube-system")]
    system_namespace: Namespace,
}

/// How pods are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Yaml,
    Json,
    Patch,
}

/// What becomes of the pods, in their order.
#[derive(Debug, Default)]
struct Rendered {
    admitted: Vec<Patched>,
    denials: Vec<String>,
    warnings: Vec<String>,
}

/// Renders the pods. A denied one is exit code 1, with the reason on standard error.
///
/// # Errors
/// The input cannot be read, or holds no pod.
pub fn run(arguments: &RenderArgs) -> Result<ExitCode> {
    let RenderArgs {
        filenames,
        output,
        namespace,
        system_namespace,
    } = arguments;
    let policy = Policy {
        system_namespace: system_namespace.clone(),
        ..Policy::default()
    };
    let rendered = render(&read(filenames)?, namespace, &policy)?;
    for warning in &rendered.warnings {
        eprintln!("warning: {warning}");
    }
    for denial in &rendered.denials {
        eprintln!("denied: {denial}");
    }
    let text = print(&rendered.admitted, *output)?;
    io::stdout()
        .write_all(text.as_bytes())
        .context("cannot write to standard output")?;
    Ok(ExitCode::from(u8::from(!rendered.denials.is_empty())))
}

fn read(filenames: &[PathBuf]) -> Result<Vec<Object>> {
    let mut all = Vec::new();
    for filename in filenames {
        if filename == Path::new("-") {
            let mut text = String::new();
            io::stdin()
                .read_to_string(&mut text)
                .context("cannot read standard input")?;
            all.extend(objects::parse(&text, "standard input")?);
        } else {
            all.extend(objects::read(std::slice::from_ref(filename))?);
        }
    }
    Ok(all)
}

fn render(objects: &[Object], default_namespace: &Namespace, policy: &Policy) -> Result<Rendered> {
    let networks: NetworkIndex = objects::networks(objects, default_namespace.as_str())?
        .into_iter()
        .collect();
    let mut cluster = Cluster::from(networks);
    cluster
        .devices
        .extend(objects, default_namespace.as_str())?;
    let mut pods = objects
        .iter()
        .filter(|object| object.kind == "Pod" && object.api_version == "v1")
        .peekable();
    if pods.peek().is_none() {
        bail!("there is no pod in the input; name a file that holds one");
    }
    let mut rendered = Rendered::default();
    for Object { value, origin, .. } in pods {
        let pod =
            Pod::deserialize(value).with_context(|| format!("{origin} is not a valid Pod"))?;
        let namespace = match pod.metadata.namespace.as_str() {
            "" => default_namespace.clone(),
            text => text
                .parse()
                .with_context(|| format!("{origin} is not a valid Pod"))?,
        };
        match patched(value.clone(), &namespace, &cluster, policy) {
            Ok(admitted) => {
                let warnings = admitted.plan.warnings.iter();
                let name = pod.display_name();
                rendered
                    .warnings
                    .extend(warnings.map(|text| format!("pod {namespace}/{name}: {text}")));
                rendered.admitted.push(admitted);
            }
            Err(Refusal::Denied(denial)) => rendered.denials.push(denial.to_string()),
            Err(refusal) => return Err(refusal).with_context(|| origin.clone()),
        }
    }
    Ok(rendered)
}

fn print(admitted: &[Patched], format: Format) -> Result<String> {
    let pods: Vec<&Value> = admitted.iter().map(|admitted| &admitted.object).collect();
    match format {
        Format::Yaml => Ok(serde_saphyr::to_string_multiple(&pods)?),
        Format::Json => {
            let object = match pods.as_slice() {
                [] => return Ok(String::new()),
                [one] => (*one).clone(),
                several => json!({"apiVersion": "v1", "kind": "List", "items": several}),
            };
            Ok(serde_json::to_string_pretty(&object)? + "\n")
        }
        Format::Patch => admitted
            .iter()
            .map(|admitted| Ok(serde_json::to_string(&admitted.patch)? + "\n"))
            .collect(),
    }
}

#[cfg(test)]
mod tests;
