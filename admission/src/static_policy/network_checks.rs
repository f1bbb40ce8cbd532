//! The checks of NetworkAttachmentDefinitions.

use spec::network::RESOURCE_NAME;

use super::{annotation_checks::Variable, cel, check::Check};
use crate::Rule;

/// What the checks share. A stored fault is not judged again where the configuration stays what it is.
pub(super) fn variables() -> Vec<Variable> {
    let config_of = |object: &str| {
        format!(
            "has({object}.spec) && has({object}.spec.config) ? string({object}.spec.config) : \"\""
        )
    };
    let resource_of = |object: &str| {
        let key = cel::text(RESOURCE_NAME);
        format!(
            "has({object}.metadata.annotations) && {key} in {object}.metadata.annotations ? {object}.metadata.annotations[{key}] : \"none\""
        )
    };
    vec![
        ("config", config_of("object")),
        ("resource", resource_of("object")),
        (
            "configIsNew",
            format!(
                "oldObject == null || variables.config != ({})",
                config_of("oldObject")
            ),
        ),
        (
            "resourceIsNew",
            format!(
                "oldObject == null || variables.resource != ({})",
                resource_of("oldObject")
            ),
        ),
    ]
}

/// The checks.
pub(super) fn all() -> Vec<Check> {
    vec![
        Check {
        rule: Rule::DefinitionConfig,
        after: &[],
        expression: "!variables.configIsNew || variables.config.trim() == \"\" || (variables.config.trim().startsWith(\"{\") && variables.config.trim().endsWith(\"}\"))".to_owned(),
        message: "spec.config must be a CNI configuration: a JSON object with \"type\", or with \"plugins\"".to_owned(),
        message_expression: None,
    },
        Check {
            rule: Rule::DefinitionAnnotations,
            after: &[],
            expression: "!variables.resourceIsNew || variables.resource.trim() != \"\"".to_owned(),
            message: format!(
                "annotation {RESOURCE_NAME} must be the resource whose device is needed, such as intel.com/sriov; remove it where there is none"
            ),
            message_expression: None,
        },
    ]
}
