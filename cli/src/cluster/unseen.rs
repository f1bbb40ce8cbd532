//! What could not be seen of a cluster: why, and what to do.

use std::{fmt, time::Duration};

use kube::Error;
use serde::Serialize;

use super::Kind;

/// Something of a cluster that could not be seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Unseen {
    /// What: `nodeinventories.polypod.dev of all namespaces`.
    pub(crate) what: String,
    /// The sort of obstacle, for programs.
    pub(crate) cause: Cause,
    /// The obstacle, in a sentence.
    pub(crate) why: String,
    /// What mends it.
    pub(crate) what_to_do: String,
}

/// The sorts of obstacles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Cause {
    /// The API server does not know who asks (401).
    Unauthorized,
    /// Who asks may not (403).
    Forbidden,
    /// The API server does not serve the kind (404).
    NotServed,
    /// No answer in time.
    TimedOut,
    /// No connection.
    Unreachable,
    /// The API server could not answer.
    Failed,
    /// It came, and does not fit its kind.
    Malformed,
    /// The files that were named do not have it.
    NotGiven,
}

impl Unseen {
    /// Why a kind of objects is unseen. `verb` is the one of the rights that it takes.
    pub(crate) fn of(kind: &Kind, verb: &str, where_: &str, error: &Error) -> Self {
        let what = format!("{} {where_}", kind.resource());
        let (cause, why, what_to_do) = match error {
            Error::Api(status) => match status.code {
                401 => (
                    Cause::Unauthorized,
                    "the API server does not know you (401)".to_owned(),
                    "log in anew, or name another --context".to_owned(),
                ),
                403 => (
                    Cause::Forbidden,
                    format!("you may not {verb} them (403): {}", status.message),
                    format!(
                        "have the right to {verb} {} granted; {}",
                        kind.resource(),
                        kind.granted_by()
                    ),
                ),
                404 => (
                    Cause::NotServed,
                    format!(
                        "the API server serves no {} {} (404)",
                        kind.api_version(),
                        kind.kind
                    ),
                    kind.if_missing.to_owned(),
                ),
                code => (
                    Cause::Failed,
                    format!("the API server answered {code}: {}", status.message),
                    "try again; the log of kube-apiserver has more".to_owned(),
                ),
            },
            error => (
                Cause::Unreachable,
                format!("the API server does not answer: {}", reasons(error)),
                "see that the cluster of --context is up and the way to it open".to_owned(),
            ),
        };
        Self {
            what,
            cause,
            why,
            what_to_do,
        }
    }

    /// So many objects of a kind that came and cannot be read.
    pub(crate) fn malformed(kind: &Kind, count: usize) -> Self {
        let resource = kind.resource();
        Self {
            what: format!("{resource} of the cluster"),
            cause: Cause::Malformed,
            why: format!("{count} of them do not fit the kind"),
            what_to_do: format!(
                "compare kubectl get {resource} -o yaml with the kind's definition, and the version of this program with the cluster's"
            ),
        }
    }

    /// Whether it is this kind that is unseen.
    pub(crate) fn is_of(&self, kind: &Kind) -> bool {
        self.what.split(' ').next() == Some(&*kind.resource())
    }

    /// A kind that was not read, or not to its end, in time.
    pub(super) fn late(kind: &Kind, where_: &str, seen: usize, limit: Duration) -> Self {
        let limit = humantime::format_duration(limit);
        let why = match seen {
            0 => format!("no answer in {limit}"),
            seen => format!("only {seen} of them came in time; the next had {limit}"),
        };
        Self {
            what: format!("{} {where_}", kind.resource()),
            cause: Cause::TimedOut,
            why,
            what_to_do: "try again with a longer --request-timeout".to_owned(),
        }
    }
}

impl fmt::Display for Unseen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            why,
            what_to_do,
            ..
        } = self;
        write!(f, "cannot see {what}: {why}; {what_to_do}")
    }
}

/// An error with all that caused it, each said once.
pub(super) fn reasons(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;
    use crate::cluster::kinds::{NETWORKS, NODE_INVENTORIES};

    fn answered(code: u16) -> Error {
        let mut status = Status::failure("said so", "Reason");
        status.code = code;
        Error::Api(Box::new(status))
    }

    #[test]
    fn every_obstacle_says_what_to_do() {
        for (error, cause, words) in [
            (answered(401), Cause::Unauthorized, "log in anew"),
            (
                answered(403),
                Cause::Forbidden,
                "the right to list nodeinventories.polypod.dev",
            ),
            (answered(404), Cause::NotServed, "install its CRD"),
            (answered(500), Cause::Failed, "500: said so"),
            (
                Error::Service("refused".into()),
                Cause::Unreachable,
                "refused",
            ),
        ] {
            let unseen = Unseen::of(&NODE_INVENTORIES, "list", "of the cluster", &error);
            assert_eq!(unseen.cause, cause);
            assert!(unseen.to_string().contains(words), "{unseen}");
            assert!(unseen.to_string().contains("of the cluster"), "{unseen}");
        }
    }

    #[test]
    fn a_part_that_came_in_time_is_told() {
        let late = Unseen::late(&NETWORKS, "of ns", 500, Duration::from_secs(3));
        insta::assert_snapshot!(late, @"cannot see network-attachment-definitions.k8s.cni.cncf.io of ns: only 500 of them came in time; the next had 3s; try again with a longer --request-timeout");
        let broken = Unseen::malformed(&NODE_INVENTORIES, 2);
        assert!(broken.is_of(&NODE_INVENTORIES) && !broken.is_of(&NETWORKS));
        assert!(broken.why.contains("2 of them"), "{broken}");
        let none = Unseen::late(&NETWORKS, "of ns", 0, Duration::from_secs(3));
        assert!(none.why.contains("no answer in 3s"), "{none}");
    }
}
