//! Networks, as an administrator lists them.

use std::fmt;

use serde::{Deserialize, Serialize};
use spec::{
    NameError,
    network::{Namespace, NetworkRef, ObjectName},
};

/// One network, or all of a namespace: `namespace/name` or `namespace/*`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct NetworkPattern {
    namespace: Namespace,
    /// Absent where all are meant.
    name: Option<ObjectName>,
}

/// A text that lists no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkPatternError {
    /// There is no `/`.
    #[error(
        "network {0:?} has no namespace; write namespace/name, or namespace/* for all of a namespace"
    )]
    NoNamespace(String),
    /// One of the two is no name.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl NetworkPattern {
    /// Whether `network` is meant.
    #[must_use]
    pub fn matches(&self, network: &NetworkRef) -> bool {
        self.namespace == network.namespace
            && self.name.as_ref().is_none_or(|name| *name == network.name)
    }
}

impl TryFrom<String> for NetworkPattern {
    type Error = NetworkPatternError;

    fn try_from(text: String) -> Result<Self, NetworkPatternError> {
        let Some((namespace, name)) = text.split_once('/') else {
            return Err(NetworkPatternError::NoNamespace(text));
        };
        let name = match name {
            "*" => None,
            name => Some(name.parse()?),
        };
        Ok(Self {
            namespace: namespace.parse()?,
            name,
        })
    }
}

impl From<NetworkPattern> for String {
    fn from(pattern: NetworkPattern) -> Self {
        pattern.to_string()
    }
}

impl fmt::Display for NetworkPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_ref().map_or("*", |name| name.as_str());
        write!(f, "{}/{name}", self.namespace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::reference;

    #[test]
    fn one_network_or_all_of_a_namespace() {
        let matches = |pattern: &str, network: &str| {
            let parsed = NetworkPattern::try_from(pattern.to_owned()).unwrap();
            assert_eq!(parsed.to_string(), pattern);
            parsed.matches(&reference(network))
        };
        assert!(matches("a/b", "a/b"));
        assert!(!matches("a/b", "a/c"));
        assert!(!matches("a/b", "b/b"));
        assert!(matches("a/*", "a/c"));
        assert!(!matches("a/*", "b/c"));
        for bad in ["a", "", "a/", "/a", "*/a", "a/b/c", "A/b", "a/b*"] {
            assert!(NetworkPattern::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
