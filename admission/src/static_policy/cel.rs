//! Expressions of CEL, put together so that what is certain beforehand is not asked.

use std::fmt;

use serde_json::Value;

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cel {
    /// It holds.
    Always,
    /// It does not.
    Never,
    /// It holds where this expression does.
    When(String),
}

impl Cel {
    /// An expression.
    pub(super) fn when(text: impl Into<String>) -> Self {
        Self::When(text.into())
    }

    /// Both hold; the second is evaluated only where the first does.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Never, _) | (_, Self::Never) => Self::Never,
            (Self::Always, other) | (other, Self::Always) => other,
            (Self::When(a), Self::When(b)) => Self::When(format!("({a}) && ({b})")),
        }
    }

    /// One of them holds.
    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Always, _) | (_, Self::Always) => Self::Always,
            (Self::Never, other) | (other, Self::Never) => other,
            (Self::When(a), Self::When(b)) => Self::When(format!("({a}) || ({b})")),
        }
    }

    /// It does not hold.
    pub(super) fn not(self) -> Self {
        match self {
            Self::Always => Self::Never,
            Self::Never => Self::Always,
            Self::When(text) => Self::When(format!("!({text})")),
        }
    }
}

impl fmt::Display for Cel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always => f.write_str("true"),
            Self::Never => f.write_str("false"),
            Self::When(text) => f.write_str(text),
        }
    }
}

/// A text as a literal: JSON's escapes are CEL's.
pub(super) fn text(text: &str) -> String {
    Value::from(text).to_string()
}

/// A list of texts as a literal.
pub(super) fn list<T: ToString>(texts: impl IntoIterator<Item = T>) -> String {
    let texts: Vec<Value> = texts
        .into_iter()
        .map(|text| Value::from(text.to_string()))
        .collect();
    Value::from(texts).to_string()
}
