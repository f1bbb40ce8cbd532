//! What an error status of the kubelet's pod-resources API means.
//!
//! The kubelet answers most errors as plain Go errors, which all have the code Unknown, so their text decides.

use std::error::Error as _;

use tonic::{Code, Status};

/// What to do about a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The limiter that all its clients share turned the call away: ask again in a moment.
    Throttled,
    /// The connection broke under the call; the kubelet itself said nothing.
    Broken,
    /// It is not ready: ask again in a moment.
    NotReady,
    /// This kubelet has no `Get`, or has it switched off (before Kubernetes 1.34): ask with `List`.
    NoGet,
    /// The kubelet has no such pod.
    NoPod,
    /// Nothing that asking again would change.
    Final,
}

/// Judges the status of a call.
pub(crate) fn meaning(status: &Status) -> Meaning {
    let text = status.message();
    // What the kubelet itself says came in a message and has no other error behind it.
    if status.source().is_some() {
        return Meaning::Broken;
    }
    match status.code() {
        Code::Unavailable => Meaning::NotReady,
        // The limiter's own words. The same code with other words is a message that is too large.
        Code::ResourceExhausted if text.contains("rejected by rate limit") => Meaning::Throttled,
        Code::Unimplemented => Meaning::NoGet,
        Code::NotFound => Meaning::NoPod,
        Code::Unknown if text.contains("method disabled") => Meaning::NoGet,
        Code::Unknown if text.contains("not found") => Meaning::NoPod,
        _ => Meaning::Final,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meanings() {
        for (code, text, wanted) in [
            (Code::Unavailable, "", Meaning::NotReady),
            (
                Code::ResourceExhausted,
                "rejected by rate limit",
                Meaning::Throttled,
            ),
            (
                Code::ResourceExhausted,
                "received message larger than max",
                Meaning::Final,
            ),
            (Code::Unimplemented, "unknown method Get", Meaning::NoGet),
            (
                Code::Unknown,
                "PodResources API Get method disabled",
                Meaning::NoGet,
            ),
            (
                Code::Unknown,
                "pod p in namespace default not found",
                Meaning::NoPod,
            ),
            (Code::NotFound, "", Meaning::NoPod),
            (Code::Unknown, "boom", Meaning::Final),
            (
                Code::OutOfRange,
                "decoded message length too large",
                Meaning::Final,
            ),
            (Code::PermissionDenied, "", Meaning::Final),
        ] {
            assert_eq!(
                meaning(&Status::new(code, text)),
                wanted,
                "{code:?} {text:?}"
            );
        }
    }
    #[test]
    fn an_error_of_the_connection_is_not_the_kubelets() {
        let error = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        let status = Status::from_error(Box::new(error));
        assert_eq!(meaning(&status), Meaning::Broken, "{status:?}");
    }
}
