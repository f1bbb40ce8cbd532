//! `kubectl-polypod policies`: the ValidatingAdmissionPolicies of an administrator's policy, to be applied.

use std::{
    collections::BTreeSet,
    io::{self, Write as _},
    process::ExitCode,
};

use admission::{Policy, StaticPolicy, static_policies};
use anyhow::{Context as _, Result};
use serde_json::Value;
use spec::network::Namespace;

use crate::input::PolicyArgs;

/// The arguments of `policies`.
#[derive(Debug, clap::Args)]
pub struct PoliciesArgs {
    #[command(flatten)]
    policy: PolicyArgs,
    /// Namespaces in which the policies do not hold. Name those that the webhook's registration leaves out, and the one
    /// that the webhook runs in.
    #[arg(
        long,
        value_name = "NAMESPACE,…",
        value_delimiter = ',',
        default_value = "kube-system,kube-node-lease"
    )]
    exclude_namespaces: Vec<Namespace>,
}

/// Prints the policies and their bindings as YAML.
///
/// # Errors
/// The policy cannot be read, or standard output cannot be written to.
pub fn run(arguments: &PoliciesArgs) -> Result<ExitCode> {
    let excluded = arguments.exclude_namespaces.iter().cloned().collect();
    let text = print(&arguments.policy.read()?, &excluded)?;
    io::stdout()
        .write_all(text.as_bytes())
        .context("cannot write to standard output")?;
    Ok(ExitCode::SUCCESS)
}

fn print(policy: &Policy, excluded: &BTreeSet<Namespace>) -> Result<String> {
    let mut objects: Vec<Value> = Vec::new();
    for StaticPolicy { policy, binding } in static_policies(policy, excluded) {
        objects.push(serde_json::to_value(policy)?);
        objects.push(serde_json::to_value(binding)?);
    }
    Ok(serde_saphyr::to_string_multiple(&objects)?)
}

#[cfg(test)]
mod tests {
    use api::objects;

    use super::*;

    #[test]
    fn what_is_printed_is_what_was_rendered() {
        let policy = Policy::default();
        let excluded = BTreeSet::from(["kube-system".parse().unwrap()]);
        let printed = objects::parse(&print(&policy, &excluded).unwrap(), "printed").unwrap();
        let rendered = static_policies(&policy, &excluded);
        assert_eq!(printed.len(), 2 * rendered.len());
        for (both, printed) in rendered.iter().zip(printed.chunks(2)) {
            assert_eq!(printed[0].kind, "ValidatingAdmissionPolicy");
            assert_eq!(printed[0].api_version, "admissionregistration.k8s.io/v1");
            assert_eq!(
                printed[0].value,
                serde_json::to_value(&both.policy).unwrap()
            );
            assert_eq!(
                printed[1].value,
                serde_json::to_value(&both.binding).unwrap()
            );
        }
    }
}
