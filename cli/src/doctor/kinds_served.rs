//! Whether the API server serves the kinds that Polypod reads and writes, in the versions that it knows.

use serde_json::Value;

use super::finding::{Finding, Issue};
use crate::cluster::Unseen;

const CHECK: &str = "crds";

const INSTALL: &str = "kubectl apply --server-side -k manifests/crds";

/// A kind that a CustomResourceDefinition brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Custom {
    /// Its group.
    pub(super) group: &'static str,
    /// The version that is read.
    pub(super) version: &'static str,
    /// Its name in paths.
    pub(super) plural: &'static str,
    /// Its subresource.
    subresource: Option<&'static str>,
    /// What does not go without it; nothing where nobody has to have it.
    needed_for: Option<&'static str>,
}

/// All of them.
pub(super) const CUSTOM: [Custom; 3] = [
    Custom {
        group: "k8s.cni.cncf.io",
        version: "v1",
        plural: "network-attachment-definitions",
        subresource: None,
        needed_for: Some("no pod can select a network"),
    },
    Custom {
        group: "polypod.dev",
        version: "v1alpha1",
        plural: "nodeinventories",
        subresource: Some("status"),
        needed_for: Some("nodes cannot say which devices they have, and how their agents are"),
    },
    Custom {
        group: "topology.node.k8s.io",
        version: "v1alpha2",
        plural: "noderesourcetopologies",
        subresource: None,
        needed_for: None,
    },
];

impl Custom {
    /// The name of its CustomResourceDefinition.
    pub(super) fn definition(&self) -> String {
        format!("{}.{}", self.plural, self.group)
    }
}

/// What is known of one: the resources that the API server serves in its version (an APIResourceList), and its definition.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// None where the group or the version is not served.
    pub(super) resources: Result<Option<Value>, Unseen>,
    /// The CustomResourceDefinition, which fewer people may read.
    pub(super) definition: Result<Option<Value>, Unseen>,
}

/// Judges them, in the order of [`CUSTOM`].
pub(super) fn judged(seen: &[Seen; 3]) -> Finding {
    let (mut issues, mut evidence) = (Vec::new(), Vec::new());
    for (custom, seen) in CUSTOM.iter().zip(seen) {
        let name = custom.definition();
        match &seen.resources {
            Err(unseen) => issues.push(unseen.into()),
            Ok(resources) => match missing(custom, resources.as_ref()) {
                Some(issue) => {
                    issues.push(issue);
                    // It may be there and not served; then it says why.
                    issues.extend(not_in_order(&name, &seen.definition));
                }
                None => {
                    evidence.push(served(custom, &seen.definition));
                    issues.extend(not_in_order(&name, &seen.definition));
                }
            },
        }
    }
    let good = "the API server serves the kinds that Polypod reads and writes";
    Finding::of(CHECK, good, evidence, issues)
}

fn missing(custom: &Custom, resources: Option<&Value>) -> Option<Issue> {
    let names = resources.and_then(|list| list["resources"].as_array());
    let has = |wanted: &str| {
        let mut names = names.into_iter().flatten();
        names.any(|resource| resource["name"] == wanted)
    };
    let (name, version) = (custom.definition(), custom.version);
    if !has(custom.plural) {
        let text = format!("{name} is not served in {version}");
        return Some(match custom.needed_for {
            Some(lost) => Issue::fail(format!("{text}: {lost}"), INSTALL),
            None => Issue::warn(
                format!("{text}: other readers of topologies learn nothing of nodes"),
                format!("{INSTALL}; or give the agents --publish-topology inventory"),
            ),
        });
    }
    let subresource = custom.subresource?;
    if has(&format!("{}/{subresource}", custom.plural)) {
        return None;
    }
    Some(Issue::warn(
        format!(
            "{name} has no subresource {subresource}: it is of an older version, and agents cannot say how they are"
        ),
        INSTALL,
    ))
}

