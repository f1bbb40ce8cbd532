//! A pod, as it is named on a command line.

use std::{ops::Deref, str::FromStr};

/// The name of a pod, which kubectl prints and takes as `pod/NAME` too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PodName(String);

/// It is no name of a pod.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PodNameError {
    /// Something else is named.
    #[error(
        "{0:?} is no pod; name one of its pods, which kubectl get pods -o name prints as pod/NAME"
    )]
    OtherKind(String),
    /// Nothing is named.
    #[error("the pod has no name; write NAME or pod/NAME")]
    Empty,
}

impl Deref for PodName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl FromStr for PodName {
    type Err = PodNameError;

    fn from_str(text: &str) -> Result<Self, PodNameError> {
        let name = match text.split_once('/') {
            None => text,
            Some(("pod" | "pods" | "po", name)) if !name.contains('/') => name,
            Some(_) => return Err(PodNameError::OtherKind(text.to_owned())),
        };
        match name {
            "" => Err(PodNameError::Empty),
            name => Ok(Self(name.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_kubectl_takes_it() {
        for (text, expected) in [
            ("web-0", Ok("web-0")),
            ("pod/web-0", Ok("web-0")),
            ("pods/web-0", Ok("web-0")),
            ("po/web-0", Ok("web-0")),
            (
                "deployment/web",
                Err(PodNameError::OtherKind("deployment/web".to_owned())),
            ),
            (
                "pod/a/b",
                Err(PodNameError::OtherKind("pod/a/b".to_owned())),
            ),
            ("pod/", Err(PodNameError::Empty)),
            ("", Err(PodNameError::Empty)),
        ] {
            let parsed = text.parse::<PodName>();
            assert_eq!(parsed.as_deref(), expected.as_deref(), "{text}");
        }
    }
}
