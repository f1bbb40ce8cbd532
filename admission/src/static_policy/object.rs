//! The objects: which requests a policy is asked about, and what becomes of what it finds.

use std::collections::BTreeSet;

use api::network_attachment_definition::NetworkAttachmentDefinition;
use k8s_openapi::{
    Resource as _,
    api::admissionregistration::v1::{
        MatchCondition, MatchResources, NamedRuleWithOperations, ValidatingAdmissionPolicy,
        ValidatingAdmissionPolicyBinding, ValidatingAdmissionPolicyBindingSpec,
        ValidatingAdmissionPolicySpec, Validation, Variable,
    },
    apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement, ObjectMeta},
};
use spec::network::{DEFAULT_NETWORK, NETWORKS, Namespace};

use super::{
    StaticPolicy, annotation_checks,
    cel::{self, Cel},
    check::Check,
    mode_of::{self, LABELS, LABELS_EXPRESSION},
    network_checks,
};
use crate::{Mode, Policy};

/// The policy of pods for one mode; none where no rule has the mode anywhere.
pub(super) fn of_pods(checks: &[Check], policy: &Policy, mode: Mode) -> Option<StaticPolicy> {
    let mut conditions = pods_with_networks();
    conditions.push(condition(
        "attached-to-networks",
        "!(has(object.spec.hostNetwork) && object.spec.hostNetwork)".to_owned(),
    ));
    of(
        &format!("polypod-pods-{}", suffix(mode)),
        pods(),
        conditions,
        variables(annotation_checks::variables()),
        validations(checks, policy, mode),
        mode,
    )
}

/// The policy of networks for one mode.
pub(super) fn of_networks(checks: &[Check], policy: &Policy, mode: Mode) -> Option<StaticPolicy> {
    of(
        &format!("polypod-network-attachment-definitions-{}", suffix(mode)),
        rules(
            NetworkAttachmentDefinition::GROUP,
            NetworkAttachmentDefinition::URL_PATH_SEGMENT,
        ),
        vec![stays()],
        variables(network_checks::variables()),
        validations(checks, policy, mode),
        mode,
    )
}

/// A pod on the node's own network is let in, and told that nothing is attached.
pub(super) fn of_host_network() -> StaticPolicy {
    let validation = Validation {
        expression: format!(
            "!(has(object.spec.hostNetwork) && object.spec.hostNetwork) || {}.trim() + {}.trim() == \"\"",
            value("object", NETWORKS),
            value("object", DEFAULT_NETWORK)
        ),
        message: Some(
            "the pod's networks are not attached, as it uses the node's own network (hostNetwork: true)".to_owned(),
        ),
        ..Validation::default()
    };
    let conditions = pods_with_networks();
    made(
        "polypod-pods-host-network",
        pods(),
        conditions,
        Vec::new(),
        vec![validation],
        Mode::Warn,
    )
}

fn of(
    name: &str,
    constraints: MatchResources,
    conditions: Vec<MatchCondition>,
    variables: Vec<Variable>,
    validations: Vec<Validation>,
    mode: Mode,
) -> Option<StaticPolicy> {
    let is_needed = !validations.is_empty();
    is_needed.then(|| made(name, constraints, conditions, variables, validations, mode))
}

fn made(
    name: &str,
    constraints: MatchResources,
    conditions: Vec<MatchCondition>,
    variables: Vec<Variable>,
    validations: Vec<Validation>,
    mode: Mode,
) -> StaticPolicy {
    let metadata = || ObjectMeta {
        name: Some(name.to_owned()),
        ..ObjectMeta::default()
    };
    let action = match mode {
        Mode::Enforce => "Deny",
        Mode::Warn => "Warn",
        Mode::Monitor => "Audit",
    };
    StaticPolicy {
        policy: ValidatingAdmissionPolicy {
            metadata: metadata(),
            spec: Some(ValidatingAdmissionPolicySpec {
                // An expression that cannot be evaluated says nothing about the object.
                failure_policy: Some("Ignore".to_owned()),
                match_constraints: Some(constraints),
                match_conditions: Some(conditions),
                variables: Some(variables).filter(|all| !all.is_empty()),
                validations: Some(validations),
                ..ValidatingAdmissionPolicySpec::default()
            }),
            ..ValidatingAdmissionPolicy::default()
        },
        binding: ValidatingAdmissionPolicyBinding {
            metadata: metadata(),
            spec: ValidatingAdmissionPolicyBindingSpec {
                policy_name: name.to_owned(),
                validation_actions: vec![action.to_owned()],
                ..ValidatingAdmissionPolicyBindingSpec::default()
            },
        },
    }
}

