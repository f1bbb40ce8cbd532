//! What an error status of the kubelet's pod-resources API means.
//!
//! The kubelet answers most errors as plain Go errors, which all have the code Unknown, so their text decides.

use tonic::{Code, Status};

/// What to do about a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// A passing condition: ask again in a moment.
    Passing,
    /// This kubelet has no `Get`, or has it switched off (before Kubernetes 1.34): ask with `List`.
    NoGet,
    /// The kubelet has no such pod.
    NoPod,
    /// Nothing that asking again would change.
    Final,
}

/// Judges the status of a `Get` or `List`.
pub(crate) fn meaning(status: &Status) -> Meaning {
    let text = status.message();
    match status.code() {
        Code::Unavailable => Meaning::Passing,
        // The limiter's own words. The same code with other words is a message that is too large.
        Code::ResourceExhausted if text.contains("rejected by rate limit") => Meaning::Passing,
        Code::Unimplemented => Meaning::NoGet,
        Code::NotFound => Meaning::NoPod,
        Code::Unknown if is_of_the_connection(status) => Meaning::Passing,
        Code::Unknown if text.contains("method disabled") => Meaning::NoGet,
        Code::Unknown if text.contains("not found") => Meaning::NoPod,
        _ => Meaning::Final,
    }
}

/// Whether the connection broke under the call, as when the kubelet restarts: the kubelet itself said nothing.
fn is_of_the_connection(status: &Status) -> bool {
    std::error::Error::source(status)
        .is_some_and(<dyn std::error::Error>::is::<tonic::transport::Error>)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meanings() {
        for (code, text, wanted) in [
            (Code::Unavailable, "", Meaning::Passing),
            (
                Code::ResourceExhausted,
                "rejected by rate limit",
                Meaning::Passing,
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
}
