//! What a person may have meant by a network that is not there.

use std::collections::BTreeMap;

use spec::network::{NETWORKS, Namespace, NetworkRef, ObjectName};

use crate::{NetworkIndex, Place, Policy, access::Asker, findings::Findings};

/// How many names a hint offers.
const MOST: usize = 3;

/// How many networks are asked whether the pod's author may be told of them, which may mean to read their annotations.
const MOST_WEIGHED: usize = 16;

/// How many missing networks of one object are thought about; the others are told without advice.
const MOST_HINTS: usize = 3;

/// The hints of one decision. Each costs a search, so that a name is searched for once.
#[derive(Debug, Default)]
pub(crate) struct Hints(BTreeMap<(bool, NetworkRef), String>);

impl Hints {
    /// What to do about a network that was looked for and not found.
    pub(crate) fn of(
        &mut self,
        place: Place,
        wanted: &NetworkRef,
        asker: &Asker<'_>,
        networks: &NetworkIndex,
        policy: &Policy,
        findings: &Findings<'_>,
    ) -> String {
        let key = (place == Place::DefaultNetwork, wanted.clone());
        if let Some(known) = self.0.get(&key) {
            return known.clone();
        }
        if self.0.len() >= MOST_HINTS {
            return "create it first, or correct the name".to_owned();
        }
        let hint = hint(place, wanted, asker, networks, policy, findings);
        self.0.entry(key).or_insert(hint).clone()
    }
}

fn hint(
    place: Place,
    wanted: &NetworkRef,
    asker: &Asker<'_>,
    networks: &NetworkIndex,
    policy: &Policy,
    findings: &Findings<'_>,
) -> String {
    let NetworkRef { namespace, name } = wanted;
    let may_be_told = |namespace: &Namespace, name: &ObjectName| {
        let reference = NetworkRef {
            namespace: namespace.clone(),
            name: name.clone(),
        };
        let network = networks.get(&reference);
        network.is_some_and(|network| asker.may_be_told_of(network, findings))
    };
    let similar: Vec<String> = networks
        .similar(wanted)
        .into_iter()
        .take(MOST_WEIGHED)
        .filter(|name| may_be_told(namespace, name))
        .take(MOST)
        .map(ToString::to_string)
        .collect();
    let mut elsewhere = networks.elsewhere(wanted);
    elsewhere.retain(|namespace| !asker.is_isolated_from(namespace));
    elsewhere.truncate(MOST_WEIGHED);
    elsewhere.retain(|namespace| may_be_told(namespace, name));
    let mut hints = Vec::new();
    if place == Place::DefaultNetwork && *namespace == policy.system_namespace {
        hints.push(format!(
            "a default network without a namespace is looked for in {namespace}"
        ));
    }
    if name.as_str() == "null" {
        hints.push(format!(
            "{name:?} is taken as a name here, so remove the annotation {NETWORKS} if no network is wanted",
            name = name.as_str()
        ));
    }
    if !similar.is_empty() {
        hints.push(format!("did you mean {}?", similar.join(" or ")));
    }
    if let Some(first) = elsewhere.first() {
        let all: Vec<&str> = elsewhere.iter().take(MOST).map(|n| n.as_str()).collect();
        let more = match elsewhere.len().saturating_sub(MOST) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        hints.push(format!(
            "one of this name exists in {}{more}: write {first}/{name}, or \"namespace\": {:?} in the JSON form",
            all.join(", "),
            first.as_str()
        ));
    }
    if similar.is_empty() && elsewhere.is_empty() {
        let there: Vec<String> = networks
            .names_in(namespace)
            .take(MOST_WEIGHED)
            .filter(|name| may_be_told(namespace, name))
            .take(MOST)
            .map(ToString::to_string)
            .collect();
        hints.push(match there.as_slice() {
            [] if networks.names_in(namespace).next().is_some() => "create it first".to_owned(),
            [] => format!("namespace {namespace} has none at all, create it first"),
            some => format!(
                "create it first, or select one that is in {namespace}, such as {}",
                some.join(", ")
            ),
        });
    }
    hints.join("; ")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use spec::network::SHARED_WITH;

    use crate::{
        Cluster, Fault, Policy, admit,
        fixture::{index, namespace, network, pod, read},
    };

    /// The hints that a pod of `of` gets.
    fn hints(of: &str, networks: &str, cluster: &Cluster, access: &Value) -> Vec<String> {
        let policy: Policy = serde_json::from_value(json!({"access": access})).unwrap();
        let pod = read(&pod(Some(networks), None));
        let denial = admit(&pod, &namespace(of), cluster, &policy).unwrap_err();
        let faults = denial.faults().iter();
        let hints = faults.filter_map(|fault| match fault {
            Fault::NotFound { hint, .. } => Some(hint.clone()),
            _ => None,
        });
        hints.collect()
    }

    #[test]
    fn nobody_is_told_of_what_he_may_not_select() {
        let mut networks = index(&["hidden/secret", "shown/secret", "team/secre", "team/other"]);
        let mut shared = network("shared/secret", None, r#"{"type":"bridge"}"#);
        let everybody = (SHARED_WITH.to_owned(), "*".to_owned());
        shared.annotations.extend([everybody]);
        networks.insert(shared);
        let cluster = networks.into();
        let listed = |networks: &[&str]| json!({"allowedNetworks": [{"networks": networks}]});
        for (access, wanted) in [
            (
                json!({}),
                "did you mean secre?; one of this name exists in hidden, shared, shown: write hidden/secret, or \"namespace\": \"hidden\" in the JSON form",
            ),
            (
                listed(&["team/secret", "shown/*"]),
                "one of this name exists in shown: write shown/secret, or \"namespace\": \"shown\" in the JSON form",
            ),
            (listed(&["team/secret"]), "create it first"),
            (
                listed(&["team/secret", "team/other"]),
                "create it first, or select one that is in team, such as other",
            ),
            (
                json!({"requireSharing": true}),
                "did you mean secre?; one of this name exists in shared: write shared/secret, or \"namespace\": \"shared\" in the JSON form",
            ),
        ] {
            assert_eq!(hints("team", "secret", &cluster, &access), [wanted]);
        }
    }

    #[test]
    fn the_first_missing_networks_are_thought_about_and_the_same_one_once() {
        let cluster = index(&["default/net0"]).into();
        let networks: Vec<String> = (1..9).map(|i| format!("net{i},net{i}")).collect();
        let hints = hints("default", &networks.join(","), &cluster, &json!({}));
        assert_eq!(hints.len(), 10);
        let (first, others) = hints.split_at(2 * super::MOST_HINTS);
        assert!(first.iter().all(|hint| hint == "did you mean net0?"));
        assert!(others.iter().all(|hint| hint.starts_with("create it")));
    }
}
