//! What the API server's audit log is told of a decision.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use admission::{Denial, Plan};

use spec::network::SCHEDULING_GATE;

use crate::{
    answer::shortened,
    decide::Decision,
    metrics::{Outcome, mode},
};

/// How many findings are told one by one.
const MOST_FINDINGS: usize = 10;

/// The annotations of `decision`, by their keys; the API server puts the webhook's name and a slash before each.
///
/// A decision that has nothing to do with networks has none.
pub(crate) fn annotations(decision: &Decision) -> BTreeMap<&'static str, String> {
    let outcome = Outcome::from(decision).as_str();
    match decision {
        Decision::Denied(denial) => denied(outcome, denial),
        Decision::Allowed(_) if !is_of_interest(decision) => BTreeMap::new(),
        Decision::Allowed(plan) | Decision::Patched { plan, .. } => planned(outcome, plan),
    }
}

/// Whether a decision was about anything at all: not that a pod without networks was let in as it is.
pub(crate) fn is_of_interest(decision: &Decision) -> bool {
    match decision {
        Decision::Denied(_) | Decision::Patched { .. } => true,
        Decision::Allowed(plan) => !plan.networks.is_empty() || !plan.findings.is_empty(),
    }
}

fn denied(outcome: &str, denial: &Denial) -> BTreeMap<&'static str, String> {
    let rules: BTreeSet<&str> = denial
        .faults()
        .iter()
        .map(|fault| fault.rule().as_str())
        .collect();
    BTreeMap::from([
        ("decision", outcome.to_owned()),
        ("rules", listed(rules)),
        ("message", shortened(denial.to_string())),
    ])
}

fn planned(outcome: &str, plan: &Plan) -> BTreeMap<&'static str, String> {
    let mut annotations = BTreeMap::new();
    let additions = plan.additions.iter().map(|addition| {
        let resource = &addition.resource;
        format!("{resource}={} in {}", addition.total, addition.container)
    });
    let additions = listed(additions);
    let mut decision = outcome.to_owned();
    if !additions.is_empty() {
        let _infallible = write!(decision, ": {additions}");
    }
    annotations.insert("decision", shortened(decision));
    let networks: BTreeSet<String> = plan
        .networks
        .iter()
        .map(|version| match version.resource_version.as_str() {
            "" => version.network.to_string(),
            resource_version => format!("{}@{resource_version}", version.network),
        })
        .collect();
    if !networks.is_empty() {
        annotations.insert("networks", shortened(listed(networks)));
    }
    if !plan.annotations.is_empty() {
        let keys = listed(plan.annotations.keys());
        annotations.insert("annotations", shortened(keys));
    }
    let mut injected = BTreeMap::<&str, u64>::new();
    for addition in plan.additions.iter().filter(|addition| addition.add > 0) {
        let devices = injected.entry(addition.resource.as_str()).or_default();
        *devices = devices.saturating_add(addition.add);
    }
    if !injected.is_empty() {
        let injected = injected
            .iter()
            .map(|(name, devices)| format!("{name}={devices}"));
        annotations.insert("injected", shortened(listed(injected)));
    }
    if plan.scheduling_gate {
        annotations.insert("scheduling-gate", SCHEDULING_GATE.to_owned());
    }
    if let Some(scheduler) = &plan.scheduler_name {
        annotations.insert("scheduler", shortened(scheduler.to_string()));
    }
    if !plan.findings.is_empty() {
        let findings = plan.findings.iter().take(MOST_FINDINGS).map(|finding| {
            format!(
                "{} ({}): {}",
                finding.rule,
                mode(finding.mode),
                finding.message
            )
        });
        let findings: Vec<String> = findings.collect();
        annotations.insert("findings", shortened(findings.join("; ")));
    }
    annotations
}

fn listed<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    let mut list = String::new();
    for text in texts {
        if !list.is_empty() {
            list.push_str(", ");
        }
        list.push_str(text.as_ref());
    }
    list
}

#[cfg(test)]
mod tests {
    use admission::{Finding, Mode, NetworkVersion, Rule};

    use super::*;

    #[test]
    fn a_patch_of_annotations_alone_is_told() {
        let plan = Plan {
            annotations: [("example.com/note".to_owned(), "x".to_owned())].into(),
            ..Plan::default()
        };
        let patch = json_patch::Patch::default();
        let told = annotations(&Decision::Patched { plan, patch });
        assert_eq!(told["decision"], "patched");
        assert_eq!(told["annotations"], "example.com/note");
    }

    #[test]
    fn findings_are_told_and_cut() {
        let mut plan = Plan::default();
        assert!(annotations(&Decision::Allowed(plan.clone())).is_empty());
        plan.findings = vec![
            Finding {
                rule: Rule::NetworkNotFound,
                mode: Mode::Monitor,
                message: "there is none".to_owned(),
            };
            2
        ];
        let told = annotations(&Decision::Allowed(plan.clone()));
        assert_eq!(
            told["findings"],
            "network-not-found (monitor): there is none; network-not-found (monitor): there is none"
        );
        plan.findings[0].message = "x".repeat(1 << 20);
        plan.networks = (0..1000)
            .map(|n| NetworkVersion {
                network: spec::network::NetworkRef {
                    namespace: "default".parse().unwrap(),
                    name: format!("n{n}").parse().unwrap(),
                },
                resource_version: n.to_string(),
            })
            .collect();
        for (key, text) in annotations(&Decision::Allowed(plan)) {
            assert!(text.chars().count() <= 2001, "{key}");
            assert!(key.bytes().all(|c| c.is_ascii_lowercase()), "{key}");
        }
    }
}
