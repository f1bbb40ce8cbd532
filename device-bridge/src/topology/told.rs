//! What came of looking and publishing, for whoever tells how the agent is.

use super::observe::{Look, LookError};

/// What came of looking and publishing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Whether the kubelet answered at the last look; nothing before the first.
    pub kubelet: Option<Result<(), KubeletFault>>,
    /// The UID of the NodeInventory that was written last.
    pub inventory: Option<String>,
}

/// Why the kubelet does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeletFault {
    /// In a word.
    pub reason: &'static str,
    /// In words.
    pub message: String,
}

impl Told {
    /// What a look says of the kubelet; nothing where it was not for the kubelet that it failed.
    pub(super) fn kubelet_of(look: &Result<Look, LookError>) -> Option<Result<(), KubeletFault>> {
        match look {
            Ok(_) => Some(Ok(())),
            Err(LookError::Kubelet(error)) => Some(Err(KubeletFault {
                reason: error.reason(),
                message: error.to_string(),
            })),
            Err(LookError::Tree(_)) => None,
        }
    }
}
