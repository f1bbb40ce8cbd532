//! The namespaces with which a network is shared, as its annotation says.

use std::collections::BTreeMap;

use api::network::Network;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde::{Deserialize, de::Error as _};
use serde_json::{Value, error::Error as JsonError};
use spec::network::SHARED_WITH;

use crate::{Labels, Selector, SelectorError};

/// With whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// With all.
    All,
    /// With namespaces of these labels.
    Selected(Selector),
}

/// The annotation is neither `*` nor a label selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{found:?} is neither \"*\" nor a label selector in JSON, such as {{\"matchLabels\": {{\"team\": \"radio\"}}}}: {problem}"
)]
pub struct SharingError {
    /// The annotation, or the beginning of a long one.
    pub found: String,
    /// What is wrong with it.
    pub problem: String,
}

/// What a person needs to see of an annotation to find it again.
const SHOWN: usize = 100;

impl Sharing {
    /// The annotation of `network`; `None` where it has none, so that it is for its own namespace.
    pub(crate) fn of(network: &Network) -> Result<Option<Self>, SharingError> {
        let text = network.annotations.get(SHARED_WITH);
        text.map(|text| Self::parse(text)).transpose()
    }

    fn parse(text: &str) -> Result<Self, SharingError> {
        let fault = |problem: String| SharingError {
            found: text.chars().take(SHOWN).collect(),
            problem,
        };
        if text.trim() == "*" {
            return Ok(Self::All);
        }
        let selector = read(text).map_err(|error| fault(error.to_string()))?;
        Selector::try_from(selector)
            .map(Self::Selected)
            .map_err(|error: SelectorError| fault(error.to_string()))
    }

    /// Whether a namespace with these labels is among them. They are looked at only where they decide.
    pub(crate) fn covers<'l>(&self, labels: impl FnOnce() -> &'l Labels) -> bool {
        match self {
            Self::All => true,
            Self::Selected(selector) => selector.matches(labels()),
        }
    }
}

/// Kubernetes's type passes unknown fields over, and an empty selector selects everything: a slip of the keyboard would
/// share the network with all.
fn read(text: &str) -> Result<LabelSelector, JsonError> {
    let value: Value = serde_json::from_str(text)?;
    let Value::Object(fields) = &value else {
        return Err(JsonError::custom("it is no object"));
    };
    let known = ["matchLabels", "matchExpressions"];
    if let Some(unknown) = fields.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(JsonError::custom(format!(
            "unknown field {unknown:?}, expected matchLabels or matchExpressions"
        )));
    }
    let selector = LabelSelector::deserialize(value)?;
    let is_empty = selector
        .match_labels
        .as_ref()
        .is_none_or(BTreeMap::is_empty)
        && selector
            .match_expressions
            .as_ref()
            .is_none_or(Vec::is_empty);
    if is_empty {
        return Err(JsonError::custom(
            "an empty selector would select all namespaces",
        ));
    }
    Ok(selector)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_or_by_label() {
        let covers = |text: &str, team: Option<&str>| {
            let labels = team.map(|team| ("team".to_owned(), team.to_owned()));
            let labels: Labels = labels.into_iter().collect();
            Sharing::parse(text).unwrap().covers(|| &labels)
        };
        for (text, team, wanted) in [
            ("*", None, true),
            (" * ", None, true),
            (r#"{"matchLabels":{"team":"radio"}}"#, Some("radio"), true),
            (r#"{"matchLabels":{"team":"radio"}}"#, Some("core"), false),
            (r#"{"matchLabels":{"team":"radio"}}"#, None, false),
            (
                r#"{"matchExpressions":[{"key":"team","operator":"In","values":["a","core"]}]}"#,
                Some("core"),
                true,
            ),
            (
                r#"{"matchExpressions":[{"key":"team","operator":"DoesNotExist"}]}"#,
                Some("core"),
                false,
            ),
        ] {
            assert_eq!(covers(text, team), wanted, "{text} {team:?}");
        }
    }

    #[test]
    fn what_is_no_selector() {
        let errors: Vec<String> = [
            "",
            "team=radio",
            "[]",
            "{}",
            r#"{"matchLabels":{}}"#,
            r#"{"matchlabels":{"team":"radio"}}"#,
            r#"{"matchLabels":{"team":5}}"#,
            r#"{"matchExpressions":[{"key":"team","operator":"Near"}]}"#,
        ]
        .into_iter()
        .map(|text| Sharing::parse(text).unwrap_err().problem)
        .collect();
        insta::assert_snapshot!(errors.join("\n"), @r#"
    EOF while parsing a value at line 1 column 0
    expected ident at line 1 column 2
    it is no object
    an empty selector would select all namespaces
    an empty selector would select all namespaces
    unknown field "matchlabels", expected matchLabels or matchExpressions
    invalid type: integer `5`, expected a string
    a label selector: failed to parse value as expression: Invalid expression operator
    "#);
    }
}
