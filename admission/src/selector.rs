//! A label selector as Kubernetes writes it in objects: `matchLabels` and `matchExpressions`.

use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube_core::labels::{Selector as Expressions, SelectorExt};
use serde::{Deserialize, Serialize};

use crate::Labels;

/// A selector that can be evaluated. An empty one selects everything.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(try_from = "LabelSelector", into = "LabelSelector")]
pub struct Selector {
    written: LabelSelector,
    expressions: Expressions,
}

/// All of it is texts, whose equality is one.
impl Eq for Selector {}

/// A selector with an operator that is none, or with values that its operator does not take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a label selector: {0}")]
pub struct SelectorError(String);

impl Selector {
    /// Whether something with these labels is selected.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        self.expressions.matches(labels)
    }
}

impl TryFrom<LabelSelector> for Selector {
    type Error = SelectorError;

    fn try_from(written: LabelSelector) -> Result<Self, SelectorError> {
        let expressions = Expressions::try_from(written.clone())
            .map_err(|error| SelectorError(error.to_string()))?;
        Ok(Self {
            written,
            expressions,
        })
    }
}

impl From<Selector> for LabelSelector {
    fn from(selector: Selector) -> Self {
        selector.written
    }
}

/// As `kubectl get -l` takes it.
impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.expressions)
    }
}
