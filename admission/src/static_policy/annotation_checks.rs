//! The checks of a pod's annotations, and the variables that they share.

use spec::network::{DEFAULT_NETWORK, MOST_NETWORKS, NETWORKS};

use super::{
    cel,
    check::Check,
    entry_checks::{access, interfaces, syntax},
};
use crate::{Policy, Rule};

/// Of a name: its expression.
pub(super) type Variable = (&'static str, String);

/// What both annotations are taken apart into. Only the comma-delimited form is: CEL reads no JSON.
pub(super) fn variables() -> Vec<Variable> {
    let text_of = |key: &str| {
        let key = cel::text(key);
        format!("{key} in variables.annotations ? variables.annotations[{key}] : \"\"")
    };
    let is_json = |text: &str| {
        format!("{text}.contains(\"[\") || {text}.contains(\"{{\") || {text}.contains(\"\\\"\")")
    };
    vec![
        (
            "annotations",
            "has(object.metadata.annotations) ? object.metadata.annotations : {}".to_owned(),
        ),
        ("networks", text_of(NETWORKS)),
        ("networksAreJson", is_json("variables.networks")),
        (
            "entries",
            "variables.networksAreJson || variables.networks.trim() == \"\" ? [] : variables.networks.split(\",\").map(entry, entry.trim())".to_owned(),
        ),
        // Without the interface, and the interface.
        (
            "selected",
            "variables.entries.map(entry, entry.split(\"@\")[0].trim())".to_owned(),
        ),
        (
            "interfaces",
            "variables.entries.filter(entry, entry.contains(\"@\")).map(entry, entry.split(\"@\")[1].trim())".to_owned(),
        ),
        (
            "hasDefaultNetwork",
            format!("{} in variables.annotations", cel::text(DEFAULT_NETWORK)),
        ),
        ("defaultNetwork", text_of(DEFAULT_NETWORK)),
        ("defaultNetworkIsJson", is_json("variables.defaultNetwork")),
        // Certainly understood by the plugin too; what this does not cover is not judged further.
        (
            "isUnderstood",
            format!(
                "!variables.networksAreJson && size(variables.entries) <= {MOST_NETWORKS} && variables.entries.all(entry, entry.matches({plain})) && variables.interfaces.all(name, !(name in [\"lo\", \".\", \"..\"]) && variables.interfaces.exists_one(other, other == name)) && (!variables.hasDefaultNetwork || variables.defaultNetwork.trim().matches({plain}) && !variables.defaultNetwork.matches({reserved}))",
                plain = cel::text(PLAIN),
                reserved = cel::text("@ *(lo|\\.|\\.\\.) *$"),
            ),
        ),
    ]
}

/// An entry of letters that leave no doubt, `[namespace/]name[@interface]`.
const PLAIN: &str = "^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])? */ *)?[a-z0-9]([-a-z0-9]{0,251}[a-z0-9])?( *@ *[A-Za-z0-9_.-]{1,15})?$";

/// The checks.
pub(super) fn all(policy: &Policy) -> Vec<Check> {
    let mut all = vec![
        json(NETWORKS, "networks"),
        json(DEFAULT_NETWORK, "defaultNetwork"),
        one_default_network(),
    ];
    all.extend(syntax());
    all.extend(interfaces());
    all.extend(access(policy));
    all
}

/// What holds a character of JSON is read as JSON, and must be a list.
fn json(key: &str, variable: &str) -> Check {
    let is_json = match variable {
        "networks" => "networksAreJson",
        _ => "defaultNetworkIsJson",
    };
    Check {
        rule: Rule::AnnotationSyntax,
        after: &[],
        expression: format!(
            "!variables.{is_json} || (variables.{variable}.trim().startsWith(\"[\") && variables.{variable}.trim().endsWith(\"]\"))"
        ),
        message: format!(
            "annotation {key} must be a JSON list of objects such as [{{\"name\": \"net-a\"}}], or [namespace/]name[@interface] separated by commas"
        ),
        message_expression: None,
    }
}

fn one_default_network() -> Check {
    Check {
        rule: Rule::AnnotationSyntax,
        after: &[],
        expression: "!variables.hasDefaultNetwork || variables.defaultNetworkIsJson || (variables.defaultNetwork.trim() != \"\" && !variables.defaultNetwork.contains(\",\"))".to_owned(),
        message: format!("annotation {DEFAULT_NETWORK} must name exactly one network"),
        message_expression: None,
    }
}
