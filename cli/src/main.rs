//! `kubectl-polypod`: parses the command line, runs the command, prints the error.
//!
//! Under another name and with `CNI_COMMAND` set it is one of the demo's stand-in CNI plugins.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use cli::{
    demo::{self, DemoArgs},
    lint::{self, LintArgs},
    policies::{self, PoliciesArgs},
    render::{self, RenderArgs},
    why::{self, WhyArgs},
};

/// Everything a person asks Polypod.
#[derive(Debug, Parser)]
#[command(name = "kubectl-polypod", bin_name = "kubectl polypod", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show one pod all the way: admission, allocation, attachment, detachment; no cluster needed.
    Demo(DemoArgs),
    /// Judge manifests as the webhook would; no cluster needed.
    Lint(LintArgs),
    /// Print the ValidatingAdmissionPolicies that carry out of the policy what the API server can do by itself.
    Policies(PoliciesArgs),
    /// Print pods as the webhook would return them; no cluster needed.
    Render(RenderArgs),
    /// Explain why a pod is on its node, or on none: what was free, who has the rest, and what would have to change.
    Why(WhyArgs),
}

fn main() -> ExitCode {
    if let Some(code) = demo::run_as_delegate() {
        return code;
    }
    let result = match Arguments::parse().command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Lint(arguments) => lint::run(&arguments),
        Command::Policies(arguments) => policies::run(&arguments),
        Command::Render(arguments) => render::run(&arguments),
        Command::Why(arguments) => why::run(&arguments),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        // As for arguments that clap refuses: nothing was carried out.
        ExitCode::from(2)
    })
}