fn served(custom: &Custom, definition: &Result<Option<Value>, Unseen>) -> String {
    let text = format!("{} is served in {}", custom.definition(), custom.version);
    let Ok(Some(definition)) = definition else {
        return text;
    };
    let versions = definition["spec"]["versions"].as_array();
    let others: Vec<&str> = versions
        .into_iter()
        .flatten()
        .filter(|version| version["served"] == true)
        .filter_map(|version| version["name"].as_str())
        .filter(|version| *version != custom.version)
        .collect();
    if others.is_empty() {
        text
    } else {
        format!("{text}, and in {}", others.join(", "))
    }
}

/// What a definition says of itself: that its names are taken, or that its schema is not taken.
fn not_in_order(name: &str, definition: &Result<Option<Value>, Unseen>) -> Option<Issue> {
    let definition = definition.as_ref().ok()?.as_ref()?;
    let conditions = definition["status"]["conditions"].as_array()?;
    let bad = conditions.iter().find(|condition| {
        let wanted = match condition["type"].as_str() {
            Some("Established" | "NamesAccepted") => "True",
            Some("NonStructuralSchema") => "False",
            _ => return false,
        };
        condition["status"] != wanted
    })?;
    let word = |key: &str| bad[key].as_str().unwrap_or_default();
    Some(Issue::fail(
        format!(
            "the CustomResourceDefinition {name} is {}={} ({}): {}",
            word("type"),
            word("status"),
            word("reason"),
            word("message")
        ),
        format!("kubectl describe customresourcedefinition {name}"),
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{
        super::{finding::Verdict, webhook::tests::unseen},
        *,
    };

    fn list(names: &[&str]) -> Value {
        let resources = names.iter().map(|name| json!({"name": name}));
        json!({"resources": resources.collect::<Vec<_>>()})
    }

    fn seen(resources: Option<Value>) -> Seen {
        Seen {
            resources: Ok(resources),
            definition: Ok(None),
        }
    }

    fn good() -> [Seen; 3] {
        [
            seen(Some(list(&["network-attachment-definitions"]))),
            seen(Some(list(&["nodeinventories", "nodeinventories/status"]))),
            seen(Some(list(&["noderesourcetopologies"]))),
        ]
    }

    #[test]
    fn what_is_served_is_enough() {
        let finding = judged(&good());
        assert_eq!((finding.verdict, finding.evidence.len()), (Verdict::Ok, 3));
        let mut more = good();
        more[0].definition = Ok(Some(json!({"spec": {"versions": [
            {"name": "v1", "served": true}, {"name": "v2", "served": true}, {"name": "v0", "served": false}]}})));
        let finding = judged(&more);
        assert!(
            finding.evidence[0].ends_with("in v1, and in v2"),
            "{finding:?}"
        );
    }

    #[test]
    fn what_is_missing_says_what_is_lost() {
        for (at, resources, verdict, words) in [
            (0, None, Verdict::Fail, "no pod can select a network"),
            (
                1,
                Some(list(&["others"])),
                Verdict::Fail,
                "which devices they have",
            ),
            (
                1,
                Some(list(&["nodeinventories"])),
                Verdict::Warn,
                "older version",
            ),
            (2, None, Verdict::Warn, "other readers"),
            (
                2,
                Some(json!({"resources": 5})),
                Verdict::Warn,
                "other readers",
            ),
        ] {
            let mut all = good();
            all[at].resources = Ok(resources);
            let finding = judged(&all);
            assert_eq!(finding.verdict, verdict, "{finding:?}");
            assert!(finding.found.contains(words), "{finding:?}");
            assert!(finding.mend[0].contains("manifests/crds"), "{finding:?}");
        }
        let mut all = good();
        all[1].resources = Err(unseen("resources"));
        assert_eq!(judged(&all).verdict, Verdict::Unknown);
    }

    #[test]
    fn a_definition_that_is_not_taken_says_why() {
        let mut all = good();
        all[0] = Seen {
            resources: Ok(None),
            definition: Ok(Some(json!({"status": {"conditions": [
                {"type": "NamesAccepted", "status": "False", "reason": "ShortNamesConflict", "message": "net-attach-def is in use"},
                {"type": "Established", "status": "False"}]}}))),
        };
        let finding = judged(&all);
        assert!(
            finding.evidence[0].contains("net-attach-def is in use"),
            "{finding:?}"
        );
    }
}
