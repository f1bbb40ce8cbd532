//! The checks of the entries of the comma-delimited form.

use api::network_attachment_definition::NetworkAttachmentDefinition;
use k8s_openapi::Resource as _;
use spec::network::{MOST_NETWORKS, NETWORKS, Namespace};

use super::{
    cel::{self, Cel},
    check::Check,
    mode_of::within,
};
use crate::{Policy, Rule};

/// What an interface name may not hold: what CEL's regular expressions know of blanks and control characters, and the three
/// signs that the kernel refuses.
const NOT_IN_AN_INTERFACE: &str = "[\\s[:cntrl:]/:%@]";

/// The rules of the form, entry by entry.
pub(super) fn syntax() -> Vec<Check> {
    vec![
        entry(
            "entry != \"\"",
            "it has an empty entry; remove the comma too many",
        ),
        entry(
            "size(entry.split(\"@\")) <= 2 && size(entry.split(\"@\")[0].split(\"/\")) <= 2",
            "an entry has more than one '@' or '/'; write [namespace/]name[@interface]",
        ),
        entry(
            "entry.split(\"@\")[0].split(\"/\").all(name, name.trim().matches(\"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$\") && size(name.trim()) <= 253)",
            "an entry has a name that is none: lower case letters, digits and '-', beginning and ending with a letter or digit; a name with a dot is written in the JSON form",
        ),
        Check {
            rule: Rule::AnnotationSyntax,
            after: &[],
            expression: format!(
                "variables.interfaces.all(name, size(name) >= 1 && size(name) <= 15 && !(name in [\"lo\", \".\", \"..\"]) && !name.matches({}))",
                cel::text(NOT_IN_AN_INTERFACE)
            ),
            message: format!(
                "annotation {NETWORKS}: an interface name must have 1 to 15 bytes, no blanks, '/', ':' or '%', and be none of 'lo', '.' and '..'"
            ),
            message_expression: None,
        },
        Check {
            rule: Rule::AnnotationSyntax,
            after: &[],
            // Counted only where there are not too many of them to compare each with each.
            expression: format!(
                "size(variables.interfaces) > {MOST_NETWORKS} || variables.interfaces.all(name, variables.interfaces.exists_one(other, other == name))"
            ),
            message: format!("annotation {NETWORKS}: an interface name may occur once"),
            message_expression: None,
        },
        Check {
            rule: Rule::AnnotationSyntax,
            after: &[],
            expression: format!("size(variables.entries) <= {MOST_NETWORKS}"),
            message: format!(
                "annotation {NETWORKS}: a pod can have at most {MOST_NETWORKS} networks"
            ),
            message_expression: Some(format!(
                "{} + string(size(variables.entries)) + {}",
                cel::text(&format!("annotation {NETWORKS} names ")),
                cel::text(&format!(
                    " networks; a pod can have at most {MOST_NETWORKS}"
                ))
            )),
        },
    ]
}

/// A check of every entry; the first that is wrong is shown.
fn entry(is_right: &str, problem: &str) -> Check {
    let message = format!("annotation {NETWORKS}: {problem}");
    Check {
        rule: Rule::AnnotationSyntax,
        after: &[],
        expression: format!("variables.entries.all(entry, {is_right})"),
        message_expression: Some(format!(
            "{} + variables.entries.filter(entry, !({is_right}))[0] + \")\"",
            cel::text(&format!("{message} (found: "))
        )),
        message,
    }
}

/// The names that are given by position: the cluster's `eth0`, and `net1`, `net2`, … of entries that ask for none.
pub(super) fn interfaces() -> Vec<Check> {
    vec![
        Check {
            rule: Rule::InterfaceConflict,
            after: &[],
            expression: "!variables.isUnderstood || variables.defaultNetwork.contains(\"@\") || !(\"eth0\" in variables.interfaces)".to_owned(),
            message: format!(
                "annotation {NETWORKS}: eth0 is already the interface of the cluster network; choose another name"
            ),
            message_expression: None,
        },
        Check {
            rule: Rule::InterfaceConflict,
            after: &[],
            expression: "!variables.isUnderstood || variables.interfaces.all(name, !name.matches(\"^net[1-9][0-9]{0,2}$\") || int(name.substring(3)) > size(variables.entries) || variables.entries[int(name.substring(3)) - 1].contains(\"@\"))".to_owned(),
            message: format!(
                "annotation {NETWORKS}: an entry asks for an interface that another entry has by its position; choose another name"
            ),
            message_expression: None,
        },
    ]
}

/// Who may select what, as far as it stands in the annotation.
pub(super) fn access(policy: &Policy) -> Vec<Check> {
    const NAMESPACE: &str =
        "(name.contains(\"/\") ? name.split(\"/\")[0].trim() : request.namespace)";
    const NAME: &str = "(name.contains(\"/\") ? name.split(\"/\")[1].trim() : name)";
    let check = |rule, after, expression: String, message: &str| {
        let expression = format!("variables.selected.all(name, {expression})");
        Check {
            rule,
            after,
            expression: format!("!variables.isUnderstood || {expression}"),
            message: format!("annotation {NETWORKS}: {message}"),
            message_expression: None,
        }
    };
    let access = &policy.access;
    let mut checks = Vec::new();
    if access.namespace_isolation {
        let mut message = "pods select networks of their own namespace".to_owned();
        if !access.global_namespaces.is_empty() {
            let global: Vec<&str> = access
                .global_namespaces
                .iter()
                .map(Namespace::as_str)
                .collect();
            message = format!("{message} and of {}", global.join(", "));
        }
        checks.push(check(
            Rule::NamespaceIsolation,
            &[],
            format!(
                "{NAMESPACE} in ([request.namespace] + {})",
                cel::list(&access.global_namespaces)
            ),
            &format!("{message} (namespace isolation)"),
        ));
    }
    if !access.allowed_networks.is_empty() {
        let mut is_listed = Cel::Never;
        let mut is_any_about = Cel::Never;
        for entry in &access.allowed_networks {
            let about = within(&entry.namespaces);
            let selects = format!(
                "{NAMESPACE} + \"/*\" in {list} || {NAMESPACE} + \"/\" + {NAME} in {list}",
                list = cel::list(&entry.networks)
            );
            is_any_about = is_any_about.or(about.clone());
            is_listed = is_listed.or(about.and(Cel::when(selects)));
        }
        let is_allowed = is_any_about.not().or(is_listed);
        checks.push(check(
            Rule::AllowedNetworks,
            &[],
            is_allowed.to_string(),
            "the administrator does not list this network for the pod's namespace",
        ));
    }
    if access.require_use {
        let (group, resource) = (
            NetworkAttachmentDefinition::GROUP,
            NetworkAttachmentDefinition::URL_PATH_SEGMENT,
        );
        checks.push(check(
            Rule::UsePermission,
            // The webhook asks of networks that are there and can be attached.
            &[
                Rule::NetworkNotFound,
                Rule::NetworkUnusable,
            ],
            format!(
                "authorizer.serviceAccount(request.namespace, has(object.spec.serviceAccountName) && object.spec.serviceAccountName != \"\" ? object.spec.serviceAccountName : \"default\").group({}).resource({}).namespace({NAMESPACE}).name({NAME}).check(\"use\").allowed()",
                cel::text(group),
                cel::text(resource)
            ),
            &format!("the pod's service account may not use a network; grant the verb use on its {resource}"),
        ));
    }
    checks
}
