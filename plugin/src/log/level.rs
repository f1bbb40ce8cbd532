//! How much is said: `logLevel`.

use std::str::FromStr;

/// How much is written; each level includes those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Panics alone.
    #[default]
    Panic,
    /// Errors and warnings.
    Error,
    /// One line for each delegate.
    Verbose,
    /// How things were decided.
    Debug,
}

impl FromStr for Level {
    /// The text is no level.
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [
            ("panic", Self::Panic),
            ("error", Self::Error),
            ("verbose", Self::Verbose),
            ("debug", Self::Debug),
        ]
        .into_iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(text))
        .map(|(_, level)| level)
        .ok_or(())
    }
}

/// What a line says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The plugin is at its end.
    Panic,
    /// The verb is not carried out.
    Error,
    /// The verb is carried out, and a person should change something.
    Warning,
    /// What was done.
    Verbose,
    /// How it was decided.
    Debug,
}

impl Severity {
    /// The first level that shows the line.
    #[must_use]
    pub const fn level(self) -> Level {
        match self {
            Self::Panic => Level::Panic,
            Self::Error | Self::Warning => Level::Error,
            Self::Verbose => Level::Verbose,
            Self::Debug => Level::Debug,
        }
    }

    /// Its name in a line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Panic => "panic",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Verbose => "verbose",
            Self::Debug => "debug",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_any_case() {
        for (text, level) in [
            ("panic", Ok(Level::Panic)),
            ("ERROR", Ok(Level::Error)),
            ("Verbose", Ok(Level::Verbose)),
            ("debug", Ok(Level::Debug)),
            ("info", Err(())),
            ("", Err(())),
            (" debug", Err(())),
        ] {
            assert_eq!(text.parse(), level, "{text:?}");
        }
    }
}
