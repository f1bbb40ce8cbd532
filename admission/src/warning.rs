//! A warning that an API server passes on to the person at the terminal.

use std::fmt;

/// One fact, in a form every API server passes on whole.
///
/// The API server asks for at most 120 characters and for no control characters; it cuts longer texts where it likes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning(String);

impl Warning {
    /// The API server's advice for one warning.
    const MOST: usize = 120;

    /// A warning of this text; blanks take the place of control characters, and what is too much is cut.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let visible = |c: char| if c.is_control() { ' ' } else { c };
        if text.chars().count() <= Self::MOST {
            return Self(text.chars().map(visible).collect());
        }
        let kept = text.chars().take(Self::MOST - 1).map(visible);
        Self(kept.chain(['…']).collect())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_becomes_one_the_api_server_passes_on(text in "(?s).{0,200}") {
            let warning = Warning::new(&text);
            prop_assert!(warning.as_str().chars().count() <= 120);
            prop_assert!(!warning.as_str().contains(char::is_control));
            if text.chars().count() <= 120 && !text.contains(char::is_control) {
                prop_assert_eq!(warning.as_str(), text);
            }
        }
    }
}
