//! How the kubelet's topology manager aligns what it allocates (KubeletConfiguration `topologyManagerPolicy` and
//! `topologyManagerScope`).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Which pods the kubelet refuses for want of alignment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Nothing is aligned; the kubelet's default.
    #[default]
    None,
    /// Aligned where it is possible.
    BestEffort,
    /// Refused unless it needs no more zones than it must.
    Restricted,
    /// Refused unless it fits into one zone.
    SingleNumaNode,
}

/// What is aligned as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Each container for itself; the kubelet's default.
    #[default]
    Container,
    /// The pod.
    Pod,
}

/// A word that is none of the kubelet's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is not one of {known}")]
pub struct UnknownWord {
    /// The word.
    pub found: String,
    /// What may stand there.
    pub known: &'static str,
}

impl Policy {
    /// As the kubelet's configuration has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::BestEffort => "best-effort",
            Self::Restricted => "restricted",
            Self::SingleNumaNode => "single-numa-node",
        }
    }
}

impl Scope {
    /// As the kubelet's configuration has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Pod => "pod",
        }
    }
}

impl FromStr for Policy {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        [
            Self::None,
            Self::BestEffort,
            Self::Restricted,
            Self::SingleNumaNode,
        ]
        .into_iter()
        .find(|policy| policy.as_str() == text)
        .ok_or_else(|| UnknownWord {
            found: text.to_owned(),
            known: "none, best-effort, restricted, single-numa-node",
        })
    }
}

impl FromStr for Scope {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        [Self::Container, Self::Pod]
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or_else(|| UnknownWord {
                found: text.to_owned(),
                known: "container, pod",
            })
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_are_the_same_in_json_and_on_the_command_line() {
        for word in ["none", "best-effort", "restricted", "single-numa-node"] {
            let policy: Policy = word.parse().unwrap();
            assert_eq!(json!(policy), json!(word));
            assert_eq!(policy.to_string(), word);
        }
        for word in ["container", "pod"] {
            let scope: Scope = word.parse().unwrap();
            assert_eq!(json!(scope), json!(word));
            assert_eq!(scope.to_string(), word);
        }
        let error = "SingleNUMANode".parse::<Policy>().unwrap_err().to_string();
        assert!(error.contains("single-numa-node"), "{error}");
        assert!("node".parse::<Scope>().is_err());
    }
}
