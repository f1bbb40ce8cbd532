//! `CNI_ARGS`: the runtime's key-value pairs, which tell the plugin whose sandbox it is.

use std::fmt;

/// The pairs of `CNI_ARGS` in the order they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Args(Vec<(String, String)>);

/// A part of `CNI_ARGS` that is not `KEY=value`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("CNI_ARGS holds {pair:?}, which is not KEY=value; write pairs separated by ';'")]
pub struct ArgsError {
    /// The part as it was found.
    pub pair: String,
}

impl Args {
    /// Parses `KEY=value;KEY=value`. Empty parts are passed over, as runtimes end the list with a semicolon.
    ///
    /// # Errors
    /// A part without `=` or with an empty key.
    pub fn parse(text: &str) -> Result<Self, ArgsError> {
        text.split(';')
            .filter(|pair| !pair.trim().is_empty())
            .map(|pair| match pair.split_once('=') {
                Some((key, value)) if !key.trim().is_empty() => {
                    Ok((key.trim().to_owned(), value.to_owned()))
                }
                Some(_) | None => Err(ArgsError {
                    pair: pair.to_owned(),
                }),
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The last value of `key`, if it is there and not empty.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        let value = self
            .0
            .iter()
            .rev()
            .find(|(k, _)| k == key)
            .map(|(_, value)| value.as_str());
        value.filter(|value| !value.is_empty())
    }

    /// The same pairs, with the one that lets plugins pass over keys they do not know, unless it is there. Without it a
    /// plugin refuses the pod's name and whatever else it is told (CNI CONVENTIONS.md, "`CNI_ARGS`").
    #[must_use]
    pub fn ignoring_unknown(mut self) -> Self {
        const KEY: &str = "IgnoreUnknown";
        if !self.0.is_empty() && self.get(KEY).is_none() {
            self.0.insert(0, (KEY.to_owned(), "true".to_owned()));
        }
        self
    }

    /// The same pairs without `key`.
    #[must_use]
    pub fn without(mut self, key: &str) -> Self {
        self.0.retain(|(k, _)| k != key);
        self
    }

    /// The same pairs with `key` set to `value`, in its old place if it had one.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        match self.0.iter_mut().find(|(k, _)| k == key) {
            Some((_, old)) => value.clone_into(old),
            None => self.0.push((key.to_owned(), value.to_owned())),
        }
        self
    }
}

impl fmt::Display for Args {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (key, value)) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ";" };
            write!(f, "{separator}{key}={value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs() {
        let args = Args::parse("IgnoreUnknown=1;K8S_POD_NAME=p1;K8S_POD_UID=;").unwrap();
        assert_eq!(args.get("K8S_POD_NAME"), Some("p1"));
        assert_eq!(args.get("K8S_POD_UID"), None);
        assert_eq!(
            args.with("MAC", "02:00:00:00:00:01").to_string(),
            "IgnoreUnknown=1;K8S_POD_NAME=p1;K8S_POD_UID=;MAC=02:00:00:00:00:01"
        );
        let ignoring = |text| Args::parse(text).unwrap().ignoring_unknown().to_string();
        assert_eq!(ignoring("A=b"), "IgnoreUnknown=true;A=b");
        assert_eq!(ignoring("A=b;IgnoreUnknown=1"), "A=b;IgnoreUnknown=1");
        assert_eq!(ignoring(""), "");
        assert_eq!(Args::parse("").unwrap(), Args::default());
        assert_eq!(Args::parse("a=b=c").unwrap().get("a"), Some("b=c"));
        assert!(Args::parse("K8S_POD_NAME").is_err());
        assert!(Args::parse("=x").is_err());
    }
}
