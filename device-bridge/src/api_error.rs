//! Errors of the API server, short enough for a pod's event.

use std::error::Error as _;

use spec::{bridge::Failure, cni::code};

/// The failure to do `what` with the API server.
pub(crate) fn failure(what: &str, error: &kube::Error) -> Failure {
    let (code, advice) = match status_code(error) {
        Some(401) => (
            code::NOT_AUTHENTICATED,
            "; the token has ended or is not valid any more, and the agent of this node renews it when it runs (docs/credentials.md)",
        ),
        Some(403) => (
            code::IO_FAILURE,
            "; check the role that polypod-device-bridge is bound to",
        ),
        Some(_) => (code::TRY_AGAIN_LATER, ""),
        None => (
            code::TRY_AGAIN_LATER,
            "; check that the API server can be reached from this node",
        ),
    };
    Failure {
        code,
        message: format!("cannot {what}: {}{advice}", describe(error)),
    }
}

/// The status with which the API server answered, if it did.
pub(crate) fn status_code(error: &kube::Error) -> Option<u16> {
    match error {
        kube::Error::Api(status) => Some(status.code),
        _ => None,
    }
}

/// What went wrong, with its causes. kube prints whole structures, which nobody reads.
pub(crate) fn describe(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        return format!(
            "the API server answered {}: {}",
            status.code, status.message
        );
    }
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
        source = error.source();
    }
    text
}
