//! The pod's place: judged by the engine, or why it is not.

use std::fmt;

use scheduler::explain::Explanation;
use serde::Serialize;

use crate::cluster::Unseen;

/// The version of the JSON's structure, which is that of an explanation.
const VERSION: u8 = 1;

/// The pod's place. The fields of an explanation stand in the JSON as they are.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Place {
    /// Node by node.
    Judged(Box<Explanation>),
    /// Whoever asks may not see what it takes, or it did not come.
    Unjudged(Unjudged),
}

/// A pod whose place is not judged.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Unjudged {
    version: u8,
    pod: Named,
    #[serde(skip_serializing_if = "Option::is_none")]
    bound_to: Option<String>,
    /// Why no node is judged.
    unjudged: String,
}

#[derive(Debug, Serialize)]
struct Named {
    namespace: String,
    name: String,
}

impl Unjudged {
    /// Of a pod on this node, or on none. `unseen` is what it would have been judged by.
    pub(super) fn of([namespace, name]: [&str; 2], node: Option<&str>, unseen: &[Unseen]) -> Self {
        let obstacles = unseen
            .iter()
            .map(|Unseen { what, why, .. }| format!("cannot see {what}: {why}"));
        Self {
            version: VERSION,
            pod: Named {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            },
            bound_to: node.map(str::to_owned),
            unjudged: obstacles.collect::<Vec<_>>().join("; "),
        }
    }
}

impl Place {
    /// Whether the pod has a place, or may get one as far as was seen.
    pub(super) fn is_open(&self) -> bool {
        match self {
            Self::Judged(explanation) => explanation.bound_to.is_some() || explanation.fitting > 0,
            Self::Unjudged(_) => true,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unjudged {
            pod,
            bound_to,
            unjudged,
            ..
        } = match self {
            Self::Judged(explanation) => return write!(f, "{explanation}"),
            Self::Unjudged(unjudged) => unjudged,
        };
        let plain = |text: &str| text.replace(char::is_control, " ");
        let node = match bound_to {
            Some(node) => format!("bound to {}", plain(node)),
            None => "on no node yet".to_owned(),
        };
        writeln!(
            f,
            "pod {}/{}: {node}",
            plain(&pod.namespace),
            plain(&pod.name)
        )?;
        writeln!(
            f,
            "nodes are not judged, which takes all Nodes and the Pods of all namespaces:"
        )?;
        writeln!(f, "  {}", plain(unjudged))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Cause;

    #[test]
    fn what_is_not_judged_says_why_and_where_the_pod_is() {
        let unseen = |what: &str| Unseen {
            what: what.to_owned(),
            cause: Cause::Forbidden,
            why: "you may not\n(403)".to_owned(),
            what_to_do: "ask".to_owned(),
        };
        let both = [
            unseen("nodes of the cluster"),
            unseen("pods of the cluster"),
        ];
        let place = Place::Unjudged(Unjudged::of(["team", "p"], Some("n1"), &both));
        assert!(place.is_open());
        insta::assert_snapshot!(place, @r"
        pod team/p: bound to n1
        nodes are not judged, which takes all Nodes and the Pods of all namespaces:
          cannot see nodes of the cluster: you may not (403); cannot see pods of the cluster: you may not (403)
        ");
        let waiting = Place::Unjudged(Unjudged::of(["team", "p"], None, &both[..1]));
        assert!(
            waiting
                .to_string()
                .starts_with("pod team/p: on no node yet\n")
        );
        let json = serde_json::to_value(&waiting).unwrap();
        assert_eq!(
            (&json["version"], &json["pod"]["name"]),
            (&1.into(), &"p".into())
        );
        assert_eq!(json.get("boundTo"), None);
    }
}