/// The label by which every namespace is selected by its name; the API server sets it.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// What is in all namespaces but these; `None` where that is everything.
pub(super) fn all_but(excluded: &BTreeSet<Namespace>) -> Option<MatchResources> {
    let is_any = !excluded.is_empty();
    is_any.then(|| MatchResources {
        namespace_selector: Some(LabelSelector {
            match_expressions: Some(vec![LabelSelectorRequirement {
                key: NAMESPACE_NAME.to_owned(),
                operator: "NotIn".to_owned(),
                values: Some(excluded.iter().map(ToString::to_string).collect()),
            }]),
            ..LabelSelector::default()
        }),
        ..MatchResources::default()
    })
}

/// What is validated in this mode: each check, in the namespaces where its rule has the mode.
fn validations(checks: &[Check], policy: &Policy, mode: Mode) -> Vec<Validation> {
    let validation = |check: &Check| {
        let applies = check
            .after
            .iter()
            .fold(mode_of::has(policy, check.rule, mode), |applies, rule| {
                applies.and(mode_of::has(policy, *rule, Mode::Enforce))
            });
        let expression = match applies {
            Cel::Never => return None,
            Cel::Always => check.expression.clone(),
            Cel::When(applies) => format!("!({applies}) || ({})", check.expression),
        };
        Some(Validation {
            expression,
            message: Some(check.message.clone()),
            message_expression: check.message_expression.clone(),
            reason: Some("Invalid".to_owned()).filter(|_| mode == Mode::Enforce),
        })
    };
    checks.iter().filter_map(validation).collect()
}

fn variables(all: Vec<annotation_checks::Variable>) -> Vec<Variable> {
    let labels = (LABELS, LABELS_EXPRESSION.to_owned());
    let all = std::iter::once(labels).chain(all);
    all.map(|(name, expression)| Variable {
        name: name.to_owned(),
        expression,
    })
    .collect()
}

fn pods() -> MatchResources {
    rules("", "pods")
}

fn rules(group: &str, resource: &str) -> MatchResources {
    let texts = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect());
    MatchResources {
        resource_rules: Some(vec![NamedRuleWithOperations {
            api_groups: texts(&[group]),
            api_versions: texts(&["v1"]),
            operations: texts(&["CREATE", "UPDATE"]),
            resources: texts(&[resource]),
            ..NamedRuleWithOperations::default()
        }]),
        ..MatchResources::default()
    }
}

/// Pods that select networks and are judged by them: as the webhook, neither those that go nor images of static pods, and
/// of stored ones only those whose networks change.
fn pods_with_networks() -> Vec<MatchCondition> {
    let is_there = |key: &str| {
        let key = cel::text(key);
        format!("{key} in object.metadata.annotations")
    };
    let changes = |key: &str| format!("{} != {}", value("object", key), value("oldObject", key));
    vec![
        condition(
            "selects-networks",
            format!(
                "has(object.metadata.annotations) && ({} || {})",
                is_there(NETWORKS),
                is_there(DEFAULT_NETWORK)
            ),
        ),
        condition(
            "not-a-mirror-pod",
            format!(
                "!({} in object.metadata.annotations)",
                cel::text(api::pod::MIRROR)
            ),
        ),
        stays(),
        condition(
            "networks-change",
            format!(
                "oldObject == null || {} || {}",
                changes(NETWORKS),
                changes(DEFAULT_NETWORK)
            ),
        ),
    ]
}

/// The text of an annotation; an absent one is empty.
fn value(object: &str, key: &str) -> String {
    let key = cel::text(key);
    format!(
        "(has({object}.metadata.annotations) && {key} in {object}.metadata.annotations ? {object}.metadata.annotations[{key}] : \"\")"
    )
}

fn stays() -> MatchCondition {
    condition(
        "not-being-deleted",
        "!has(object.metadata.deletionTimestamp)".to_owned(),
    )
}

fn condition(name: &str, expression: String) -> MatchCondition {
    MatchCondition {
        name: name.to_owned(),
        expression,
    }
}

const fn suffix(mode: Mode) -> &'static str {
    match mode {
        Mode::Enforce => "deny",
        Mode::Warn => "warn",
        Mode::Monitor => "audit",
    }
}
