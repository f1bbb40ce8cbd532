//! `kubectl-polypod lint`: what admission would say of manifests, without a cluster.
//!
//! The decisions are the functions that the webhook calls too; here are only files, formats and exit codes.

mod format;
mod judged;
mod kind;
mod line;
mod pod;
mod report;
mod rules;
mod sarif;

use std::{
    collections::BTreeSet,
    io::{self, Write as _},
    process::ExitCode,
};

use admission::{
    Mode, Policy, Rule,
    policy::{Namespaces, Relaxation},
};
use anyhow::{Context as _, Result};
use api::objects;
use clap::ValueEnum;

use crate::input::{InputArgs, Source};
use report::{Report, Unusable};

/// The arguments of `lint`.
#[derive(Debug, clap::Args)]
pub struct LintArgs {
    #[command(flatten)]
    input: InputArgs,
    /// How the findings are printed.
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
    /// Only warn of networks that are not among the files: they are expected to be in the cluster.
    #[arg(long)]
    allow_missing: bool,
    /// Warnings make the exit code 1 too.
    #[arg(long)]
    strict: bool,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line for each, as compilers print them.
    Text,
    /// One object.
    Json,
    /// SARIF 2.1.0, as code scanners exchange it.
    Sarif,
}

/// Judges the objects of files. Exit code 0: all would be admitted; 1: some would be denied; 2: some input is unusable.
///
/// # Errors
/// The policy cannot be read, or standard output cannot be written to.
pub fn run(arguments: &LintArgs) -> Result<ExitCode> {
    let mut policy = arguments.input.policy.read()?;
    if arguments.allow_missing {
        relax(&mut policy, Rule::NetworkNotFound);
    }
    let report = lint(
        arguments.input.sources(),
        &arguments.input.namespace,
        &policy,
    )?;
    let text = match arguments.output {
        Format::Text => format::text(&report),
        Format::Json => format::json(&report)?,
        Format::Sarif => sarif::print(&report)?,
    };
    io::stdout()
        .write_all(text.as_bytes())
        .context("cannot write to standard output")?;
    for unusable in &report.unusable {
        eprintln!("error: {}", unusable.message);
    }
    eprintln!("{}", report.summary());
    Ok(ExitCode::from(report.code(arguments.strict)))
}

/// Judges what the sources hold. Whatever can be judged is, beside what cannot be used.
fn lint(
    sources: Vec<Result<Source>>,
    namespace: &spec::network::Namespace,
    policy: &Policy,
) -> Result<Report> {
    let mut report = Report::default();
    let mut read = Vec::new();
    for source in sources {
        let source = match source {
            Ok(source) => source,
            Err(error) => {
                report.unusable.push(Unusable {
                    file: None,
                    message: format!("{error:#}"),
                });
                continue;
            }
        };
        let mut objects = Vec::new();
        for object in objects::parse_each(&source.text, &source.name) {
            match object {
                Ok(object) => objects.push(object),
                Err(error) => report.unusable.push(Unusable {
                    file: Some(source.name.clone()),
                    message: error.to_string(),
                }),
            }
        }
        read.push((source, objects));
    }
    if read.iter().all(|(_, objects)| objects.is_empty()) && report.unusable.is_empty() {
        report.unusable.push(Unusable {
            file: None,
            message: "there is no object in the input; name files that hold Kubernetes objects"
                .to_owned(),
        });
    }
    judged::judge(&read, namespace, policy, &mut report)?;
    Ok(report)
}

/// Takes a rule no more seriously than a warning, everywhere.
fn relax(policy: &mut Policy, rule: Rule) {
    let relaxation = Relaxation {
        rules: BTreeSet::from([rule]),
        namespaces: Namespaces::default(),
        mode: Mode::Warn,
    };
    policy.modes.0.insert(0, relaxation);
}

#[cfg(test)]
mod tests;
