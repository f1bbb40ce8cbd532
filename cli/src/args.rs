//! The command line, as people write it.

use clap::{Parser, Subcommand};

use crate::{
    completions::CompletionsArgs, demo::DemoArgs, doctor::DoctorArgs, get::GetArgs, lint::LintArgs,
    man::ManArgs, map::MapArgs, policies::PoliciesArgs, render::RenderArgs, status::StatusArgs,
    top::TopArgs, why::WhyArgs,
};

/// Everything a person asks Polypod.
#[derive(Debug, Parser)]
#[command(name = "kubectl-polypod", bin_name = "kubectl polypod", version)]
pub struct Arguments {
    /// What is asked.
    #[command(subcommand)]
    pub command: Command,
}

/// What a person can ask.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print what a shell completes the words of this command by.
    Completions(CompletionsArgs),
    /// Show one pod all the way: admission, allocation, attachment, detachment; no cluster needed.
    Demo(DemoArgs),
    /// Check an installation: what is well, what is not, by what, and the command that mends it.
    Doctor(DoctorArgs),
    /// What a cluster has, one line each: the attachments of pods.
    Get(GetArgs),
    /// Judge manifests as the webhook would; no cluster needed.
    Lint(LintArgs),
    /// Write the manual, a page for each command.
    Man(ManArgs),
    /// Draw nodes, NUMA zones, physical and virtual functions, pods and networks: a page that follows the cluster, or a file.
    Map(MapArgs),
    /// Print the ValidatingAdmissionPolicies that carry out of the policy what the API server can do by itself.
    Policies(PoliciesArgs),
    /// Print pods as the webhook would return them; no cluster needed.
    Render(RenderArgs),
    /// How an installation is: its parts, nodes, networks and devices, what is degraded, and since when.
    Status(StatusArgs),
    /// How much of something is in use: devices by resource, NUMA zone and physical function.
    Top(TopArgs),
    /// Explain why a pod is on its node, or on none: what was free, who has the rest, and what would have to change.
    Why(WhyArgs),
}
