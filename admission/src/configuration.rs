//! The document in which an administrator writes the policy: one YAML or JSON object of kind `AdmissionConfiguration`.

use std::collections::BTreeMap;

use api::objects::{self, ObjectsError};
use serde_json::{Value, json};

use crate::Policy;

/// The document's `apiVersion`.
pub const API_VERSION: &str = "polypod.dev/v1alpha1";

/// The document's `kind`.
pub const KIND: &str = "AdmissionConfiguration";

/// Why a text is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// No YAML.
    #[error(transparent)]
    Objects(#[from] ObjectsError),
    /// Not one document.
    #[error("{origin} holds {found} documents; a configuration is one {KIND} of {API_VERSION}")]
    NotOne {
        /// The file.
        origin: String,
        /// How many there are.
        found: usize,
    },
    /// A document of another kind.
    #[error("{origin} is a {found}; a configuration is an {KIND} of {API_VERSION}")]
    Kind {
        /// The file and the place in it.
        origin: String,
        /// What it says it is.
        found: String,
    },
    /// A field that is none, or has a value it cannot have.
    #[error("{origin}: {problem}")]
    Field {
        /// The file and the place in it.
        origin: String,
        /// What is wrong.
        problem: String,
    },
}

/// Reads the policy from a text; `origin` is where the text comes from, for errors.
///
/// # Errors
/// It is not one document of this kind, or a field cannot be carried out. Nothing of such a document is taken.
pub fn parse(text: &str, origin: &str) -> Result<Policy, ConfigurationError> {
    let objects = objects::parse(text, origin)?;
    let found = objects.len();
    let [object] = <[_; 1]>::try_from(objects).map_err(|_| ConfigurationError::NotOne {
        origin: origin.to_owned(),
        found,
    })?;
    if object.api_version != API_VERSION || object.kind != KIND {
        return Err(ConfigurationError::Kind {
            found: format!("{} of {}", object.kind, object.api_version),
            origin: object.origin,
        });
    }
    let mut fields = object.value;
    if let Value::Object(fields) = &mut fields {
        for envelope in ["apiVersion", "kind", "metadata"] {
            fields.remove(envelope);
        }
    }
    serde_path_to_error::deserialize(fields).map_err(|error| {
        let path = error.path().to_string();
        let problem = error.into_inner();
        ConfigurationError::Field {
            origin: object.origin,
            problem: match path.as_str() {
                // The document itself.
                "." => problem.to_string(),
                path => format!("{path}: {problem}"),
            },
        }
    })
}

/// The document that says `policy`: what [`parse`] reads back as the same. `annotations` tell about it and decide nothing.
///
/// # Errors
/// A policy cannot be written as JSON.
pub fn document(
    policy: &Policy,
    annotations: &BTreeMap<&str, String>,
) -> Result<Value, serde_json::Error> {
    let mut document = serde_json::to_value(policy)?;
    document["apiVersion"] = API_VERSION.into();
    document["kind"] = KIND.into();
    if !annotations.is_empty() {
        document["metadata"] = json!({ "annotations": annotations });
    }
    Ok(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "apiVersion: polypod.dev/v1alpha1\nkind: AdmissionConfiguration\n";

    #[test]
    fn what_is_not_said_is_the_default() {
        assert_eq!(parse(HEAD, "f").unwrap(), Policy::default());
        let text = format!(
            "{HEAD}systemNamespace: net\ninjection: {{podNetInfo: true}}\naccess: {{namespaceIsolation: true, globalNamespaces: [default]}}\n"
        );
        let policy = parse(&text, "f").unwrap();
        assert_eq!(policy.system_namespace.as_str(), "net");
        assert!(policy.injection.pod_net_info && !policy.injection.hugepages);
        assert!(policy.access.namespace_isolation);
    }

    #[test]
    fn what_is_told_of_a_policy_is_that_policy() {
        let text = format!(
            "{HEAD}systemNamespace: net\naccess: {{allowedNetworks: [{{namespaces: {{names: [a], selector: {{matchLabels: {{b: c}}}}}}, networks: ['x/*']}}]}}\nmodes: [{{rules: [device-deficit], mode: warn}}]\n"
        );
        let policy = parse(&text, "f").unwrap();
        let annotations = BTreeMap::from([("a", "b".to_owned())]);
        let document = document(&policy, &annotations).unwrap();
        assert_eq!(document["metadata"]["annotations"]["a"], "b");
        assert_eq!(parse(&document.to_string(), "f").unwrap(), policy);
    }

    #[test]
    fn errors_say_where_and_what() {
        let mut errors = String::new();
        for text in [
            "",
            "a: [",
            "apiVersion: v1\nkind: ConfigMap\n",
            &format!("{HEAD}---\n{HEAD}"),
            &format!("{HEAD}sytemNamespace: a\n"),
            &format!("{HEAD}systemNamespace: A B\n"),
            &format!("{HEAD}injection: {{userDefined: [{{label: a, annotations: 5}}]}}\n"),
            &format!("{HEAD}modes: [{{mode: ignore}}]\n"),
        ] {
            errors.push_str(&format!("{}\n", parse(text, "f.yaml").unwrap_err()));
        }
        insta::assert_snapshot!(errors, @r#"
        f.yaml holds 0 documents; a configuration is one AdmissionConfiguration of polypod.dev/v1alpha1
        f.yaml is not valid YAML: did not find expected node content at line 2 column 1, while parsing a flow node
        f.yaml (document 1) is a ConfigMap of v1; a configuration is an AdmissionConfiguration of polypod.dev/v1alpha1
        f.yaml holds 2 documents; a configuration is one AdmissionConfiguration of polypod.dev/v1alpha1
        f.yaml (document 1): sytemNamespace: unknown field `sytemNamespace`, expected one of `systemNamespace`, `injection`, `scheduling`, `access`, `modes`
        f.yaml (document 1): systemNamespace: namespace "A B" is not valid: it must be 1 to 63 lower case letters, digits and '-', beginning and ending with a letter or digit
        f.yaml (document 1): injection.userDefined[0].annotations: invalid type: integer `5`, expected a map
        f.yaml (document 1): modes[0].mode: unknown variant `ignore`, expected one of `enforce`, `warn`, `monitor`
        "#);
    }
}
