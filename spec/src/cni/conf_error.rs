//! Why a text is no CNI configuration.

use super::UnsupportedVersion;
use crate::NameError;

/// Why a text is no CNI configuration. Places are JSON pointers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfError {
    /// Not JSON at all.
    #[error("the CNI configuration is not valid JSON: {0}")]
    NotJson(String),
    /// A value of another kind than the specification wants.
    #[error("the CNI configuration has {found} at {place}; it must be {wanted}")]
    Kind {
        /// Where.
        place: String,
        /// The kind that stands there.
        found: &'static str,
        /// The kind that belongs there.
        wanted: &'static str,
    },
    /// Neither `type` nor `plugins`. The words "delegate must have …" are those that operators of Multus look for.
    #[error(
        "the CNI configuration has neither 'type' (one plugin) nor 'plugins' (a chain); a delegate must have the 'type' or 'plugin' field, so write one of them"
    )]
    NoPlugin,
    /// `plugins` is empty.
    #[error(
        "the CNI configuration has an empty list at /plugins; name at least one plugin with its 'type'"
    )]
    EmptyPlugins,
    /// A plugin of the chain has no type.
    #[error("the CNI configuration has no 'type' at {place}; write the file name of the plugin")]
    NoType {
        /// Where.
        place: String,
    },
    /// A name that breaks its rule.
    #[error("the CNI configuration is wrong at {place}: {problem}")]
    Name {
        /// Where.
        place: String,
        /// The rule.
        #[source]
        problem: NameError,
    },
    /// A `cniVersion` nobody speaks.
    #[error("the CNI configuration is wrong at /cniVersion: {0}")]
    Version(#[from] UnsupportedVersion),
    /// No version that Polypod speaks among `cniVersion` and `cniVersions`.
    #[error("the CNI configuration is wrong at /cniVersions: {0}")]
    Versions(#[source] UnsupportedVersion),
}
