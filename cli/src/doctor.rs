//! `kubectl-polypod doctor`: whether an installation is well, check by check, by what, and what mends it.
//!
//! A check is a function of what was seen, a file each; `gather` sees, all at once and in bounded time.

mod agent;
mod bridges;
mod certificate;
mod clock;
mod configuration_order;
mod extender;
mod files;
mod finding;
mod gather;
mod judgement;
mod kinds;
mod kinds_served;
mod kubelet_socket;
mod leftovers;
mod progress;
mod raw;
mod report;
mod several;
mod switch;
mod trial;
mod versions;
mod webhook;

use std::process::ExitCode;

use anyhow::Result;
use spec::network::Namespace;

use self::report::Report;
use crate::{
    cluster::{Access, FilesArgs, Objects},
    output::{self, OutputArgs},
};

/// The arguments of `doctor`.
#[derive(Debug, clap::Args)]
pub struct DoctorArgs {
    #[command(flatten)]
    access: Access,
    #[command(flatten)]
    files: FilesArgs,
    /// Where Polypod is installed. (-n is the namespace in which a pod is tried out, and not made.)
    #[arg(long, value_name = "NAMESPACE", default_value = "polypod-system")]
    installed_in: Namespace,
    /// Warnings, and what could not be seen, make the exit code 1 too.
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// Checks an installation. Exit code 0: no check failed; 1: one did; 2: nothing could be seen.
///
/// # Errors
/// There is no usable kubeconfig, or the API server does not answer or does not know who asks; or a file cannot be read.
pub fn run(arguments: &DoctorArgs) -> Result<ExitCode> {
    let installed_in = arguments.installed_in.as_str();
    let report = Objects::reading(&arguments.access, &arguments.files, async |objects| {
        let observed = match &objects {
            Objects::Cluster(cluster) => gather::observed(cluster, installed_in).await,
            Objects::Files { .. } => files::observed(&objects, installed_in).await,
        };
        Ok(Report {
            version: report::VERSION,
            server: observed.server.clone(),
            installed_in: installed_in.to_owned(),
            checks: judgement::findings(&observed, installed_in),
        })
    })?;
    output::print(arguments.output.output, &report, |screen| {
        report.text(screen)
    })?;
    Ok(ExitCode::from(report.exit_code(arguments.strict)))
}
