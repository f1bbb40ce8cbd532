//! Names that are checked once, where they enter, and can be trusted from then on.
//!
//! [`name_type!`](crate::name::name_type) writes the conversions every such type needs, so that each type is only its rule.

/// A text that does not follow the rule of the name it was meant to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {found:?} is not valid: {rule}")]
pub struct NameError {
    /// What the text was meant to be, such as "interface name".
    pub kind: &'static str,
    /// The text as it was found.
    pub found: String,
    /// The rule it breaks, in words a person can act on.
    pub rule: &'static str,
}

/// Defines a string newtype with a private field, its rule, and its conversions.
macro_rules! name_type {
    ($(#[$meta:meta])* $name:ident, $kind:literal, $rule:expr) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::NameError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                let check: fn(&str) -> Result<(), &'static str> = $rule;
                match check(&text) {
                    Ok(()) => Ok(Self(text)),
                    Err(rule) => Err($crate::NameError { kind: $kind, found: text, rule }),
                }
            }
        }

        impl TryFrom<&str> for $name {
            type Error = $crate::NameError;

            fn try_from(text: &str) -> Result<Self, Self::Error> {
                Self::try_from(text.to_owned())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::NameError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        /// As a quoted text, so that an error that shows the name needs no care.
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(&self.0, f)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

pub(crate) use name_type;

/// Whether `text` is a DNS-1123 label, the rule Kubernetes has for namespaces, without its limit on length.
pub(crate) fn is_dns_label(text: &str) -> bool {
    let bytes = text.as_bytes();
    let edge =
        |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    edge(bytes.first())
        && edge(bytes.last())
        && bytes
            .iter()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
}

/// Whether `text` starts with a letter or digit and goes on with letters, digits, `_`, `.` and `-`: the CNI
/// specification's rule for container ids and network names.
pub(crate) fn is_cni_name(text: &str) -> bool {
    text.bytes()
        .next()
        .is_some_and(|b| b.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}
