//! What there is to put into the plugin's kubeconfig.

use std::fmt;

/// What there is to put into the plugin's kubeconfig. Nothing, before the API server was asked for the first time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Supply {
    /// What to write. What is there already stays where there is nothing.
    pub credential: Option<Credential>,
    /// Why the plugin has nothing that is good at this time.
    pub problem: Option<String>,
}

/// With what the plugin says who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A token of its own service account, bound to this Node.
    Bound(Token),
    /// The token of this process, as the kubelet renews it: the API server binds none to Nodes.
    Own,
}

/// A secret. It is never printed but where it is written to.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A token as the API server gives it; `None` where that is blank.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// To be written into a kubeconfig.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_blank_and_not_printed() {
        assert_eq!(Token::new(" \n"), None);
        let token = Token::new("secret\n").unwrap();
        assert_eq!(token.secret(), "secret");
        let supply = Supply {
            credential: Some(Credential::Bound(token)),
            problem: None,
        };
        assert!(!format!("{supply:?}").contains("secret"), "{supply:?}");
    }
}
