//! What a person may have meant by a network that is not there.

use spec::network::{NETWORKS, NetworkRef};

use crate::{NetworkIndex, Place, Policy, access::Asker};

/// How many names a hint offers.
const MOST: usize = 3;

/// What to do about a network that was looked for and not found.
pub(crate) fn hint(
    place: Place,
    wanted: &NetworkRef,
    asker: &Asker<'_>,
    networks: &NetworkIndex,
    policy: &Policy,
) -> String {
    let NetworkRef { namespace, name } = wanted;
    let similar: Vec<String> = networks
        .similar(wanted)
        .into_iter()
        .take(MOST)
        .map(ToString::to_string)
        .collect();
    let mut elsewhere = networks.elsewhere(wanted);
    // Advice that isolation would refuse is none.
    elsewhere.retain(|namespace| !asker.is_isolated_from(namespace));
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
            .take(MOST)
            .map(ToString::to_string)
            .collect();
        hints.push(match there.as_slice() {
            [] => format!("namespace {namespace} has none at all, create it first"),
            some => format!(
                "create it first, or select one that is in {namespace}, such as {}",
                some.join(", ")
            ),
        });
    }
    hints.join("; ")
}
